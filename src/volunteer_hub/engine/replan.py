"""Changing a plan in force: people gone or back, tasks new or cancelled, windows moved.

Keeping an order is worth a bonus, half an hour of travel by default: nobody is sent elsewhere for less. With
it the changed problem is again a transportation problem with one optimum. `Orders` holds the plan with its
prices and lists; a change is then a matter of the people and heads it touches: units that stayed keep their
price, orders become cheaper by the bonus (which no price contradicts), whoever lost a head is released by the
reverse search (release.py), and whatever head is open is filled as at first (augment.py). Prices stay
feasible throughout, so the result equals planning anew with the same bonus, in a fraction of the time. What
cannot be changed in place (other people, other limits, locks undone) is planned anew.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.augment import Book, Standing, by_urgency
from volunteer_hub.engine.candidates import ENDLESS, Arcs, Pool
from volunteer_hub.engine.carry import carried, keyed, on_the_map_of, rows_of, same_units
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.feasible import feasible
from volunteer_hub.engine.flow import locked_arcs
from volunteer_hub.engine.openings import NO_OPENINGS
from volunteer_hub.engine.problem import Ints, Options, Pairs, Problem, ProblemError
from volunteer_hub.engine.proof import InForce, prove, scaled
from volunteer_hub.engine.release import PATIENCE, release, ways_of
from volunteer_hub.engine.solve import Draft, Plan, State, plan_of
from volunteer_hub.engine.terms import Penalties, cost, objective, penalties
from volunteer_hub.engine.units import Access, Units, split

KEEP_BONUS = 300  # 0.1 minutes
HEADROOM = 4  # penalties so much larger than needed, so that new slots do not outgrow them
NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Change:
    """A person whose order changes. `price`: what keeping the order would cost at least (a lower bound of the
    objective's value, 0.1 minutes); 0 when there was nothing to decide: gone, cancelled or not allowed."""

    person: int
    before: int  # slot row, -1 for none
    after: int
    price: int


@dataclass(frozen=True)
class Replan:
    # Its value and bound count the bonus of every order kept; prices of a warm one prove it but need not be
    # the lowest.
    plan: Plan
    changes: tuple[Change, ...]
    kept: int  # orders that stay
    closed: Ints  # [S] heads filled that were open when only the orders still valid are counted
    warm: bool


class Orders:
    """The plan in force, ready to be changed. `previous`: who was sent where, rows of the problem; `absent`:
    rows of people who serve nowhere. Raises ProblemError for rows that are not there or people sent twice."""

    def __init__(
        self,
        problem: Problem,
        previous: Pairs | None = None,
        absent: Ints = NOBODY,
        options: Options | None = None,
        keep_bonus: int = KEEP_BONUS,
    ) -> None:
        self.problem, self.bonus = problem, keep_bonus
        self.penalty: Penalties
        self.options = options or Options()
        self.last = self._anew(problem, previous or Pairs(), absent, Clock(self.options.deadline_s))

    @property
    def plan(self) -> Plan:
        return self.last.plan

    def change(self, problem: Problem, absent: Ints = NOBODY, prove_it: bool = True) -> Replan:
        """The plan for the changed problem. The very same `people` make it quick; slots are told by key.

        A plan stopped by the deadline keeps what it can and leaves the other heads open (State.DEADLINE).
        """
        clock = Clock(self.options.deadline_s)
        previous = self._previous(problem)
        if self._in_place(problem):
            with clock.phase("units"):
                on_the_map_of(problem, self.problem)
                units = split(problem)
                basis = penalties(problem, units)
            if _needed(problem, basis, self.bonus) <= self.penalty.big:
                self.penalty = scaled(basis, self.penalty.big)
                self.last = self._changed(problem, units, previous, absent, clock, prove_it)
                return self.last
        self.last = self._anew(problem, previous, absent, clock)
        return self.last

    def _previous(self, problem: Problem) -> Pairs:
        """Orders now in force, by rows of the new problem: people by key, slots by key; without those whose
        slot or person is no longer there."""
        slot = rows_of(self.problem.slots.key[self.plan.slot], problem.slots.key)
        person = self.plan.person
        if problem.people is not self.problem.people:
            person = rows_of(self.problem.people.key[person], problem.people.key)
        there = (slot >= 0) & (person >= 0)
        return Pairs(person[there], slot[there])

    def _in_place(self, problem: Problem) -> bool:
        """Can the standing plan be changed, or must it be made anew?"""
        old = self.problem
        if self.plan.state is State.DEADLINE or problem.people is not old.people or not len(self.units):
            return False
        if problem.limits != old.limits or problem.travel is not None or old.travel is not None:
            return False
        serves = np.full(len(old.people), -1)
        serves[self.plan.person] = old.slots.key[self.plan.slot]
        held = serves[problem.locked.person] == problem.slots.key[problem.locked.slot]
        unlocked = np.setdiff1d(old.locked.person, problem.locked.person)
        allowed_again = set(keyed(old.forbidden, old)) - set(keyed(problem.forbidden, problem))
        return bool(held.all()) and not len(unlocked) and not allowed_again

    def _anew(self, problem: Problem, previous: Pairs, absent: Ints, clock: Clock) -> Replan:
        _check(problem, previous, absent)
        with clock.phase("index"):
            self.problem, self.units = problem, split(problem)
            self.pool = Pool(problem, self.units, self.options)
            basis = penalties(problem, self.units)
            self.penalty = scaled(basis, HEADROOM * _needed(problem, basis, self.bonus))
        kept = _still(previous, absent)
        with clock.phase("candidates"):
            self.book = Book.of(self.units, self.pool, self.penalty, self._extra(problem, self.units, kept))
            self.book.standing.serves[self.pool.position[absent]] = len(self.units)
            todo = by_urgency(self.units, self.units.minimum, self.units.heads - self.units.minimum)
        return self._finish(previous, kept, absent, todo, clock, True, False)

    def _extra(self, problem: Problem, units: Units, kept: Pairs) -> Arcs:
        """Locked pairs, and orders in force cheaper by the bonus for every unit of their slot."""
        order = np.argsort(units.slot, kind="stable")
        low = np.searchsorted(units.slot[order], kept.slot)
        count = np.searchsorted(units.slot[order], kept.slot, side="right") - low
        v = np.repeat(kept.person, count)
        u = order[np.repeat(low - np.cumsum(count) + count, count) + np.arange(len(v))]
        fine = (units.access[u] == Access.OPEN) & ~np.isin(v, problem.locked.person)
        v, u = v[fine], u[fine]
        barred = problem.forbidden.person * len(problem.slots) + problem.forbidden.slot
        fine = feasible(problem, units, v, u) & ~np.isin(v * len(problem.slots) + units.slot[u], barred)
        v, u = v[fine], u[fine]
        bonus = Arcs(u, self.pool.position[v], cost(problem, units, v, u) - self.bonus)
        decided = locked_arcs(problem, units, self.pool, self.penalty)
        return decided + bonus if self.bonus else decided  # else the very pairs that the lists hold

    def _changed(
        self, problem: Problem, units: Units, previous: Pairs, absent: Ints, clock: Clock, prove_it: bool
    ) -> Replan:
        _check(problem, previous, absent)
        kept = _still(previous, absent)
        with clock.phase("carry over"):
            old = self.book
            stayed = same_units(self.problem, self.units, problem, units)
            before, self.problem, self.units = self.problem, problem, units
            self.pool.ask(problem, units)
            extra = self._extra(problem, units, kept)
            self.book = carried(old, units, self.pool, stayed, self.penalty, extra)
            self._bar(before)
            loose = self._seat(old.standing, stayed, absent)
        with clock.phase("release"):
            over = self._balance(stayed, old.standing)
            todo = self._open(over)
            book = self.book
            ways = ways_of(book.standing, book.worth(), len(units))
            excess = np.repeat(np.arange(len(units)), np.maximum(over, 0))
            release(
                self.pool.index, NO_OPENINGS, book.standing, ways, book.search, book.searches, loose, excess,
                0, ENDLESS, PATIENCE,
            )  # fmt: skip
            book.searches += len(loose) + len(excess)
        return self._finish(previous, kept, absent, todo, clock, prove_it, True)

    def _bar(self, before: Problem) -> None:
        """Take newly forbidden pairs off the lists."""
        known, lists = set(keyed(before.forbidden, before)), self.book.lists
        by_key, rows = keyed(self.problem.forbidden, self.problem), self.problem.forbidden.rows()
        for pair, (v, slot) in zip(by_key, rows, strict=True):
            for u in np.flatnonzero(self.units.slot == slot).tolist() if pair not in known else ():
                part = slice(lists.first[u], lists.first[u] + lists.length[u])
                others = np.flatnonzero(lists.position[part] != self.pool.position[v]) + part.start
                after = slice(part.start, part.start + len(others))
                lists.position[after], lists.cost[after] = lists.position[others], lists.cost[others]
                lists.length[u] = len(others)

    def _seat(self, old: Standing, stayed: Ints, absent: Ints) -> Ints:
        """Everybody whose unit stayed keeps standing there, at the price of an order in force. Returns the
        positions of those who stand nowhere and must be placed or freed."""
        standing, units = self.book.standing, self.units
        gone = len(units)
        new_of = np.full(len(old.price), -1)
        new_of[stayed[stayed >= 0]] = np.flatnonzero(stayed >= 0)
        placed = np.flatnonzero((old.serves >= 0) & (old.serves < len(old.price) - 1))
        was_absent = np.flatnonzero(old.serves == len(old.price) - 1)
        v, u = self.pool.order[placed], new_of[old.serves[placed]]
        barred = np.isin(
            v * len(self.problem.slots) + units.slot[u],
            self.problem.forbidden.person * len(self.problem.slots) + self.problem.forbidden.slot,
        )
        locked = np.isin(v, self.problem.locked.person)
        stays = (u >= 0) & ~(barred & ~locked)
        here = placed[stays]
        standing.serves[here] = u[stays]
        worth = np.where(locked[stays], self.penalty.lock, self.bonus)
        standing.pays[here] = cost(self.problem, units, v[stays], u[stays]) - worth
        away = self.pool.position[absent]
        standing.serves[away], standing.pays[away] = gone, 0
        loose = np.setdiff1d(np.concatenate([placed[~stays], was_absent]), away)
        standing.serves[loose] = gone  # until each has found a place
        return loose

    def _balance(self, stayed: Ints, old: Standing) -> Ints:
        """Open heads that fit the price each unit kept; how many heads each has placed beyond its number."""
        standing, units = self.book.standing, self.units
        price, room = standing.price[:-1], standing.room
        were = np.where(stayed[:, None] >= 0, old.open_heads[stayed], 0)
        tied = np.where(price[:, None] == standing.penalty, np.minimum(were, room), 0)
        standing.open_heads[:] = np.where(price[:, None] > standing.penalty, room, tied)
        serves = standing.serves[(standing.serves >= 0) & (standing.serves < len(units))]
        placed = np.bincount(serves, minlength=len(units)) + standing.open_heads.sum(axis=1)
        over: Ints = placed - units.heads
        return over

    def _open(self, over: Ints) -> Ints:
        """Units with heads to fill, one entry per head, the most urgent first."""
        urgent = np.argsort(-self.units.priority, kind="stable")
        return np.repeat(urgent, np.maximum(-over, 0)[urgent])

    def _finish(
        self, previous: Pairs, kept: Pairs, absent: Ints, todo: Ints, clock: Clock, prove_it: bool, warm: bool
    ) -> Replan:
        try:
            with clock.phase("augment"):
                self.book.fill(todo, clock)
        except DeadlinePassed:
            return self._as_it_is(previous, kept, clock, warm)
        with clock.phase("prices"):
            solution = self.book.as_it_stands() if warm else self.book.solution(self.penalty)
        arcs, order = solution.arcs, self.pool.order
        rows = np.lexsort((order[arcs.position], arcs.unit))
        person, unit = order[arcs.position[rows]], arcs.unit[rows]
        person_price = np.zeros(len(order), np.int64)
        person_price[order] = solution.person_price
        in_force = InForce(kept, self.bonus, absent, self.penalty.big)
        proof = None
        with clock.phase("proof"), suppress(DeadlinePassed):
            if prove_it:
                prices = solution.unit_price, person_price
                proof = prove(
                    self.problem, self.units, person, unit, *prices, clock, self.options.threads, in_force
                )
        stays = _slots_of(self.problem, kept)[person] == self.units.slot[unit]
        value = objective(self.problem, self.units, person, unit).value(self.penalty.big)
        free = ~np.isin(person, self.problem.locked.person)
        value -= self.bonus * int((stays & free).sum())
        state = State.PROVEN if proof is not None and proof.holds else State.BOUNDED
        failure = "" if proof is not None and proof.holds else "proof" if proof is not None else "not proven"
        draft = Draft(
            self.units,
            person,
            unit,
            value,
            solution.unit_price,
            person_price,
            proof,
            1,
            solution.columns,
            "augment",
        )
        bound = 0 if proof is not None and not proof.holds else value
        plan = plan_of(self.problem, draft, self.options, clock, state, bound, failure)
        return _result(self.problem, plan, previous, kept, self.bonus, warm)

    def _as_it_is(self, previous: Pairs, kept: Pairs, clock: Clock, warm: bool) -> Replan:
        """Only the orders that may stay, as they were; the next change plans anew."""
        extra = self._extra(self.problem, self.units, kept)
        person, first = np.unique(self.pool.order[extra.position], return_index=True)
        unit = extra.unit[first]
        within = np.argsort(unit, kind="stable")
        nth = np.arange(len(unit)) - np.searchsorted(unit[within], unit[within])
        chosen = within[nth < self.units.heads[unit[within]]]
        person, unit = person[chosen], unit[chosen]
        value = objective(self.problem, self.units, person, unit).value(self.penalty.big)
        nothing = np.zeros(len(self.units), np.int64), np.zeros(len(self.problem.people), np.int64)
        draft = Draft(self.units, person, unit, value, *nothing)
        plan = plan_of(self.problem, draft, self.options, clock, State.DEADLINE, 0, "deadline")
        return _result(self.problem, plan, previous, kept, self.bonus, warm)


def _check(problem: Problem, previous: Pairs, absent: Ints) -> None:
    people, slots = len(problem.people), len(problem.slots)
    for rows, count, code in (
        (previous.person, people, "unknown_person"),
        (previous.slot, slots, "unknown_slot"),
        (absent, people, "unknown_person"),
    ):
        if ((rows < 0) | (rows >= count)).any():
            raise ProblemError(code, "orders")
    if len(np.unique(previous.person)) < len(previous):
        raise ProblemError("twice", "orders.person")
    if np.isin(problem.locked.person, absent).any():
        raise ProblemError("locked_and_absent", "orders.absent")


def _still(previous: Pairs, absent: Ints) -> Pairs:
    """Orders of people who are there."""
    there = ~np.isin(previous.person, absent)
    return Pairs(previous.person[there], previous.slot[there])


def _slots_of(problem: Problem, pairs: Pairs) -> Ints:
    slot = np.full(len(problem.people), -1)
    slot[pairs.person] = pairs.slot
    return slot


def _needed(problem: Problem, basis: Penalties, bonus: int) -> int:
    most_units = len(problem.slots) + 3 * len(problem.minima) + 2 * len(problem.locked)
    return basis.big + bonus * most_units


def _result(problem: Problem, plan: Plan, previous: Pairs, kept: Pairs, bonus: int, warm: bool) -> Replan:
    before, after = _slots_of(problem, previous), np.full(len(problem.people), -1)
    after[plan.person] = plan.slot
    stays = _slots_of(problem, kept)
    moved = np.flatnonzero((before >= 0) & (before != after))
    sent = np.setdiff1d(plan.person, previous.person)
    rows = np.concatenate([moved, sent]).tolist()
    prices = [_price_of_keeping(problem, plan, v, int(stays[v]), bonus) for v in rows]
    changes = tuple(Change(v, int(before[v]), int(after[v]), p) for v, p in zip(rows, prices, strict=True))
    slots = len(problem.slots)
    held = stays[(stays >= 0)]
    open_before = np.maximum(problem.slots.target - np.bincount(held, minlength=slots), 0)
    closed = np.maximum(open_before - plan.short_minimum - plan.short_target, 0)
    return Replan(plan, changes, int((after[kept.person] == kept.slot).sum()), closed, warm)


def _price_of_keeping(problem: Problem, plan: Plan, v: int, slot: int, bonus: int) -> int:
    """Reduced cost of the order given up: every plan that keeps it costs at least so much more."""
    if slot < 0 or plan.state is State.DEADLINE:
        return 0
    u = np.flatnonzero((plan.units.slot == slot) & (plan.units.access == Access.OPEN))
    one = np.full(len(u), v)
    u = u[feasible(problem, plan.units, one, u)]
    if not len(u) or (problem.forbidden.slot[problem.forbidden.person == v] == slot).any():
        return 0
    least = cost(problem, plan.units, one[: len(u)], u) - bonus + plan.person_price[v] - plan.unit_price[u]
    return max(0, int(least.min()))


def replan(
    problem: Problem,
    previous: Pairs,
    absent: Ints = NOBODY,
    options: Options | None = None,
    keep_bonus: int = KEEP_BONUS,
) -> Replan:
    """Plan anew with a bonus for every order kept: `previous` (person, slot), people in `absent` left out."""
    return Orders(problem, previous, absent, options, keep_bonus).last
