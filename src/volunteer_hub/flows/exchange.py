"""People in and out by file, with a line in the trail for what passes the session by."""

from collections.abc import Mapping
from typing import BinaryIO

from volunteer_hub.audit import lines
from volunteer_hub.audit.rules import Operation, common_area
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.exchange import importing, writing
from volunteer_hub.volunteers.exchange.importing import Applied, OnTwin, Preview
from volunteer_hub.volunteers.exchange.staging import Progress
from volunteer_hub.volunteers.exchange.writing import Format
from volunteer_hub.volunteers.queries import Wanted

__all__ = ["Applied", "Format", "OnTwin", "Preview", "export", "preview", "take_in"]


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
