"""Files of people for tests."""

import csv
import io
from typing import Any

import pytest
from sqlmodel import func, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.volunteers import queries, stored
from volunteer_hub.volunteers.exchange import importing
from volunteer_hub.volunteers.models import Volunteer


def table(*people: dict[str, Any], encoding: str = "utf-8-sig", delimiter: str = ",") -> io.BytesIO:
    """A CSV file with a column for every field that anybody has."""
    columns = list(dict.fromkeys(name for person in people for name in person))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(people)
    return io.BytesIO(out.getvalue().encode(encoding))


def count(tx: Tx) -> int:
    return tx.exec(select(func.count()).select_from(Volunteer)).one()


def texts(tx: Tx) -> list[dict[str, str]]:
    """Everybody as a file would write them, by name."""
    found = [
        stored.texts(p.row, p.community, p.skills, p.certifications) for p in queries.people(tx, limit=5_000)
    ]
    return sorted(found, key=lambda cells: (cells["name"], cells["phone"]))


def refused(tx: Tx, file: io.BytesIO, **how: Any) -> Malformed:
    with pytest.raises(Malformed) as caught:
        importing.apply(tx, file, **how)
    return caught.value


def thousand() -> list[dict[str, Any]]:
    return [
        {
            "name": f"Person {number}",
            "phone": f"139{number:08}",
            "community": "DQ-ST-001",
            "lat": "46.6",
            "lon": "125.1",
            "skills": "cooking:1",
        }
        for number in range(1000)
    ]
