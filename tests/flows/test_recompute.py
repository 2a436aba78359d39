"""Replayed from the deeds, the ledger is the same; by other rules a dry run shows what would differ."""

from collections.abc import Iterator

import pytest

from tests.flows import callouts as made
from tests.flows.callouts import Sent, duty_of, minutes_later
from tests.flows.test_duty import come, go
from tests.flows.test_review import decide, second, typed
from tests.mobilization.rows import account, staff
from volunteer_hub.boards import recompute
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.i18n import say
from volunteer_hub.flows import award, merge, settle
from volunteer_hub.flows import review as flow
from volunteer_hub.incentives import ledger, queries, review
from volunteer_hub.incentives.policy import Caps, Rewards
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rules import EntryKind


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def served(tx: Tx) -> Sent:
    """Bo served, Lin's hours were corrected; both did other deeds, one of them was taken back."""
    out = made.coming(tx)
    bo, lin = out.world.bo, out.world.lin
    come(tx, out, bo)
    go(tx, out, bo, 60 + 185)
    decide(tx, second(tx), typed(tx, out, lin), Decision.CORRECT, "She left early.", 130)
    with minutes_later(410), transaction(SYSTEM, "test") as own:
        by, zone = settle.in_force(own), settle.zone_of(own, bo.area)
        for person in (bo, lin):
            award.deed(own, EntryKind.TRAINING, "course:1", person.id, 33)
            ledger.settle_standby(own, person.id, person.id, person.area, 130, zone, by)
        ledger.settle_survey(own, 1, bo.id, bo.area, zone, by)
        ledger.reverse(own, ledger.settle_survey(own, 2, lin.id, lin.area, zone, by)[0], "a slip")
        ledger.adjust(own, bo.id, bo.area, -3, "a slip", by)
    return out


def differing(tx: Tx, rewards: Rewards) -> list[tuple[str, int, int]]:
    tx.actor = SYSTEM
    tx.expire_all()
    found = recompute.differences(tx, rewards)
    return [(one.entry.kind.value, one.entry.points, one.would_be) for one in found]


def test_by_the_same_rules_nothing_differs(tx: Tx, served: Sent) -> None:
    assert len(queries.statement(tx, served.world.bo.id)) == 5
    assert differing(tx, settle.in_force(tx).rewards) == []


def test_by_other_rules_the_difference_is_shown_and_old_entries_still_explain_themselves(
    tx: Tx, served: Sent
) -> None:
    rewards = settle.in_force(tx).rewards
    dearer = rewards.points.model_copy(update={"hour": 20, "survey": 5})
    other = rewards.model_copy(update={"version": 2, "points": dearer, "caps": Caps(day=90, month=2400)})
    before = [line.entry.public_id for line in queries.statement(tx, served.world.bo.id)]
    assert sorted(differing(tx, other)) == [
        ("duty", 20, 40),
        ("duty", 30, 60),
        ("reversal", -3, -5),
        ("standby", 4, 0),
        ("survey", 3, 0),
        ("survey", 3, 5),
        ("training", 33, 30),
    ]
    lines = queries.statement(tx, served.world.bo.id)
    assert [line.entry.public_id for line in lines] == before
    duty = next(line for line in lines if line.entry.kind is EntryKind.DUTY)
    assert [say("en", part) for part in duty.explanation] == ["Whole hours on duty: 3 × 10 = 30"]


def test_an_appeal_and_a_merge_leave_no_difference(tx: Tx, served: Sent) -> None:
    """What a second decision has changed is worked out where it changed, and the caps of who were two count
    together from then on."""
    bo, lin = served.world.bo, served.world.lin
    held = review.of_duty(tx, duty_of(tx, served, lin).id)
    assert held is not None
    with transaction(SYSTEM, "test") as own:
        flow.appeal(own, duty_of(own, served, lin), "Ask Bo.")
    decide(tx, staff(account(tx, "Third")), held, Decision.ACCEPT, "Bo saw her.")
    rewards = settle.in_force(tx).rewards
    assert queries.statement(tx, lin.id)[0].entry.points == 10
    assert differing(tx, rewards) == []
    dearer = rewards.model_copy(update={"points": rewards.points.model_copy(update={"hour": 20})})
    assert ("adjustment", 10, 40) in differing(tx, dearer)
    with minutes_later(420), transaction(SYSTEM, "test") as own:
        for person in (bo, lin):
            award.deed(own, EntryKind.TRAINING, "course:2", person.id, 100)
        merge.merge(own, bo.public_id, lin.public_id)
        assert award.deed(own, EntryKind.TRAINING, "course:3", bo.id, 100) == 0  # the day is full
    assert differing(tx, rewards) == []
