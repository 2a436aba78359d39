"""Offers against a small reference model: any order of answers, releases, no-shows and sweeps ends alike.

The model knows lists and sets only: no locks, no rows, none of the program's tables. 10,000 steps by default;
for a longer run raise HUB_TEST_EXAMPLES (50 steps each).
"""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from sqlmodel import col, select

from tests.mobilization import rows
from tests.mobilization.rows import HOUR, NOW, RULES, World
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.mobilization import attendance, callouts, desk, offers
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.models import Offer, SlotFill
from volunteer_hub.mobilization.rules import Answer, Evidence

EXAMPLES = int(os.environ.get("HUB_TEST_EXAMPLES", "225"))
STEPS = 50
PEOPLE = ("Bo", "Lin", "Kai", "Wen")
# Three slots in two callouts: the first two overlap each other, the third overlaps the second.
MAXIMA = (1, 2, 1)
WINDOWS = ((1, 9), (4, 12), (10, 20))
CALLOUT_OF = (0, 0, 1)
EXPIRY = NOW + 7 * HOUR

# What random play must have come to now and then, or it proves little.
RARE = {"standing_by", "withdrawn", "no_show", "done", "offer.promised_elsewhere", "offer.expired"}

TOGETHER = {
    "accept": Reply(Answer.ACCEPT),
    "decline": Reply(Answer.DECLINE),
    "withdraw": Reply(Answer.WITHDRAW),
}
Key = tuple[int, int]
YES = ("accepted", "standing_by")


class Model:
    """What should be: each offer's state, each slot's line, and one word for what a deed comes to."""

    def __init__(self) -> None:
        self.now = NOW
        self.state: dict[Key, str] = {(p, s): "asked" for s in range(3) for p in range(len(PEOPLE))}
        self.line: list[list[int]] = [[], [], []]
        self.disowned: set[Key] = set()
        self.duties: set[Key] = set()
        self.since: dict[Key, datetime] = {}
        self.callouts = ["live", "live"]

    def filled(self, slot: int) -> int:
        taken = ("accepted", "on_site", "done")
        return sum(state in taken for (_, s), state in self.state.items() if s == slot)

    def _busy(self, person: int, slot: int) -> bool:
        first, last = WINDOWS[slot]
        return any(
            p == person
            and s != slot
            and state in ("accepted", "on_site")
            and WINDOWS[s][0] < last
            and first < WINDOWS[s][1]
            for (p, s), state in self.state.items()
        )

    def _over(self, slot: int) -> bool:
        return self.now >= NOW + WINDOWS[slot][1] * HOUR

    def _hold(self, key: Key) -> None:
        self.state[key] = "accepted"
        self.duties.add(key)
        self.since[key] = self.now

    def promote(self, slot: int) -> None:
        if self.callouts[CALLOUT_OF[slot]] != "live" or self._over(slot):
            return
        for person in list(self.line[slot]):
            if self.filled(slot) < MAXIMA[slot] and not self._busy(person, slot):
                self.line[slot].remove(person)
                self._hold((person, slot))

    def _leave(self, key: Key, after: str) -> None:
        self.state[key] = after
        if key[0] in self.line[key[1]]:
            self.line[key[1]].remove(key[0])

    def said_yes(self) -> set[Key]:
        return {key for key, state in self.state.items() if state in (*YES, "asked")}

    def answer(self, kind: str, key: Key) -> str:
        person, slot = key
        state = self.state[key]
        if key in self.disowned:
            return "offer.not_me"
        same = {"accept": (*YES, "on_site", "done")}.get(kind, ("declined", "withdrawn"))
        if state in same:
            return "stands"
        if state in ("expired", "cancelled", "released", "on_site"):
            return f"offer.{state}"
        if state in ("no_show", "done") or self._over(slot):
            return "offer.over"
        if state in YES:
            self._leave(key, "withdrawn")
            if state == "accepted":
                self.promote(slot)
            return "withdrawn"
        if kind == "withdraw":
            return "offer.not_held"
        ended = self.callouts[CALLOUT_OF[slot]]
        if ended != "live":
            return f"offer.{ended}"
        if self.now >= EXPIRY:
            return "offer.expired"
        if kind == "accept":
            return self._yes(person, slot)
        self.state[key] = "declined"
        return "declined"

    def _yes(self, person: int, slot: int) -> str:
        key = person, slot
        if self.filled(slot) == MAXIMA[slot]:
            self.line[slot].append(person)
            self.state[key] = "standing_by"
        elif self._busy(person, slot):
            return "offer.promised_elsewhere"
        else:
            self._hold(key)
        return self.state[key]

    def not_me(self, key: Key) -> str:
        state = self.state[key]
        if key in self.disowned:
            return "stands"
        if state in ("on_site", "done"):
            return "offer.on_site" if state == "on_site" else "offer.over"
        self.disowned.add(key)
        if state in YES:
            self._leave(key, "withdrawn")
            if state == "accepted":
                self.promote(key[1])
            return "withdrawn"
        if state == "asked":
            self.state[key] = "declined"
            return "declined"
        return "disowned"

    def release(self, key: Key) -> str:
        if self.state[key] not in (*YES, "asked"):
            return "offer.step"
        self._leave(key, "released")
        return "released"

    def check_in(self, key: Key) -> str:
        state = self.state[key]
        if state == "on_site":
            return "on_site"
        if state == "no_show":
            if self.filled(key[1]) == MAXIMA[key[1]]:
                return "duty.place_taken"
            if self._busy(*key):
                return "offer.promised_elsewhere"
        elif state != "accepted":
            return "duty.step"
        self.state[key] = "on_site"
        return "on_site"

    def check_out(self, key: Key) -> str:
        if self.state[key] not in ("on_site", "done"):
            return "duty.step"
        self.state[key] = "done"
        return "done"

    def no_show(self, key: Key) -> str:
        if self.state[key] != "accepted":
            return "offer.step"
        self.state[key] = "no_show"
        self.promote(key[1])
        return "no_show"

    def sweep(self) -> None:
        for key, state in self.state.items():
            if state == "asked" and self.now >= EXPIRY:
                self.state[key] = "expired"
        absent = [
            key
            for key, state in self.state.items()
            if state == "accepted"
            and self.now >= max(NOW + WINDOWS[key[1]][0] * HOUR, self.since[key]) + HOUR
        ]
        for key in absent:
            self.state[key] = "no_show"
        for slot in [*sorted({slot for _, slot in absent}), 0, 1, 2]:
            self.promote(slot)

    def end(self, callout: int, how: str) -> str:
        before = self.callouts[callout]
        if before == "cancelled" or before == how:
            return "callout.step"
        self.callouts[callout] = how
        ends = ("asked", "standing_by") if how == "closed" else ("asked", "standing_by", "accepted")
        for key, state in list(self.state.items()):
            if CALLOUT_OF[key[1]] == callout and state in ends:
                self._leave(key, "released" if how == "closed" else "cancelled")
        return how


