"""How a running callout is going, in words: each slot's forecast and what it rests on, its waves and why."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import beliefs, outlook
from volunteer_hub.flows.beliefs import Basis
from volunteer_hub.flows.outlook import Outlook
from volunteer_hub.mobilization import queries, rules, waves
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import PlanState, WaveSource
from volunteer_hub.mobilization.wave_models import Wave

_POINTS: Final = 60  # of the answers
_MOMENTS: Final = 16  # of the forecast
_BEYOND: Final = 1.15  # the drawing goes on past the deadline


@dataclass(frozen=True)
class SlotCourse:
    """``sure``: the chance that ``need`` come by the deadline; between ``low`` and ``high`` yeses are likely,
    each of the two passed or missed once in ten times."""

    sure: float
    need: int
    low: int
    high: int
    said: str


@dataclass(frozen=True)
class WaveTold:
    """A wave as it was decided, and why in words."""

    wave: Wave
    why: str


@dataclass(frozen=True)
class AnswerCurve:
    """Answers over time, in minutes since the callout was sent. ``answers``: how many had said yes by a
    minute; ``band``: (minute, low, high), between which asking these people let hope for as many yeses, each
    of the two passed or missed once in ten times; ``waves``: when each was decided. ``need``: all minima."""

    answers: tuple[tuple[int, int], ...]
    band: tuple[tuple[float, int, int], ...]
    waves: tuple[tuple[float, int], ...]
    deadline: float
    need: int
    span: float


@dataclass(frozen=True)
class Course:
    """``slots`` by id, none when the callout has ended, and then no ``curve``; ``held_by``: who holds it,
    ``widening``: how the search for further people goes, both in words or empty."""

    slots: Mapping[int, SlotCourse]
    rests_on: str
    confidence: float
    deadline: datetime
    waves: tuple[WaveTold, ...]
    held_at: datetime | None
    held_by: str
    widening: str
    curve: AnswerCurve | None


def told(tx: Tx, callout: Callout, lang: str) -> Course:
    """The course of a callout that the actor may read. The queries do not grow with its people."""
    tx.actor.must_cover("callout.read", callout.area)
    decided = waves.of_callout(tx, callout.id)
    people = {wave.decided_by for wave in decided if wave.decided_by is not None}
    names = _names(tx, people | ({callout.held_by} if callout.held_by is not None else set()))
    seen = _outlook(tx, callout)
    return Course(
        slots=_slots(seen, lang) if seen is not None else {},
        rests_on=rests_on(beliefs.basis(seen.beliefs), lang) if seen is not None else "",
        confidence=callout.confidence,
        deadline=callout.answer_by,
        waves=tuple(WaveTold(wave, why(wave, names, lang)) for wave in decided),
        held_at=callout.held_at,
        held_by=names.get(callout.held_by or 0, ""),
        widening=_widening(tx, callout, lang),
        curve=_curve(seen, decided) if seen is not None else None,
    )


def rests_on(basis: Basis, lang: str) -> str:
    """What a forecast or the size of a callout rests on."""
    key = "waves.rests.measured" if basis.measured else "waves.rests.assumed"
    return t(lang, key, n=basis.asks, low=percent(basis.low), high=percent(basis.high))


def _outlook(tx: Tx, callout: Callout) -> Outlook | None:
    """None when it has ended, or all its work is over."""
    if callout.state not in rules.LIVE:
        return None
    figures = {one.slot_id: one for one in queries.board(tx, [callout.id]).get(callout.id, [])}
    facts = {key: one for key, one in slots.of(tx, figures).items() if one.open(tx.now)}
    return outlook.read(tx, callout, figures, facts) if facts else None


def _slots(seen: Outlook, lang: str) -> dict[int, SlotCourse]:
    found = {}
    for key, slot in seen.slots.items():
        sure, (low, high) = seen.chance(key), seen.band(key)
        met = slot.lacking == 0
        words = t(
            lang,
            "waves.met" if met else "waves.sure",
            sure=percent(sure),
            need=slot.need,
            low=low,
            high=high,
        )
        if slot.beside:
            words = t(lang, "waves.beside", said=words, n=slot.beside)
        found[key] = SlotCourse(sure, slot.need, low, high, words)
    return found


def _curve(seen: Outlook, decided: Sequence[Wave]) -> AnswerCurve:
    sent, step = seen.callout.created_at, max(1, ceil(seen.now / _POINTS))
    now = ceil(seen.now)
    span = max(seen.deadline * _BEYOND, now)
    moments = [span * n / _MOMENTS for n in range(_MOMENTS + 1)]
    return AnswerCurve(
        answers=tuple((m, bisect_right(seen.yeses, m)) for m in (*range(0, now, step), now)),
        band=tuple((m, *both) for m, both in zip(moments, seen.expected(moments), strict=True)),
        waves=tuple(((wave.decided_at - sent).total_seconds() / 60, wave.number) for wave in decided),
        deadline=seen.deadline,
        need=sum(slot.need for slot in seen.slots.values()),
        span=span,
    )


def why(wave: Wave, names: Mapping[int, str], lang: str) -> str:
    """Why a wave went, in words; ``names`` of the accounts that decided."""
    figures = {
        "n": wave.people,
        "need": wave.need,
        "before": percent(wave.before),
        "after": percent(wave.after),
        "who": names.get(wave.decided_by or 0, t(lang, "waves.somebody")),
    }
    key = wave.source.value if wave.source is not WaveSource.PERSON or wave.need else "person_target"
    return t(lang, f"waves.why.{key}", **figures)


def _widening(tx: Tx, callout: Callout, lang: str) -> str:
    runs = waves.widenings(tx, callout.id)
    if not runs:
        return ""
    run = runs[-1]
    km = f"{waves.reach_of(tx, run.id) or 0:g}"
    if run.state in (PlanState.REQUESTED, PlanState.RUNNING):
        return t(lang, "waves.widening.looking", km=km)
    if run.state is not PlanState.READY:
        return t(lang, "waves.widening.failed", km=km)
    result = run.result or {}
    return t(
        lang, "waves.widening.found", km=km, n=_people(result.get("pairs", ()), result.get("reserves", ()))
    )


def _people(*lists: Sequence[Mapping[str, int]]) -> int:
    return len({pair["volunteer"] for pairs in lists for pair in pairs})


def _names(tx: Tx, account_ids: set[int]) -> dict[int, str]:
    rows = tx.exec(select(Account.id, Account.name).where(col(Account.id).in_(account_ids)))
    return dict(rows.all())


def percent(share: float) -> str:
    """Whole percent; never a certainty that is none."""
    shown = round(100 * share)
    return f"{min(max(shown, 1), 99) if 0 < share < 1 else shown}%"
