"""Drills: what becomes of an hour that has come, who may be disturbed again, what a drill has shown. Pure."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.drills.policy import Drills, Limits

GRACE: Final = timedelta(minutes=15)
"""An occurrence taken up within it is on time; the clock ticks in seconds, but a restart takes a while."""
LONGEST_TITLE: Final = 200
LONGEST_ANSWER_MINUTES: Final = 7 * 24 * 60
LONGEST_JITTER_MINUTES: Final = 12 * 60
_YEAR: Final = timedelta(days=365)
_QUARTER: Final = timedelta(days=90)


class Kind(StrEnum):
    """Whether people only answer, or come."""

    REACHABILITY = "reachability"
    ASSEMBLY = "assembly"


class Notice(StrEnum):
    """What people know beforehand: day and hour, the week, or nothing."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Misfire(StrEnum):
    """Which occurrences that were missed while nothing ran are made up for."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class PlanState(StrEnum):
    """A paused plan is never due; what would have been is not made up for."""

    ACTIVE = "active"
    PAUSED = "paused"


class RunState(StrEnum):
    """What came of an occurrence."""

    RUN = "run"
    SKIPPED = "skipped"


class Skipped(StrEnum):
    """Why no drill was held: nothing ran at its hour, a day without drills, or nobody to call."""

    MISSED = "missed"
    BLACKOUT = "blackout"
    NOBODY = "nobody"


PLAN_ALLOWED: Final[Mapping[PlanState, frozenset[PlanState]]] = {
    PlanState.ACTIVE: frozenset({PlanState.PAUSED}),
    PlanState.PAUSED: frozenset({PlanState.ACTIVE}),
}


@dataclass(frozen=True)
class PlanSpec:
    """What a planner says of a drill; a template of config/drills.toml holds most of it.

    ``jitter_minutes``: it starts at an hour that nobody knows beforehand, up to so long after the rule's.
    ``on_paper``: as if the network were down, nothing is sent; people are knocked at by the call-down.
    """

    title: str
    hazard: str
    rule: str
    zone: str
    kind: Kind
    notice: Notice
    share_percent: int
    answer_minutes: int
    misfire: Misfire = Misfire.LATEST
    skills: tuple[str, ...] = ()
    jitter_minutes: int = 0
    on_paper: bool = False


@dataclass(frozen=True)
class Decision:
    """What becomes of one occurrence; ``reason`` is None when the drill runs."""

    occurrence: datetime
    reason: Skipped | None

    @property
    def state(self) -> RunState:
        """As it is stored."""
        return RunState.RUN if self.reason is None else RunState.SKIPPED


PARTS: Final = ("notified", "delivered", "acknowledged", "accepted", "assembled")
"""The counts of `Figures`, each a part of the one before, save that who did not accept may come."""


@dataclass(frozen=True)
class Figures:
    """What a drill has shown, in people. ``within``: minutes -> how many had answered by then.

    Not delivered is nobody's silence: shares are of those whom the message reached. Who answered was reached,
    whatever the gateway says. On paper, nobody is written to and all count as knocked at.
    """

    notified: int
    delivered: int
    acknowledged: int
    accepted: int
    assembled: int
    within: Mapping[int, int]
    on_paper: bool = False

    def stored(self) -> dict[str, Any]:
        """As a run keeps it."""
        within = {str(minutes): people for minutes, people in sorted(self.within.items())}
        return {part: getattr(self, part) for part in PARTS} | {"within": within, "on_paper": self.on_paper}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Figures":
        """As they were recorded."""
        within = {int(minutes): people for minutes, people in stored["within"].items()}
        on_paper = stored.get("on_paper", False)  # not told before there were any
        return cls(**{part: stored[part] for part in PARTS}, within=within, on_paper=on_paper)

    @property
    def reached(self) -> int:
        """How many the shares are of."""
        return self.notified if self.on_paper else max(self.delivered, self.acknowledged)

    def shares(self) -> dict[int, int | None]:
        """Minutes -> whole per cent of those reached who had answered by then; None of nobody."""
        return {minutes: percent(people, self.reached) for minutes, people in sorted(self.within.items())}


def check_move(before: PlanState, after: PlanState) -> None:
    """Raises Refused where the state table does not allow the step."""
    if after not in PLAN_ALLOWED[before]:
        raise Refused("drill.step", state=Text(f"drill.plan_state.{before}"))


def check_spec(spec: PlanSpec, hazards: Collection[str], skills: Collection[str]) -> None:
    """All but rule and zone, which are `recurrence.check`'s. ``hazards`` and ``skills``: the codes there are.
    Raises Malformed naming every wrong field."""
    wrong = []
    if not spec.title.strip() or len(spec.title) > LONGEST_TITLE or "\0" in spec.title:
        wrong.append(FieldError("title", "drill.title", {"longest": LONGEST_TITLE}))
    if not 1 <= spec.share_percent <= 100:
        wrong.append(FieldError("share_percent", "drill.share"))
    if not 1 <= spec.answer_minutes <= LONGEST_ANSWER_MINUTES:
        wrong.append(FieldError("answer_minutes", "drill.answer_minutes", {"most": LONGEST_ANSWER_MINUTES}))
    if not 0 <= spec.jitter_minutes <= LONGEST_JITTER_MINUTES:
        wrong.append(FieldError("jitter_minutes", "drill.jitter", {"most": LONGEST_JITTER_MINUTES}))
    if spec.hazard not in hazards:
        wrong.append(FieldError("hazard", "drill.hazard", {"hazard": spec.hazard[:60]}))
    wrong += [
        FieldError("skills", "drill.skill", {"skill": skill[:60]})
        for skill in spec.skills
        if skill not in skills
    ]
    if wrong:
        raise Malformed("form", fields=wrong, places=", ".join(error.where for error in wrong))


def decide(
    due: Sequence[datetime], now: datetime, misfire: Misfire, zone: ZoneInfo, policy: Drills
) -> list[Decision]:
    """What becomes of the occurrences that fell due up to ``now``, the earliest first.

    A day without drills comes before anything else; of the others, those within `GRACE` run, and older ones
    by the plan's policy: none, only the latest of all that fell due, or each.
    """
    closed = {moment for moment in due if blacked_out(moment, zone, policy)}
    latest = max((moment for moment in due if moment not in closed), default=None)

    def reason(moment: datetime) -> Skipped | None:
        if moment in closed:
            return Skipped.BLACKOUT
        on_time = moment >= now - GRACE
        made_up_for = misfire is Misfire.ALL or (misfire is Misfire.LATEST and moment == latest)
        return None if on_time or made_up_for else Skipped.MISSED

    return [Decision(moment, reason(moment)) for moment in due]


def blacked_out(moment: datetime, zone: ZoneInfo, policy: Drills) -> bool:
    """Whether no drill starts on the local day of that moment."""
    return policy.blackout(moment.astimezone(zone).date()) is not None


@dataclass(frozen=True)
class Disturbed:
    """An earlier drill that one person was called to."""

    at: datetime
    night: bool


def may_disturb(earlier: Sequence[Disturbed], at: datetime, night: bool, limits: Limits) -> bool:
    """Whether a person may be called to a drill at ``at``, given those of the year before."""
    year = [drill for drill in earlier if at - _YEAR < drill.at <= at]
    rested = all(at - drill.at >= timedelta(days=limits.days_between) for drill in year)
    nights = sum(drill.night for drill in year)
    lately = sum(at - drill.at < _QUARTER for drill in year)
    return (
        rested
        and lately < limits.most_in_90_days
        and len(year) < limits.most_in_a_year
        and not (night and nights >= limits.most_at_night_in_a_year)
    )


def share_of(people: Sequence[int], percent: int, seed: int) -> list[int]:
    """The ids called: ``percent`` of them, rounded up, drawn by chance; the same for the same seed."""
    wanted = math.ceil(len(people) * percent / 100)
    return sorted(random.Random(seed).sample(sorted(people), wanted))


def check_figures(figures: Figures, report_minutes: Sequence[int]) -> None:
    """Raises Malformed for figures that cannot be: negative, more than were asked, a share that falls with
    time, or other minutes than the policy's."""
    within = [figures.within.get(minutes, -1) for minutes in report_minutes]
    parts = (figures.delivered, figures.acknowledged, figures.accepted, figures.assembled)
    possible = (
        all(0 <= part <= figures.notified for part in parts)
        and figures.accepted <= figures.acknowledged
        and set(figures.within) == set(report_minutes)
        and within == sorted(within)
        and all(0 <= people <= figures.acknowledged for people in within)
    )
    if not possible:
        raise Malformed("drill.figures")


