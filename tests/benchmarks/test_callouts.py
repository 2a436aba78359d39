"""The made-up callouts: every way meets the same truth, and ours keeps what it states."""

import numpy as np

from benchmarks.callout_ways import WAYS
from benchmarks.callout_worlds import DEADLINE, WORLDS, cases
from benchmarks.callouts import Tally, run


def test_the_same_seed_draws_the_same_callouts() -> None:
    one, other = (list(cases(WORLDS[1], 3)) for _ in range(2))
    assert [case.yes.tolist() for case in one] == [case.yes.tolist() for case in other]


def test_nobody_is_asked_after_the_deadline_or_twice() -> None:
    for case in cases(WORLDS[2], 2):
        for ask in WAYS.values():
            at = ask(case).at
            assert at.shape == (case.first[-1],)
            assert (at[np.isfinite(at)] <= DEADLINE).all()


def test_a_slot_is_met_by_the_last_yes_it_needs_in_time() -> None:
    case = next(cases(WORLDS[0], 1))
    tally = Tally()
    tally.add(case, WAYS["everybody"](case))
    for slot, row in enumerate(tally.rows):
        mine = slice(case.first[slot], case.first[slot + 1])
        in_time = case.yes[mine] & (case.delay[mine] <= DEADLINE)
        assert row[0] is bool(in_time.sum() >= case.need[slot])


def test_ours_meets_more_slots_than_the_need_divided_by_the_chance() -> None:
    tallies = run(WORLDS[0], 20)
    assert tallies["ours"].percent(0) > tallies["N / p"].percent(0)
    assert tallies["ours"].percent(0) >= 94
