"""Two entries of one person become one, with what either learned and earned."""

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows.callouts import at_ten
from tests.invariants import broken
from tests.training import taught
from tests.world import world
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import award, train
from volunteer_hub.incentives import queries
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.training import assessments, courses
from volunteer_hub.training.models import Enrolment


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def test_what_either_learned_and_earned_is_the_one_persons(tx: Tx) -> None:
    w = world(tx, crowd=1)
    lin, bo, unpaid = w.lin, w.bo, w.crowd[0]
    both, alone = taught.planned(w, places=9), taught.planned(w, places=9)
    for person, session in ((lin, both), (bo, both), (bo, alone)):
        with transaction(taught.me(person), "training.enrol") as own:
            train.enrol(own, person.id, session.public_id)
    with transaction(SYSTEM, "training.complete") as as_system:
        aid = courses.one(as_system, "first_aid")
        assessments.complete(as_system, bo.id, bo.area, aid, 90, as_system.now.date())
        for person, points in ((lin, 7), (bo, 20)):
            award.deed(as_system, EntryKind.TRAINING, "course:first_aid", person.id, points)
    mei, at = client(w.mei), f"/api/v1/volunteers/{lin.public_id}/merge"
    assert mei.post(at, json={"drop": str(bo.public_id)}).status_code == 200
    assert (queries.balance(tx, lin.id), queries.balance(tx, bo.id)) == (27, 0)
    lists = tx.exec(select(Enrolment.session_id).where(col(Enrolment.volunteer_id) == lin.id)).all()
    assert sorted(lists) == sorted([both.id, alone.id])
    held = client(taught.me(lin)).get("/me/download").json()
    assert [one["score"] for one in held["training"]["passed"]] == [90]
    assert [one["points"] for one in held["points"]] == [20, 7]
    assert held["points"][0]["lines"][0]["code"] == "merged"
    before = len(tx.exec(select(LedgerEntry)).all())
    assert mei.post(at, json={"drop": str(unpaid.public_id)}).status_code == 200
    assert len(tx.exec(select(LedgerEntry)).all()) == before  # who had none brings none
    assert broken(tx) == {}