class OfferMachine(RuleBasedStateMachine):
    """Plays the same deeds on the database and on the model."""

    tx: ClassVar[Tx]
    worlds: ClassVar[tuple[World, World]]
    offers: ClassVar[dict[Key, Offer]]
    ids: ClassVar[dict[Key, int]]
    steps: ClassVar[int]
    outcomes: ClassVar[Counter[str]]

    which = st.integers(0, 11)
    keys = st.tuples(st.integers(0, len(PEOPLE) - 1), st.integers(0, 2))

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.tx.now = NOW
        self.example = self.tx.begin_nested()

    def teardown(self) -> None:
        self.example.rollback()
        self.tx.expire_all()

    def offer(self, key: Key) -> Offer:
        return self.offers[key]

    def pick(self, some: set[Key], which: int) -> Key:
        return sorted(some)[which % len(some)]

    def same(self, expected: str, deed: Callable[[], str]) -> None:
        try:
            with self.tx.begin_nested() if "." in expected else nullcontext():
                happened = deed()
        except HubError as error:
            happened = error.code
        assert happened == expected
        self.outcomes[happened] += 1

    @rule(key=keys)
    def accept(self, key: Key) -> None:
        expected = self.model.answer("accept", key)
        self.same(expected, lambda: offers.accept(self.tx, self.offer(key)).outcome.value)

    @rule(key=keys)
    def decline(self, key: Key) -> None:
        expected = self.model.answer("decline", key)
        self.same(expected, lambda: offers.decline(self.tx, self.offer(key), RULES).outcome.value)

    @rule(key=keys)
    def later(self, key: Key) -> None:
        expected = self.model.answer("later", key)
        moment = self.model.now + HOUR
        self.same(expected, lambda: offers.later(self.tx, self.offer(key), RULES, moment).outcome.value)

    @rule(several=st.lists(st.tuples(st.sampled_from(tuple(TOGETHER)), keys), min_size=2, max_size=6))
    def together(self, several: list[tuple[str, Key]]) -> None:
        expected = [self.model.answer(kind, key) for kind, key in several]
        replies = [(self.ids[key], TOGETHER[kind]) for kind, key in several]
        results = desk.take(self.tx, replies, RULES)
        happened = [one.code if isinstance(one, HubError) else one.outcome.value for one in results]
        assert happened == expected
        self.outcomes.update(happened)

    @precondition(lambda self: self.model.said_yes())
    @rule(which=which)
    def withdraw(self, which: int) -> None:
        key = self.pick(self.model.said_yes(), which)
        expected = self.model.answer("withdraw", key)
        self.same(expected, lambda: offers.withdraw(self.tx, self.offer(key), RULES).outcome.value)

    @rule(slot=st.integers(0, 2))
    def not_me(self, slot: int) -> None:
        wen = (PEOPLE.index("Wen"), slot)
        expected = self.model.not_me(wen)
        self.same(expected, lambda: offers.not_me(self.tx, self.offer(wen), RULES).outcome.value)

    @precondition(lambda self: self.model.said_yes())
    @rule(which=which)
    def release(self, which: int) -> None:
        key = self.pick(self.model.said_yes(), which)
        expected = self.model.release(key)
        self.same(expected, lambda: offers.release(self.tx, self.offer(key)).state.value)

    @precondition(lambda self: self.model.duties)
    @rule(which=which)
    def check_in(self, which: int) -> None:
        key = self.pick(self.model.duties, which)
        expected = self.model.check_in(key)
        self.same(expected, lambda: self.on_duty(key, attendance.confirm_in, Evidence.LEADER))

    @precondition(lambda self: self.model.duties)
    @rule(which=which)
    def check_out(self, which: int) -> None:
        key = self.pick(self.model.duties, which)
        expected = self.model.check_out(key)
        self.same(expected, lambda: self.on_duty(key, attendance.confirm_out, Evidence.LEADER))

    @precondition(lambda self: self.model.duties)
    @rule(which=which)
    def no_show(self, which: int) -> None:
        key = self.pick(self.model.duties, which)
        expected = self.model.no_show(key)
        self.same(expected, lambda: self.on_duty(key, attendance.no_show))

    def on_duty(self, key: Key, verb: Callable[..., object], *how: Evidence) -> str:
        duty = attendance.of_offer(self.tx, self.offer(key))
        assert duty is not None
        verb(self.tx, duty, *how)
        assert self.offer(key).state.value == duty.state.value
        return duty.state.value

    @rule(minutes=st.sampled_from((10, 30, 120)))
    def wait(self, minutes: int) -> None:
        self.model.now += timedelta(minutes=minutes)
        self.tx.now = self.model.now

    @rule()
    def sweep(self) -> None:
        self.model.sweep()
        offers.expire(self.tx)
        attendance.no_shows(self.tx, RULES)
        offers.move_up(self.tx)

    @precondition(lambda self: self.model.now > NOW + 3 * HOUR)
    @rule(callout=st.integers(0, 1), how=st.sampled_from(("closed", "cancelled")))
    def end(self, callout: int, how: str) -> None:
        expected = self.model.end(callout, how)
        verb = callouts.close if how == "closed" else callouts.cancel
        self.same(expected, lambda: verb(self.tx, self.worlds[callout].callout).callout.state.value)

    @invariant()
    def equal(self) -> None:
        OfferMachine.steps += 1
        self.tx.flush()
        fill = col(SlotFill.slot_id) == col(Offer.slot_id)
        every = select(col(Offer.id), col(Offer.state), col(Offer.position), col(SlotFill.filled))
        found = {offer_id: row for offer_id, *row in self.tx.exec(every.join(SlotFill, fill))}
        stored = {key: found[self.ids[key]] for key in self.model.state}
        assert {key: state.value for key, (state, _, _) in stored.items()} == self.model.state
        for slot, line in enumerate(self.model.line):
            numbers = {p: n for (p, s), (_, n, _) in stored.items() if s == slot and n is not None}
            assert sorted(numbers, key=numbers.__getitem__) == line
            assert stored[0, slot][2] == self.model.filled(slot)


def test_offers_equal_the_model_after_every_step(tx: Tx) -> None:
    first = rows.plant(tx, list(MAXIMA[:2]), len(PEOPLE), list(WINDOWS[:2]), expires_at=EXPIRY)
    second = rows.send(tx, [MAXIMA[2]], first.people, [WINDOWS[2]], expires_at=EXPIRY)
    OfferMachine.tx, OfferMachine.worlds, OfferMachine.steps = tx, (first, second), 0
    OfferMachine.outcomes = Counter()
    people = range(len(PEOPLE))
    OfferMachine.offers = {(p, s): first.offer(p, s) for p in people for s in (0, 1)}
    OfferMachine.offers |= {(p, 2): second.offer(p) for p in people}
    OfferMachine.ids = {key: offer.id for key, offer in OfferMachine.offers.items()}
    run(
        OfferMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=EXAMPLES == 225,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert OfferMachine.steps >= 10_000
    assert set(OfferMachine.outcomes) >= RARE
