"""A foreign table of reports becomes the tasks of an incident."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, NotFound
from volunteer_hub.incidents import reports
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.report_map import ReportMap
from volunteer_hub.volunteers.policy import Skills

FOLDER: Final = "maps"


@dataclass(frozen=True)
class Taken:
    """What became of a table: its rows in all, those refused and why, the tasks made, the reports that were
    tasks already, the columns nobody read."""

    rows: int
    refused: tuple[FieldError, ...]
    tasks: tuple[Task, ...]
    repeated: tuple[str, ...]
    unread: tuple[str, ...]


def column_map(name: str) -> ReportMap:
    """A column map by its name in config/maps, or by the path of a .toml file.

    Raises NotFound for a name that is not there, PolicyError for a map that cannot be used.
    """
    if name.endswith(".toml"):
        return policy.read(Path(name), ReportMap)
    if not name.replace("_", "").isalnum() or not policy.path_of(f"{FOLDER}/{name}").is_file():
        raise NotFound("report.map", name=name)
    found: ReportMap = policy.load(f"{FOLDER}/{name}", ReportMap)
    return found


def take_in(
    tx: Tx, incident: Incident, document: bytes, source: ReportMap, *, starts_at: datetime | None = None
) -> Taken:
    """Makes a task of every report that can be read, from ``starts_at`` on (now where None).

    Rows that cannot be are refused one by one, by line and column, and the others taken in. Raises Malformed
    for a table that cannot be read at all, Refused when the incident is closed.
    """
    reading = reports.read(document, source)
    skills = policy.load("skills", Skills).skills
    made = reports.import_drafts(tx, incident, reading.drafts, skills, starts_at or tx.now)
    return Taken(reading.rows, reading.refused, made.tasks, made.repeated, reading.unread)
