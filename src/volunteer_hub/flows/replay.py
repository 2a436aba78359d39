"""The after-action replay in words: the frozen plan beside what happened, minute by minute, what the engine
would say today, and who decided what and why. One document for the page, the files and the terminal."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.boards import replay as board
from volunteer_hub.boards.replay import RIGHT, Called, Deed, Replay, Role, Step
from volunteer_hub.core.db import Tx
from volunteer_hub.core.document import Document, Section, Table
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import course, hindsight, plan_words
from volunteer_hub.flows.hindsight import Hindsight
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.mobilization.models import PlanRun

_ROLE: Final = ("role", "need", "chosen", "asked", "delivered", "accepted", "arrived", "met", "there", "sure")
_TODAY: Final = ("role", "need", "asked", "sure", "sure_today", "asked_today", "same")
_NUMBERS: Final = frozenset(range(1, len(Step) + 4))


@dataclass(frozen=True)
class Told:
    """A replay with what the engine would say today of each callout, None of one without a first wave."""

    replay: Replay
    today: tuple[Hindsight | None, ...]


def read(tx: Tx, public_id: uuid.UUID) -> Told:
    """The replay of an incident by the id seen outside. Raises NotFound, for a foreign area too."""
    found = board.view(tx, queries.find(tx, RIGHT, public_id))
    return Told(found, tuple(hindsight.today(tx, called) for called in found.callouts))


def document(told: Told, now: datetime, lang: str) -> Document:
    """All of it in one language, told on the clocks of the incident's area."""
    found = told.replay
    incident, clock = found.incident, _Clock(found.area.zone, found.incident.declared_at)
    under = t(
        lang,
        "replay.under",
        area=found.area.name,
        declared=clock.full(incident.declared_at),
        closed=clock.full(incident.closed_at) if incident.closed_at else t(lang, "replay.open"),
        now=clock.full(now),
    )
    return Document(
        lang=lang,
        banner=t(lang, f"ui.band.{incident.kind.value}"),
        title=t(lang, "replay.of", title=incident.title),
        under=under,
        sections=(
            *_callouts(told, clock, lang),
            _minutes(found, clock, lang),
            _deeds(found, clock, lang),
        ),
    )


