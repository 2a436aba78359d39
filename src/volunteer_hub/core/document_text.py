"""A document as lines for a terminal."""

from volunteer_hub.core.document import Document, Table


def lines(document: Document) -> str:
    """All of it; cells of a row apart by two blanks, empty ones as a dash."""
    said = [f"{document.banner}: {document.title}", document.under]
    for section in document.sections:
        said += ["", section.title, *section.text]
        if section.table is not None and section.table.rows:
            said += _table(section.table)
    return "\n".join(said)


def _table(table: Table) -> list[str]:
    return ["  ".join(cell or "-" for cell in row) for row in (table.head, *table.rows)]
