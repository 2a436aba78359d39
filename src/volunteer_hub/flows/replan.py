"""A plan in force changed as little as pays: asked for, its difference told, applied once approved.

Nobody is moved by it: who is to move is asked, and keeps the old place until they say yes to the new.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import asking, letters
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.asking import Candidates
from volunteer_hub.incidents import logbook, queries
from volunteer_hub.incidents import rules as incident_rules
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import callouts, places, plans, proposals
from volunteer_hub.mobilization.callouts import Ask
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun, SlotFill
from volunteer_hub.mobilization.replan_rules import News
from volunteer_hub.mobilization.rules import LIVE, OfferState, PlanState
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers.models import Volunteer


def request(tx: Tx, incident: Incident) -> PlanRun:
    """Asks for a re-plan of the plan approved last, with its people and its deadline. Reserve floors that the
    one before was allowed to break, it may break too.

    Raises as `plan.request`, and Refused where no plan has been approved.
    """
    before = plans.latest(tx, incident.id, (PlanState.APPROVED,))
    if before is None:
        raise Refused("replan.nothing")
    plan = planning.request(
        tx,
        incident,
        deadline_seconds=before.deadline_seconds,
        seed=before.seed,  # among equals the same people again
        pool_area=before.pool_area,
    )
    plan.predecessor_id = before.id
    plan.broken_floors, plan.floors_reason = before.broken_floors, before.floors_reason
    tx.flush()
    return plan


def request_for(tx: Tx, incident_id: uuid.UUID, lang: str) -> "Report":
    """`request` by the id seen outside. Raises as it does, and NotFound."""
    return _report(tx, request(tx, queries.find(tx, "plan.request", incident_id)), lang)


@dataclass(frozen=True)
class Change:
    """One person whose order changes; ``before`` and ``after`` are slots by id, None for none."""

    volunteer: int
    before: int | None
    after: int | None
    why: str


@dataclass(frozen=True)
class Difference:
    """What a re-plan changes, ``said`` in a line such as "3 people change, 2 gaps close"."""

    said: str
    changes: tuple[Change, ...]
    kept: int
    closed: int


def difference(plan: PlanRun, lang: str) -> Difference | None:
    """In words; None for a plan that changes no other, or is not made yet."""
    found = (plan.result or {}).get("difference")
    if found is None:
        return None
    closed = sum(one["heads"] for one in found["closed"])
    changes = tuple(
        Change(one["volunteer"], one["before"], one["after"], _why(one, lang)) for one in found["changes"]
    )
    people, gaps = t(lang, "replan.people", n=len(changes)), t(lang, "replan.gaps", n=closed)
    said = t(lang, "replan.said", people=people, gaps=gaps)
    return Difference(said, changes, found["kept"], closed)


@dataclass(frozen=True)
class Report:
    """A re-plan as a door shows it; ``slots`` and ``people`` turn ids into those seen outside. ``because``:
    why the program proposes it, if it does."""

    plan: PlanRun
    difference: Difference | None
    slots: dict[int, uuid.UUID]
    people: dict[int, uuid.UUID]
    because: str


def read(tx: Tx, public_id: uuid.UUID, lang: str) -> Report:
    """Any plan, with its difference where it changes another. Raises NotFound."""
    return _report(tx, plans.find(tx, "plan.read", public_id), lang)


def _report(tx: Tx, plan: PlanRun, lang: str) -> Report:
    told = difference(plan, lang)
    changes = told.changes if told is not None else ()
    wanted = {slot for one in changes for slot in (one.before, one.after) if slot is not None}
    named = {one.volunteer for one in changes}
    return Report(
        plan,
        told,
        planning.outside(tx, RoleSlot, wanted),
        planning.outside(tx, Volunteer, named),
        because(tx, plan, lang),
    )


def because(tx: Tx, plan: PlanRun | None, lang: str) -> str:
    """Why the program proposes a plan; empty for one that somebody asked for."""
    proposal = proposals.of_plan(tx, plan) if plan is not None else None
    return t(lang, "replan.since", news=happened(proposal.news, lang)) if proposal is not None else ""


def happened(news: Mapping[str, int], lang: str) -> str:
    """What has happened, such as "2 people declined, 1 change of tasks"."""
    told = [t(lang, f"replan.news.{what}", n=news[what]) for what in News if what in news]
    return ("，" if lang == "zh" else ", ").join(told)


def _why(change: dict[str, Any], lang: str) -> str:
    if change["lost"]:
        return t(lang, "replan.why.lost")
    if change["before"] is None:
        return t(lang, "replan.why.new")
    return t(lang, "replan.why.moved", minutes=round(change["price"] / 10))


def apply(tx: Tx, plan: PlanRun) -> Callout:
    """Asks the people of an approved re-plan through the callouts that run; the newest of these.

    New people get an offer, moved ones too, whose old place is kept until they say yes; who may serve no
    longer is released and told. Nobody else loses a place by it. Whoever cannot be asked any more is left
    out. Raises Refused without approval, for a closed incident, a second time, and where no callout runs.
    """
    tx.actor.must_cover("callout.send", plan.area)
    if plan.state is not PlanState.APPROVED:
        raise Refused("plan.not_approved")
    tx.refresh(plan, with_for_update={"key_share": True})
    if plan.applied_at is not None:
        raise Refused("plan.already_sent")
    incident = tx.get_one(Incident, plan.incident_id)
    tx.refresh(incident, with_for_update={"key_share": True})
    incident_rules.check_open(incident.state)
    running = _running(tx, incident)
    if not running:
        raise Refused("replan.no_callout")
    changes = (plan.result or {})["difference"]["changes"]
    held = _held(tx, incident, changes)
    gone = [held[one["volunteer"], one["before"]] for one in changes if one["lost"] and _key(one) in held]
    places.leave_all(tx, gone, OfferState.RELEASED)
    outbox.cancel(tx, Subject.OFFER, [offer.id for offer in gone])
    letters.tell(tx, "released", gone)
    made = _ask(tx, running, [one for one in changes if one["after"] is not None], held)
    plan.applied_at = tx.now
    logbook.record(tx, incident, LogKind.CALLOUT, "replan_applied", n=made)
    tx.flush()
    return running[-1]


def _key(change: dict[str, Any]) -> tuple[int, int]:
    return change["volunteer"], change["before"]


def _running(tx: Tx, incident: Incident) -> Sequence[Callout]:
    wanted = select(Callout).where(col(Callout.incident_id) == incident.id, col(Callout.state).in_(LIVE))
    locked = wanted.order_by(col(Callout.id)).with_for_update(key_share=True)
    return tx.exec(locked.execution_options(populate_existing=True)).all()


def _held(tx: Tx, incident: Incident, changes: Sequence[dict[str, Any]]) -> dict[tuple[int, int], Offer]:
    """(volunteer, slot) -> the offers by which they hold the places that change."""
    own = select(Callout.id).where(col(Callout.incident_id) == incident.id)
    which = (
        col(Offer.callout_id).in_(own)
        & col(Offer.volunteer_id).in_([one["volunteer"] for one in changes if one["before"] is not None])
        & (col(Offer.state) == OfferState.ACCEPTED)
    )
    return {(offer.volunteer_id, offer.slot_id): offer for offer in places.locked_all(tx, which)}


def _ask(
    tx: Tx,
    running: Sequence[Callout],
    changes: Sequence[dict[str, Any]],
    held: dict[tuple[int, int], Offer],
) -> int:
    """Makes the offers; how many. A slot's go through the callout that counts its places."""
    facts = {
        key: one for key, one in slots.of(tx, {one["after"] for one in changes}).items() if one.open(tx.now)
    }
    people = Candidates(tx, {one["volunteer"] for one in changes}, list(facts.values()))
    through = _through(tx, running)
    asks: dict[int, list[Ask]] = defaultdict(list)
    for one in changes:
        slot, volunteer = facts.get(one["after"]), one["volunteer"]
        if slot is None:
            continue
        before = held.get(_key(one))
        moves = before is not None and before.state is OfferState.ACCEPTED
        chance = people.chance(volunteer, slot)
        if chance > 0 and (moves or people.free(volunteer, slot)):
            instead_of = before.id if before is not None and moves else None
            by = through.get(one["after"], running[-1].id)
            asks[by].append(Ask(one["after"], volunteer, chance=chance, instead_of=instead_of))
    count = 0
    for callout in running:
        count += _through_one(tx, callout, asks.get(callout.id, ()), facts)
    return count


def _through_one(tx: Tx, callout: Callout, asks: Sequence[Ask], facts: dict[int, SlotFacts]) -> int:
    if not asks:
        return 0
    wanted = {ask.slot_id for ask in asks}
    taken = asking.places_held(tx, wanted)
    places_of = [asking.as_slot(facts[key], taken.get(key, 0)) for key in sorted(wanted)]
    made = callouts.ask(tx, callout, places_of, [replace(ask, wave=callout.wave) for ask in asks])
    letters.note_asked(tx, (offer.volunteer_id for offer in made))
    letters.tell(tx, "offer", made)
    return len(made)


def _through(tx: Tx, running: Sequence[Callout]) -> dict[int, int]:
    """Slot -> the running callout that counts its places, the newest where there are several."""
    wanted = select(SlotFill.slot_id, SlotFill.callout_id).where(
        col(SlotFill.callout_id).in_([callout.id for callout in running])
    )
    return dict(tx.exec(wanted.order_by(col(SlotFill.callout_id))).all())