def answered_within(minutes: Sequence[float], report_minutes: Sequence[int]) -> dict[int, int]:
    """How many of the answers, given in minutes after the asking, had come within each of the bounds."""
    return {bound: sum(taken <= bound for taken in minutes) for bound in report_minutes}


def percent(part: int, whole: int) -> int | None:
    """A share as a whole per cent, rounded down so that it never flatters; None of nothing."""
    return None if whole == 0 else 100 * part // whole


class WhatIfKind(StrEnum):
    """One imagined callout, or a whole area at every hour of the week."""

    SINGLE = "single"
    GRID = "grid"


class WhatIfState(StrEnum):
    """Cells are worked until all are done, or somebody stopped them."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class CellState(StrEnum):
    """A cell is due until it is done, or was tried too often."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"


HOURS: Final = range(14)
"""The day and the night of each weekday: 2 x weekday + night, Monday's day is 0."""
EVERYBODY: Final = ""
"""In place of a hazard: the cell is the readiness of everybody of its area."""


@dataclass(frozen=True)
class CellSpec:
    """An imagined callout: what happens, where, whose people are asked, in which cell of the week."""

    area: str
    pool_area: str
    hazard: str
    hour: int


def check_cell(spec: CellSpec, hazards: Collection[str]) -> CellSpec:
    """The cell. Raises Malformed for an hour or a hazard that there is not, naming those that there are."""
    if spec.hour not in HOURS:
        raise Malformed("what_if.hour")
    if spec.hazard != EVERYBODY and spec.hazard not in hazards:
        raise Malformed("incident.hazard", hazard=spec.hazard, known=", ".join(hazards))
    if not spec.area.startswith(spec.pool_area):
        raise Malformed("plan.pool")
    return spec
