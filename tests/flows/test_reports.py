"""A foreign table becomes tasks: by a named map or a file, every bad row named, read twice made once."""

from pathlib import Path

import pytest

from tests.world import world
from volunteer_hub.core import db, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import reports
from volunteer_hub.incidents import states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State

TABLE = (
    b"Serial,INCIDENT DATE,CATEGORY,LATITUDE,LONGITUDE,APPROVED\n"
    b'1,12/01/2010 16:53,"1. Urgences | Emergency, ",18.54,-72.34,YES\n'
    b'2,12/01/2010 17:00,"1. Urgences | Emergency, ",22.27,114.17,YES\n'
    b'3,12/01/2010 17:05,"",18.55,-72.30,YES\n'
)


def test_rows_become_tasks_and_bad_rows_are_named(tx: Tx) -> None:
    w = world(tx, crowd=0)
    source = reports.column_map("ushahidi_haiti")
    with db.transaction(w.mei, "report.import") as as_mei:
        incident = as_mei.get_one(Incident, w.incident.id)
        taken = reports.take_in(as_mei, incident, TABLE, source)
        again = reports.take_in(as_mei, incident, TABLE, source)
    assert [task.reference for task in taken.tasks] == ["1", "3"]
    assert {task.starts_at for task in taken.tasks} == {as_mei.now}
    assert [(error.where, error.code) for error in taken.refused] == [("3:LATITUDE", "report.outside")]
    assert (taken.rows, taken.unread) == (3, ("APPROVED",))
    assert (again.tasks, again.repeated) == ((), ("1", "3"))


def test_a_map_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    shipped = reports.column_map("ushahidi_haiti")
    own = tmp_path / "own.toml"
    own.write_bytes(policy.path_of("maps/ushahidi_haiti").read_bytes())
    assert reports.column_map(str(own)) == shipped


@pytest.mark.parametrize("name", ["nowhere", "../hub", "", "a/b"])
def test_a_map_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        reports.column_map(name)
    assert refused.value.code == "report.map"


def test_a_closed_incident_takes_no_reports(tx: Tx) -> None:
    w = world(tx, crowd=0)
    incident = states.move(tx, tx.get_one(Incident, w.incident.id), State.CLOSED)
    with pytest.raises(Refused) as refused:
        reports.take_in(tx, incident, TABLE, reports.column_map("ushahidi_haiti"))
    assert refused.value.code == "incident.closed"
