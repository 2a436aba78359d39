"""People in and out by file, with a line in the trail for what passes the session by."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, cast

from volunteer_hub.audit import lines
from volunteer_hub.audit.rules import Operation, common_area
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.exchange import importing, writing
from volunteer_hub.volunteers.exchange.importing import Applied, OnTwin, Preview
from volunteer_hub.volunteers.exchange.staging import Progress
from volunteer_hub.volunteers.exchange.writing import Format
from volunteer_hub.volunteers.queries import Wanted

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IN_MEMORY: Final = 8 << 20

__all__ = ["Applied", "Format", "OnTwin", "Preview"]


def preview(
    tx: Tx,
    file: BinaryIO,
    *,
    datum: str = "wgs84",
    shown: int = importing.SHOWN,
    progress: Progress | None = None,
) -> Preview:
    """What a file holds and what is wrong with it; nothing is stored. Raises Malformed."""
    return importing.preview(tx, file, datum=datum, shown=shown, progress=progress)


def take_in(
    tx: Tx,
    file: BinaryIO,
    *,
    datum: str = "wgs84",
    leave_out_bad: bool = False,
    on_twin: OnTwin = OnTwin.REFUSE,
    by_line: Mapping[int, OnTwin] | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Takes a file of people in, all of it or nothing. Raises as `importing.apply`.

    The trail notes it in the smallest area that holds all the actor may load.
    """
    area = common_area(tx.actor.areas("volunteer.import"))

    def record(_action: str, table: str, count: int) -> None:
        if count:
            lines.record_many(tx, Operation.INSERT, table, count, area)

    return importing.apply(
        tx,
        file,
        datum=datum,
        leave_out_bad=leave_out_bad,
        on_twin=on_twin,
        by_line=by_line,
        record=record,
        progress=progress,
    )


def export(
    tx: Tx, file: BinaryIO, form: Format, wanted: Wanted | None = None, progress: Progress | None = None
) -> int:
    """Writes the people of the actor's areas to a file; how many. The trail says that they left."""
    area = common_area(tx.actor.areas("volunteer.export"))

    def record(_action: str, table: str, count: int) -> None:
        lines.write(tx, [lines.Line(Operation.UPDATE, table, None, area, {"*": {"exported": count}})])

    return writing.export(tx, file, form, wanted, record=record, progress=progress)


def export_blocks(tx: Tx, form: Format, wanted: Wanted | None = None) -> Iterator[bytes]:
    """The same as blocks of bytes for a download; the file is written whole before the first is given."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (closed when it was read)
    export(tx, cast(BinaryIO, file), form, wanted)
    file.seek(0)

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(1 << 16):
                yield block

    return blocks()
