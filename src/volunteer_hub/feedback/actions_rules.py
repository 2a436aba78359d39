"""Improvement actions: the way of one, when the clock speaks, what a drill proves. Pure; ``now`` is given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.feedback.actions_policy import Actions

LONGEST_TITLE: Final = 120
LONGEST_TEXT: Final = 2_000
LONGEST_REFERENCE: Final = 500


class ActionState(StrEnum):
    """Where an action is. ``done``: closed with evidence; ``proven``: a later drill, or somebody, has shown
    that it holds; ``reopened``: that it does not."""

    PROPOSED = "proposed"
    OPEN = "open"
    DONE = "done"
    PROVEN = "proven"
    REOPENED = "reopened"
    DROPPED = "dropped"


ALLOWED: Final[Mapping[ActionState, frozenset[ActionState]]] = {
    ActionState.PROPOSED: frozenset({ActionState.OPEN, ActionState.DROPPED}),
    ActionState.OPEN: frozenset({ActionState.DONE, ActionState.DROPPED}),
    ActionState.DONE: frozenset({ActionState.PROVEN, ActionState.REOPENED}),
    ActionState.PROVEN: frozenset({ActionState.REOPENED}),
    ActionState.REOPENED: frozenset({ActionState.DONE, ActionState.DROPPED}),
    ActionState.DROPPED: frozenset(),
}
WORKED_ON: Final = (ActionState.OPEN, ActionState.REOPENED)
"""Somebody owns it, and it is due."""
PENDING: Final = (ActionState.PROPOSED, *WORKED_ON)
"""Nothing has been done yet, or it did not hold."""


class Priority(StrEnum):
    """How soon it is wanted."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Source(StrEnum):
    """Where a finding comes from: what a coordinator wrote, what several wrote about one theme, a mark or
    choice that counts as a finding, an injury or near miss, a drill's figures, or looking back."""

    DEBRIEF = "debrief"
    THEME = "theme"
    ANSWER = "answer"
    INJURY = "injury"
    DRILL = "drill"
    AFTER_ACTION = "after_action"


class Figure(StrEnum):
    """Which of a drill's figures a re-test looks at; each is a share in whole per cent."""

    DELIVERED = "delivered"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    ASSEMBLED = "assembled"
    WITHIN = "within"


class Nudge(StrEnum):
    """What the clock says about an action."""

    UNOWNED = "unowned"
    DUE = "due"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


@dataclass(frozen=True)
class Measure:
    """What a later drill must show: the share ``figure`` is ``at_least`` so many per cent. ``minutes`` of
    `Figure.WITHIN` alone."""

    figure: Figure
    at_least: int
    minutes: int | None = None


@dataclass(frozen=True)
class Evidence:
    """What closes an action. ``reference``: a link, or the name and place of a file; ``changed``: what those
    who raised it are told."""

    evidence: str
    reference: str
    changed: str


def step(before: ActionState, after: ActionState) -> ActionState:
    """``after`` where the state table allows it. Raises Refused."""
    if after not in ALLOWED[before]:
        raise Refused("action.step", state=Text(f"action.state.{before}"))
    return after


def check_words(title: str, words: str) -> None:
    """Raises Malformed naming each text that is missing or too long."""
    _refuse([*_text("title", title, LONGEST_TITLE), *_text("words", words, LONGEST_TEXT)])


def check_text(where: str, text: str) -> None:
    """Raises Malformed for a text that is missing or too long."""
    _refuse(_text(where, text, LONGEST_TEXT))


def check_evidence(it: Evidence) -> None:
    """Raises Malformed naming what is missing: nothing is closed without evidence that can be looked at, nor
    without a word to those who raised it."""
    faults = [
        *_text("evidence", it.evidence, LONGEST_TEXT),
        *_text("reference", it.reference, LONGEST_REFERENCE),
        *_text("changed", it.changed, LONGEST_TEXT),
    ]
    scheme, colon, _ = it.reference.strip().partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        faults.append(FieldError("reference", "action.reference"))
    _refuse(faults)


def is_link(reference: str) -> bool:
    """Whether a reference leads somewhere, rather than naming a file."""
    return reference.lower().startswith(("https://", "http://"))


