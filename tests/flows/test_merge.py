"""Two entries of one person become one, with what either learned and earned."""

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows.callouts import at_ten, coming, messages, minutes_later
from tests.flows.test_duty import come, go
from tests.flows.test_review import decide, second, typed
from tests.invariants import broken
from tests.mobilization.rows import account, staff
from tests.training import taught
from tests.web.test_duty_pages import text
from tests.world import world
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import award, review, settle, train
from volunteer_hub.incentives import ledger, queries, rewards
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rewards_rules import Offer
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.training import assessments, courses
from volunteer_hub.training.models import Enrolment
from volunteer_hub.volunteers.models import Volunteer

CERTIFICATES = "/api/v1/volunteers/me/certificates"


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


def test_what_was_taken_issued_and_decided_goes_along(tx: Tx) -> None:
    """A reward, a certificate and refused hours of one entry are the kept one's."""
    out = coming(tx, helpers=1, crowd=0)
    lin, bo, mei = out.world.lin, out.world.bo, client(out.world.mei)
    refused = decide(tx, second(tx), typed(tx, out, bo), Decision.REFUSE, "Nobody saw him.")
    settle.adjust(tx, bo.public_id, 60, "A gift.")
    bus = rewards.add(tx, "/1/2/", Offer(title="Ten rides by bus", cost=50, stock=1))
    old = client(taught.me(bo))
    assert old.post(f"/me/rewards/{bus.public_id}/take", data={"once": "x"}).status_code == 303
    paper = old.post(CERTIFICATES, json={"begins": "2031-01-01", "ends": "2031-01-20", "hours": True}).json()
    check = f"/api/v1/certificates/{paper['address'].rsplit('/', maxsplit=1)[-1]}"

    assert mei.post(f"/api/v1/volunteers/{lin.public_id}/merge", json={"drop": str(bo.public_id)}).is_success
    mine = client(taught.me(lin))
    assert client().get(check).json()["digest"] == paper["digest"]
    assert [one["id"] for one in mine.get(CERTIFICATES).json()] == [paper["id"]]
    assert mine.get(f"{CERTIFICATES}/{paper['id']}/pdf").content.startswith(b"%PDF")
    [taken] = rewards.of(tx, lin.id)
    assert mine.post(f"/me/rewards/{taken.redemption.public_id}/give-back").status_code == 303
    assert balances(tx, lin, bo) == (60, 0)

    link = f"/c/{out.token(tx, bo)}/duty/appeal"
    assert client().post(link, data={"words": "Ask my leader."}).status_code == 303
    with minutes_later(500), transaction(staff(account(tx, "Third")), "hours.decide") as third:
        review.decide(third, refused.public_id, Decision.ACCEPT, "His leader saw him.")
    assert balances(tx, lin, bo) == (90, 0)
    assert queries.hours(tx, lin.id).counted == 185
    [*_, told] = messages(tx, "hours_decided")
    assert told.volunteer_id == lin.id
    paid = queries.statement(tx, lin.id)[0].entry
    ledger.reverse(tx, paid, "It was not him after all.")
    assert balances(tx, lin, bo) == (60, 0)
    assert broken(tx) == {}


def test_who_serves_under_an_entry_that_is_no_more_is_thanked_with_what_they_have(tx: Tx) -> None:
    out = coming(tx, helpers=1, crowd=0)
    lin, bo = out.world.lin, out.world.bo
    settle.adjust(tx, lin.public_id, 7, "A gift.")
    come(tx, out, bo)
    at = f"/api/v1/volunteers/{lin.public_id}/merge"
    assert client(out.world.mei).post(at, json={"drop": str(bo.public_id)}).is_success
    assert go(tx, out, bo, 60 + 185).points == 30
    [thanks] = messages(tx, "thanks")
    assert (thanks.volunteer_id, thanks.params["points"], thanks.params["balance"]) == (lin.id, 30, 37)
    page = text(client().get(f"/c/{out.token(tx, bo)}/duty").text)
    assert ("30 points" in page, "37 points in all" in page) == (True, True)


def balances(tx: Tx, *people: Volunteer) -> tuple[int, ...]:
    return tuple(queries.balance(tx, person.id) for person in people)
