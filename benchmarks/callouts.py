"""1,000 callouts, asked in six ways, in worlds that the model knows and in worlds that it does not.

    python -m benchmarks.callouts            1,000 callouts in the known worlds, 300 in the others
    python -m benchmarks.callouts --quick    60 and 25

A slot is met when as many as its minimum have said yes within the 30 minutes to answer. "Ours" is the
service's own decision (engine.sizing, engine.waves) with a look a minute. "stated" is the chance told when
the callout was sent, "last" the one told when the last wave for the slot went. "beyond the floor" is people
asked over the people one would have to ask one by one, nearest first, until enough have said yes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from benchmarks import report
from benchmarks.callout_ways import WAYS, Asking
from benchmarks.callout_worlds import DEADLINE, WORLDS, Case, World, cases

KNOWN = 2  # the first worlds of the list are those in which every chance is known
COLUMNS = (
    "way",
    "slots",
    "met %",
    "first wave met %",
    "stated %",
    "last %",
    "asked",
    "beyond the floor",
    "minutes to fill",
    "p90",
)


@dataclass
class Tally:
    """Per slot: met, met by those asked at once, stated, stated last, asked, floor, minutes."""

    rows: list[tuple[bool, bool, float, float, int, int, float]] = field(default_factory=list)

    def add(self, case: Case, asking: Asking) -> None:
        """Every slot of a callout that was asked so."""
        for slot, need in enumerate(case.need):
            mine = slice(case.first[slot], case.first[slot + 1])
            at, yes = asking.at[mine], case.yes[mine]
            answers = np.sort(np.where(yes, at + case.delay[mine], np.inf))
            filled = float(answers[need - 1]) if len(answers) >= need else np.inf
            at_once = int((yes & (at == 0) & (case.delay[mine] <= DEADLINE)).sum()) >= need
            one_by_one = np.flatnonzero(np.cumsum(yes & (case.delay[mine] <= DEADLINE)) >= need)
            floor = int(one_by_one[0]) + 1 if len(one_by_one) else len(at)
            asked = int(np.isfinite(at).sum())
            stated, last = float(asking.stated[slot]), float(asking.last[slot])
            self.rows.append((filled <= DEADLINE, at_once, stated, last, asked, floor, filled))

    def line(self, way: str) -> list[object]:
        """The row of the table."""
        columns = (np.array(column) for column in zip(*self.rows, strict=True))
        met, first, stated, last, asked, floor, minutes = columns
        told = [f"{100 * x.mean():.1f}" if np.isfinite(x).all() else "" for x in (stated, last)]
        quantiles = np.quantile(minutes, [0.5, 0.9], method="higher")
        waited = [f"{q:.0f}" if q <= DEADLINE else "never" for q in quantiles]
        shares = [f"{100 * x.mean():.1f}" for x in (met, first)]
        return [
            way,
            len(met),
            *shares,
            *told,
            f"{asked.mean():.1f}",
            f"{asked.sum() / floor.sum():.2f}",
            *waited,
        ]

    def percent(self, column: int) -> float:
        """The mean of a column: 0 met, 1 met by those asked at once, 2 stated."""
        return 100 * float(np.mean([row[column] for row in self.rows]))


def main() -> int:
    quick = "--quick" in sys.argv
    report.machine()
    met = True
    for number, world in enumerate(WORLDS):
        known = number < KNOWN
        callouts = (60 if known else 25) if quick else (1_000 if known else 300)
        tallies = run(world, callouts)
        report.table(
            f"{world.name}: {callouts} callouts", COLUMNS, [t.line(way) for way, t in tallies.items()]
        )
        name = world.name.replace(" ", "_").replace(",", "").replace("%", "percent")
        share, at_once, stated = map(tallies["ours"].percent, range(3))
        off = abs(at_once - stated)
        if known and not quick:
            met &= report.bar(f"callouts.{name}.met_percent", share, ">=", 94)
            met &= report.bar(f"callouts.{name}.stated_off_points", off, "<=", 2)
        else:
            report.info(f"callouts.{name}.met_percent", share)
            report.info(f"callouts.{name}.stated_off_points", off)
    return 0 if met else 1


def run(world: World, callouts: int) -> dict[str, Tally]:
    """Every way of asking over the same callouts."""
    tallies = {way: Tally() for way in WAYS}
    for case in cases(world, callouts):
        for way, ask in WAYS.items():
            tallies[way].add(case, ask(case))
    return tallies


if __name__ == "__main__":
    sys.exit(main())