def check_measure(it: Measure, report_minutes: Iterable[int]) -> None:
    """Raises Malformed for a share that cannot be, or minutes that drills do not report."""
    faults = []
    if not 1 <= it.at_least <= 100:
        faults.append(FieldError("at_least", "action.at_least"))
    known = list(report_minutes)
    if it.figure is Figure.WITHIN and it.minutes not in known:
        faults.append(FieldError("minutes", "action.minutes", {"known": ", ".join(map(str, known))}))
    if it.figure is not Figure.WITHIN and it.minutes is not None:
        faults.append(FieldError("minutes", "action.no_minutes"))
    _refuse(faults)


def check_due(due_at: datetime, now: datetime) -> None:
    """Raises Malformed for a due date in the past."""
    if due_at <= now:
        _refuse([FieldError("due_on", "action.due_on")])


def share(measure: Measure, figures: Mapping[str, Any]) -> int | None:
    """What a drill has shown of it, in whole per cent rounded down; None where nobody counts. ``figures`` as
    a drill's run stores them. Not delivered is nobody's silence: answers are of those reached."""
    reached = max(figures["delivered"], figures["acknowledged"])
    match measure.figure:
        case Figure.DELIVERED:
            part, whole = figures["delivered"], figures["notified"]
        case Figure.ANSWERED:
            part, whole = figures["acknowledged"], reached
        case Figure.ACCEPTED:
            part, whole = figures["accepted"], reached
        case Figure.ASSEMBLED:
            part, whole = figures["assembled"], figures["accepted"]
        case _:  # Figure.WITHIN
            part, whole = figures["within"].get(str(measure.minutes), 0), reached
    return 100 * part // whole if whole else None


def verdict(measure: Measure, figures: Mapping[str, Any]) -> ActionState | None:
    """Proven or reopened by what a drill has shown; None where it has shown nothing."""
    shown = share(measure, figures)
    if shown is None:
        return None
    return ActionState.PROVEN if shown >= measure.at_least else ActionState.REOPENED


def nudges(
    state: ActionState, since: datetime, due_at: datetime | None, policy: Actions
) -> list[tuple[datetime, Nudge]]:
    """When the clock speaks about an action, and what it says, the earliest first. ``since``: when it was
    proposed."""
    if state is ActionState.PROPOSED:
        moments = [(since, days, Nudge.UNOWNED) for days in policy.proposed_days]
    elif state in WORKED_ON and due_at is not None:
        moments = [
            *((due_at, -days, Nudge.DUE) for days in policy.remind_days),
            *((due_at, days, Nudge.OVERDUE) for days in policy.overdue_days),
            *((due_at, days, Nudge.ESCALATED) for days in policy.escalate_days),
        ]
    else:
        moments = []
    return sorted((start + timedelta(days=days), nudge) for start, days, nudge in moments)


def said_now(
    plan: Iterable[tuple[datetime, Nudge]], after: datetime, now: datetime
) -> list[tuple[datetime, Nudge]]:
    """What is to be said now of what fell due since ``after``: after a long stop the last of each kind, and
    no "soon due" about what is overdue."""
    last = {nudge: moment for moment, nudge in plan if after < moment <= now}
    if Nudge.OVERDUE in last or Nudge.ESCALATED in last:
        last.pop(Nudge.DUE, None)
    return sorted((moment, nudge) for nudge, moment in last.items())


def next_moment(plan: Iterable[tuple[datetime, Nudge]], after: datetime) -> datetime | None:
    """When the clock speaks next; None when no more."""
    return min((moment for moment, _ in plan if moment > after), default=None)


def _text(where: str, text: str, longest: int) -> list[FieldError]:
    if not text.strip():
        return [FieldError(where, "action.missing")]
    if len(text) > longest:
        return [FieldError(where, "action.too_long", {"longest": longest})]
    return [FieldError(where, "text.nul")] if "\0" in text else []


def _refuse(faults: list[FieldError]) -> None:
    if faults:
        raise Malformed(faults[0].code, fields=faults, **faults[0].params)