class _Clock:
    """Times as the area's clocks show them, and minutes since the incident was declared."""

    def __init__(self, zone: str, start: datetime) -> None:
        # Told by minutes: what was done in the minute of declaring was done in minute 0, and not before.
        self._zone, self._start = ZoneInfo(zone), start.replace(second=0, microsecond=0)

    def full(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def short(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%m-%d %H:%M}"

    def since(self, at: datetime) -> str:
        minutes = int((at - self._start).total_seconds() // 60)
        return f"{minutes:+d}"


def _callouts(told: Told, clock: _Clock, lang: str) -> Iterator[Section]:
    if not told.replay.callouts:
        yield Section(t(lang, "replay.plan"), (t(lang, "replay.no_callout"),))
    for number, (called, today) in enumerate(zip(told.replay.callouts, told.today, strict=True), 1):
        yield _planned(called, number, clock, lang)
        if today is not None:
            yield _today(today, number, clock, lang)


def _planned(called: Called, number: int, clock: _Clock, lang: str) -> Section:
    callout, result = called.callout, called.plan.result or {}
    text = [
        t(
            lang,
            "replay.sent",
            at=clock.full(callout.created_at),
            by=clock.full(callout.answer_by),
            sure=course.percent(callout.confidence),
        )
    ]
    if "proof" in result and "figures" in result:
        shown = plan_words.view(result, lang)
        text += [shown.state, shown.figures, *(gap.what for gap in shown.gaps)]
    return Section(
        t(lang, "replay.callout", n=number),
        text,
        Table(
            t(lang, "replay.plan"),
            [t(lang, f"replay.column.{name}") for name in _ROLE],
            [_role(role, callout.created_at, lang) for role in called.roles],
            frozenset(range(1, len(_ROLE))),
        ),
    )


def _role(role: Role, start: datetime, lang: str) -> Sequence[str]:
    never = t(lang, "replay.never") if role.need else "–"
    steps = (Step.ASKED, Step.DELIVERED, Step.ACCEPTED, Step.ARRIVED)
    return (
        f"{pick(role.facts.title, lang)} · {pick(role.facts.role, lang)}",
        str(role.need),
        str(role.chosen),
        *(str(role.counts.get(step, 0)) for step in steps),
        *(_after(at, start, lang) if at is not None else never for at in (role.met_at, role.there_at)),
        course.percent(role.sure) if role.sure is not None else "–",
    )


def _after(at: datetime, start: datetime, lang: str) -> str:
    return t(lang, "replay.after", n=max(0, int((at - start).total_seconds() // 60)))


def _today(today: Hindsight, number: int, clock: _Clock, lang: str) -> Section:
    rests = course.rests_on(today.basis, lang)
    model = (
        t(lang, "replay.model", at=clock.full(today.model_at), rests=rests)
        if today.model_at is not None
        else t(lang, "replay.model.none", rests=rests)
    )
    sentence = t(
        lang,
        "replay.today.said",
        sure=course.percent(today.confidence),
        asked=today.asked,
        today=today.asked_today,
    )
    rows = [
        (
            f"{pick(slot.facts.title, lang)} · {pick(slot.facts.role, lang)}",
            str(slot.need),
            str(slot.asked),
            course.percent(slot.sure),
            course.percent(slot.sure_today),
            str(slot.asked_today),
            str(slot.same),
        )
        for slot in today.slots
    ]
    head = [t(lang, f"replay.today.{name}") for name in _TODAY]
    return Section(
        t(lang, "replay.today", n=number),
        (sentence, model, t(lang, "replay.today.known")),
        Table(t(lang, "replay.today", n=number), head, rows, frozenset(range(1, len(_TODAY)))),
    )


def _minutes(found: Replay, clock: _Clock, lang: str) -> Section:
    names = [t(lang, f"replay.step.{step}") for step in Step]
    head = [t(lang, "replay.column.at"), t(lang, "replay.column.since"), *names]
    rows = [
        (
            clock.short(minute.at),
            clock.since(minute.at),
            *(str(minute.counts.get(step) or "") for step in Step),
            str(minute.coming),
            str(minute.there),
        )
        for minute in found.minutes
    ]
    title = t(lang, "replay.minutes")
    head += [t(lang, "replay.column.coming"), t(lang, "replay.column.on_site")]
    text = t(lang, "replay.minutes.text") if rows else t(lang, "replay.minutes.none")
    return Section(title, (text,), Table(title, head, rows, _NUMBERS))


def _deeds(found: Replay, clock: _Clock, lang: str) -> Section:
    title = t(lang, "replay.deeds")
    head = [t(lang, f"replay.column.{name}") for name in ("at", "since", "what", "who")]
    rows = [
        (clock.short(deed.at), clock.since(deed.at), said(deed, lang), _who(deed, lang))
        for deed in found.deeds
    ]
    return Section(title, (), Table(title, head, rows, frozenset({1})))


def said(deed: Deed, lang: str) -> str:
    """What was decided or said, in words."""
    if deed.wave is not None:
        number = t(lang, "waves.number", number=deed.wave.number, n=deed.wave.people)
        names = {deed.by.id: deed.by.name} if deed.by is not None else {}
        return f"{number} {course.why(deed.wave, names, lang)}"
    if deed.plan is not None:
        return _approved(deed.plan, lang)
    assert deed.entry is not None
    return logbook.words(lang, deed.entry)


def _approved(plan: PlanRun, lang: str) -> str:
    chosen = len((plan.result or {}).get("pairs", ()))
    told = [t(lang, "replay.approved", n=chosen)]
    if plan.override_reason:
        told.append(t(lang, "replay.override", reason=plan.override_reason))
    if plan.floors_reason:
        told.append(t(lang, "replay.floors", n=len(plan.broken_floors or ()), reason=plan.floors_reason))
    return " ".join(told)


def _who(deed: Deed, lang: str) -> str:
    names = [one.name for one in (deed.by, deed.second) if one is not None]
    return t(lang, "drills.comma").join(names) or t(lang, "replay.program")
