"""A document as one HTML file that needs nothing beside itself: no picture, script or address."""

from typing import Final

from markupsafe import Markup

from volunteer_hub.core.document import Document, Section, Table

_STYLE: Final = Markup("""
body{font:11pt/1.45 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif;margin:1rem auto;
max-width:75rem;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.5em;margin:.6em 0 .2em}h2{font-size:1.15em;margin:1.6em 0 .3em}p{margin:.3em 0}
.band{border:3px solid #111;padding:.3em .8em;font-weight:700;letter-spacing:.05em}
.under{color:#555}.wrap{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9em;margin:.6em 0}
th,td{border:1px solid #999;padding:.2em .45em;text-align:left;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}thead{display:table-header-group}tr{break-inside:avoid}
@media print{@page{size:A4 landscape;margin:12mm}body{margin:0;max-width:none}}
""")


def page(document: Document) -> str:
    """The file's text."""
    return str(
        Markup(
            '<!doctype html><html lang="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{}: {}</title>'
            '<style>{}</style></head><body><p class="band">{}</p><h1>{}</h1><p class="under">{}</p>{}</body>'
            "</html>"
        ).format(
            {"zh": "zh-Hans"}.get(document.lang, document.lang),
            document.banner,
            document.title,
            _STYLE,
            document.banner,
            document.title,
            document.under,
            Markup("").join(_section(one) for one in document.sections),
        )
    )


def _section(section: Section) -> Markup:
    text = Markup("").join(Markup("<p>{}</p>").format(line) for line in section.text)
    table = _table(section.table) if section.table is not None and section.table.rows else ""
    return Markup("<section><h2>{}</h2>{}{}</section>").format(section.title, text, table)


def _table(table: Table) -> Markup:
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_side(table, n), word) for n, word in enumerate(table.head)
    )
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(_side(table, n), cell) for n, cell in enumerate(row)
            )
        )
        for row in table.rows
    )
    return Markup(
        '<div class="wrap"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(head, rows)


def _side(table: Table, column: int) -> Markup:
    return Markup(' class="n"') if column in table.numbers else Markup("")
