"""A running callout asks on: wave after wave as the forecast falls, held back, hurried or widened by hand.

Whether a wave goes is decided in engine.waves; here its people are found, asked, and written down.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.core.log import logger
from volunteer_hub.engine.waves import Decision, Verdict
from volunteer_hub.flows import asking, later, letters, mobilize, outlook
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.asking import Candidates
from volunteer_hub.flows.outlook import Outlook
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import callouts, queries, waves
from volunteer_hub.mobilization.callouts import Ask
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import LIVE, PlanState, WaveSource
from volunteer_hub.mobilization.wave_models import Wave, Widening
from volunteer_hub.mobilization.waves import Share

FARTHEST_KM: Final = 500
MOST_BY_HAND: Final = 1_000
_LEASE_SECONDS: Final = 60
_LOOKS: Final = 20
_FORESEEN: Final = 200  # slots, up to which the moment is worked out at which silence lets a forecast fall
_FINISHED: Final = (PlanState.READY,)
_UNFINISHED: Final = (PlanState.REQUESTED, PlanState.RUNNING)
_log = logger("waves")


@dataclass(frozen=True)
class _Part:
    """What a wave asks for one slot."""

    decision: Decision
    asks: tuple[Ask, ...]


def look(tx: Tx, callout: Callout) -> int:
    """One look at a live callout: the next wave goes where a forecast has fallen; how many were asked.

    When all its work is over, the callout is closed. One that is held, or on paper, is looked at and asks
    nobody.
    """
    callout = waves.locked(tx, callout.id)
    if callout.state not in LIVE:
        return 0  # it ended while this look waited for it
    seen = _outlook(tx, callout)
    if seen is None:
        mobilize.close(tx, callout)
        return 0
    rest = timedelta(minutes=seen.rules.gap)
    last = waves.last_decided(tx, callout.id)
    still = callout.held_at is not None or callout.on_paper
    ready = not still and (last is None or tx.now >= last + rest)
    low = [key for key in seen.slots if seen.chance(key) < seen.rules.confidence]
    asked = _by_forecast(tx, seen, low) if low and ready else 0
    if asked or (low and not still):
        again = rest if asked or ready or last is None else last + rest - tx.now
    else:
        again = timedelta(minutes=_quiet_for(seen))
    callouts.looked(tx, callout, tx.now + again)
    return asked


def _quiet_for(seen: Outlook) -> float:
    """Minutes until silence alone could let a forecast fall; at most the horizon."""
    if len(seen.slots) > _FORESEEN:
        return seen.rules.gap
    falls = [at - seen.now for key in seen.slots if (at := seen.falls_at(key)) is not None]
    return max(min([*falls, seen.rules.horizon]), 1 / 60)


def _outlook(tx: Tx, callout: Callout) -> Outlook | None:
    """The callout as it stands; None when all its work is over."""
    figures = _figures(tx, callout)
    facts = {key: one for key, one in slots.of(tx, figures).items() if one.open(tx.now)}
    return outlook.read(tx, callout, figures, facts) if facts else None


def _figures(tx: Tx, callout: Callout) -> dict[int, SlotFigures]:
    return {figure.slot_id: figure for figure in queries.board(tx, [callout.id])[callout.id]}


def _by_forecast(tx: Tx, seen: Outlook, low: Iterable[int]) -> int:
    spare, people = _spare(tx, seen, low)
    parts: dict[int, _Part] = {}
    taken: set[int] = set()
    for key in spare:
        mine = [ask for ask in spare[key] if ask.volunteer_id not in taken]
        decision = seen.decide(key, mine, people)
        parts[key] = _Part(decision, tuple(decision.asked(mine)))
        taken |= {ask.volunteer_id for ask in parts[key].asks}
    for key, part in parts.items():
        if part.decision.verdict is Verdict.SHORT:
            _alert_gap(tx, seen.callout, seen.facts[key], seen.slots[key].lacking)
    return _send(tx, seen, WaveSource.FORECAST, parts, "callout_topped_up")


def _spare(tx: Tx, seen: Outlook, wanted: Iterable[int]) -> tuple[dict[int, list[Ask]], Candidates]:
    """Slot -> whom it could ask now, in order: who said "later" and could come by now, waves of the plan, its
    reserves, whom a widening found."""
    found: dict[int, list[Ask]] = {key: list(seen.queued[key]) for key in wanted}
    plan = tx.get_one(PlanRun, seen.callout.plan_run_id)
    wider = waves.widenings(tx, seen.callout.id, _FINISHED)
    sources = [asking.reserves(plan)]
    sources += [source for run in wider for source in (asking.chosen(run), asking.reserves(run))]
    further = {key: [ask for source in sources for ask in source.get(key, ())] for key in found}
    again = later.due(tx, seen.callout.incident_id, {key: seen.facts[key] for key in found})
    groups = (*found.values(), *further.values(), *again.values())
    everybody = {ask.volunteer_id for asks in groups for ask in asks}
    people = Candidates(tx, everybody, [seen.facts[key] for key in found])
    for key, queued in found.items():
        first = people.likely(again.get(key, ()), seen.facts[key])
        known = {ask.volunteer_id for ask in (*first, *queued)}
        more = {ask.volunteer_id: ask for ask in reversed(further[key]) if ask.volunteer_id not in known}
        found[key] = [*first, *_kept(queued, seen, people), *seen.order(key, more.values(), people)]
    return found, people


def _kept(queued: Iterable[Ask], seen: Outlook, people: Candidates) -> list[Ask]:
    """Those waiting in waves of the plan who can still come, in their order."""
    return [ask for ask in queued if people.further([ask], seen.facts[ask.slot_id], seen.taken)]


def _send(tx: Tx, seen: Outlook, source: WaveSource, parts: Mapping[int, _Part], event: str) -> int:
    """Asks the people of a wave and writes it down; how many. Nothing when there is nobody."""
    asks = [ask for part in parts.values() for ask in part.asks]
    if not asks:
        return 0
    shares = [
        Share(key, seen.slots[key].lacking, len(part.asks), part.decision.before, part.decision.after)
        for key, part in parts.items()
        if part.asks
    ]
    callout = seen.callout
    places = [asking.as_slot(facts) for facts in seen.facts.values()]
    wave, asked = waves.send(tx, callout, source, places, asks, shares)
    letters.note_asked(tx, (offer.volunteer_id for offer in asked))
    letters.tell(tx, "offer", asked)
    incident = tx.get_one(Incident, callout.incident_id)
    logbook.record(tx, incident, LogKind.CALLOUT, event, n=len(asked), wave=wave.number)
    return len(asked)


def _alert_gap(tx: Tx, callout: Callout, slot: SlotFacts, need: int) -> None:
    params = {"title": slot.incident.title, "task": slot.title, "role": slot.role, "missing": need}
    new = letters.alert(tx, "alert_gap", slot.incident, f"callout:{callout.id}:gap:{slot.slot.id}", params)
    if new:
        logbook.record(tx, slot.incident, LogKind.CALLOUT, "callout_gap", n=need, title=slot.task.title)


def hold(tx: Tx, callout: Callout) -> Callout:
    """Nobody more is asked by the forecast until `resume`; who was asked may answer. Raises Refused."""
    if waves.hold(tx, callout):
        _noted(tx, callout, "callout_held")
    return callout


def resume(tx: Tx, callout: Callout) -> Callout:
    """The forecast decides again. Raises Refused."""
    if waves.resume(tx, callout):
        _noted(tx, callout, "callout_resumed")
    return callout


def send_now(tx: Tx, callout: Callout, people: int | None = None) -> int:
    """The next wave goes now, whatever the forecast says; how many were asked.

    For every slot short of its minimum, or where none is, of its target: as many as meet that though nobody
    still silent answers, or so many ``people``. Raises Refused when the callout has ended, when every target
    is met, when nobody is left to ask; Malformed for a wild number.
    """
    tx.actor.must_cover("callout.send", callout.area)
    if people is not None and not 1 <= people <= MOST_BY_HAND:
        raise Malformed("callout.people", most=MOST_BY_HAND)
    callout = waves.locked(tx, callout.id)
    waves.check_live(callout)
    seen = _outlook(tx, callout)
    needs = _needs(seen, _figures(tx, callout)) if seen is not None else {}
    if seen is None or not needs:
        raise Refused("callout.enough")
    spare, candidates = _spare(tx, seen, needs)
    parts: dict[int, _Part] = {}
    taken: set[int] = set()
    for key, need in needs.items():
        mine = [ask for ask in spare[key] if ask.volunteer_id not in taken]
        decision = seen.by_hand(key, need, mine, candidates)
        asks = decision.asked(mine, people)
        decision = decision if people is None else seen.by_hand(key, need, asks, candidates)
        parts[key] = _Part(decision, tuple(asks))
        taken |= {ask.volunteer_id for ask in parts[key].asks}
    asked = _send(tx, seen, WaveSource.PERSON, parts, "callout_sent_now")
    if not asked:
        raise Refused("callout.nobody_left")
    tx.flush()
    return asked


def _needs(seen: Outlook, figures: Mapping[int, SlotFigures]) -> dict[int, int]:
    """Slot -> the minimum, where it is not there yet; where all are, the targets that are not."""
    minima = {key: slot.need for key, slot in seen.slots.items() if slot.lacking}
    there = {key: slot.need - slot.open_need for key, slot in seen.slots.items()}
    targets = {key: figures[key].target for key in seen.slots if figures[key].filled < figures[key].target}
    return minima or {key: target for key, target in targets.items() if there[key] < target}


def widen(tx: Tx, callout: Callout, km: float, pool: uuid.UUID | None = None) -> PlanRun:
    """Asks for a plan that finds further people: up to ``km`` away where they name no limit of their own,
    from the area ``pool``, else from the widest around the incident that the actor may plan for.

    Nobody is asked by it: its people become reserves, from which the next wave is taken. Raises Refused when
    the callout has ended or is being widened already, Malformed for a wild distance, NotFound for a foreign
    pool.
    """
    tx.actor.must_cover("callout.send", callout.area)
    if not 0 < km <= FARTHEST_KM:
        raise Malformed("callout.reach", most=FARTHEST_KM)
    callout = waves.locked(tx, callout.id)
    waves.check_live(callout)
    if waves.widenings(tx, callout.id, _UNFINISHED):
        raise Refused("callout.widening")
    incident = tx.get_one(Incident, callout.incident_id)
    if pool is not None:
        area = jurisdictions.find(tx, "plan.request", pool).path
    else:
        way = jurisdictions.way_down(tx, incident.area)
        covered = [node.path for node in way if tx.actor.may("plan.request", node.path)]
        area = covered[0] if covered else incident.area
    plan = planning.request(tx, incident, pool_area=area)
    tx.add(Widening(plan_run_id=plan.id, callout_id=callout.id, reach_km=km))
    _noted(tx, callout, "callout_widened", km=f"{km:g}")
    tx.flush()
    return plan


def _noted(tx: Tx, callout: Callout, event: str, **data: str) -> None:
    logbook.record(tx, tx.get_one(Incident, callout.incident_id), LogKind.CALLOUT, event, **data)
    tx.flush()


def decided(tx: Tx, callout: Callout) -> list[Wave]:
    """The waves of a callout that the actor may read, the first first."""
    tx.actor.must_cover("callout.read", callout.area)
    return waves.of_callout(tx, callout.id)


def top_up() -> int:
    """The sweep over callouts due for a look, or with answers since the last; how many people were asked."""
    with db.transaction(SYSTEM, "callout.claim") as tx:
        due = [row.id for row in callouts.due_for_look(tx, lease_seconds=_LEASE_SECONDS, limit=_LOOKS)]
    asked = 0
    for callout_id in due:
        try:
            with db.transaction(SYSTEM, "callout.look") as tx:
                asked += look(tx, tx.get_one(Callout, callout_id))
        except (
            Exception
        ) as error:  # one bad callout must not keep the others waiting; its lease brings it back
            _log.error("look failed", callout=callout_id, exc_info=error)
    return asked
