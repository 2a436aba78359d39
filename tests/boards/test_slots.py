"""What people are told of a slot, each in their own language."""

from sqlmodel import select

from tests.people import mei
from volunteer_hub.boards import slots
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import declare
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.incidents.rules import IncidentSpec


def test_a_templates_task_and_role_are_told_in_the_readers_language_whoever_declared_it(tx: Tx) -> None:
    spec = IncidentSpec(area="/1/2/", hazard="flood", lat=46.6, lon=125.11)
    with transaction(mei(tx), "incident.declare") as as_mei:
        declare.declare(as_mei, spec, only=["sandbagging"])
    ids = tx.exec(select(RoleSlot.id).order_by(RoleSlot.position)).all()
    told = slots.of(tx, ids)
    assert [told[key].title for key in ids] == [{"en": "Sandbag the dyke", "zh": "堤坝装运沙袋"}] * 2
    assert [told[key].role for key in ids] == [
        {"en": "Sandbag crew", "zh": "沙袋组"},
        {"en": "Crew leader", "zh": "带队人"},
    ]
    assert tx.exec(select(Task.place)).one() == ""
    assert told[ids[0]].place == {"en": "Sartu", "zh": "萨尔图区"}


def test_a_role_that_somebody_named_stays_as_it_was_written(tx: Tx) -> None:
    spec = IncidentSpec(area="/1/2/", hazard="flood", lat=46.6, lon=125.11)
    with transaction(mei(tx), "incident.declare") as as_mei:
        declare.declare(as_mei, spec, only=["boats"])
    first = tx.exec(select(RoleSlot).order_by(RoleSlot.position)).first()
    assert first is not None
    first.name = "Night boats"
    tx.flush()
    assert slots.of(tx, [first.id])[first.id].role == {"en": "Night boats", "zh": "Night boats"}
