"""The end of an incident: people are released and thanked, then it closes and they are asked how it was."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form
from volunteer_hub.feedback.rules import Kind as SurveyKind
from volunteer_hub.flows import debrief, feedback, mobilize, roll_call
from volunteer_hub.flows import duty as duties
from volunteer_hub.incidents import logbook, states
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.incidents.rules import Kind, LogKind, State
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import (
    LIVE,
    DeclineReason,
    DutyState,
    OfferState,
    PlanState,
)

_UNSENT: Final = (PlanState.REQUESTED, PlanState.RUNNING, PlanState.READY)


@dataclass(frozen=True)
class Demobilised:
    """What a release came to, in people: stood down, told not to come, checked out on site, left there."""

    stood_down: int = 0
    released: int = 0
    checked_out: int = 0
    on_site: int = 0


def demobilise(tx: Tx, incident: Incident, *, everybody: bool = True) -> Demobilised:
    """Ends the callouts and releases people: who stands by is stood down and paid for it, who was expected
    need not come, who is on site is checked out as confirmed by the leader.

    With ``everybody`` false those on site stay and check out themselves when they go. Raises Refused for an
    incident that was never mobilized or is closed, NotFound for a foreign area.
    """
    tx.actor.must_cover("incident.write", incident.area)
    tx.refresh(incident, with_for_update={"key_share": True})
    if incident.state is not State.DEMOBILIZING:
        states.move(tx, incident, State.DEMOBILIZING)
    _put_plans_aside(tx, incident)
    stood_down = _end_callouts(tx, incident)
    found = _duties(tx, incident, (DutyState.EXPECTED, DutyState.ON_SITE))
    going = [duty for duty in found if everybody or duty.state is not DutyState.ON_SITE]
    checked_out = len(duties.release_all(tx, going))
    released, on_site = len(going) - checked_out, len(found) - len(going)
    done = Demobilised(stood_down, released, checked_out, on_site)
    gone = stood_down + released + checked_out
    if gone:
        logbook.record(tx, incident, LogKind.DUTY, "released", n=gone, on_site=checked_out)
    tx.flush()
    return done


def close(tx: Tx, incident: Incident) -> list[Survey]:
    """Closes an incident, releasing whoever is left, and asks how it was: everybody who served, and after a
    drill everybody who was asked. The surveys opened.

    Raises Refused for one that is closed already, NotFound for a foreign area.
    """
    tx.actor.must_cover("incident.close", incident.area)
    tx.refresh(incident, with_for_update={"key_share": True})
    if incident.state is State.DECLARED:
        _put_plans_aside(tx, incident)
    elif incident.state in (State.MOBILIZING, State.ACTIVE, State.DEMOBILIZING):
        demobilise(tx, incident)
    roll_call.end_all(tx, incident)
    states.move(tx, incident, State.CLOSED)
    return ask_back(tx, incident)


def ask_back(tx: Tx, incident: Incident) -> list[Survey]:
    """Opens the surveys of a closed incident and sends their links, and asks who was in command; again, only
    those still missing."""
    by_form = _forms(tx, incident)
    opened = [
        survey
        for form, people in by_form.items()
        for survey in surveys.open_for(
            tx,
            incident.id,
            incident.area,
            people,
            policy.load("surveys", Surveys),
            kind=SurveyKind(incident.kind.value),
            form=form,
        )
    ]
    feedback.tell(tx, "survey", opened)
    debrief.ask(tx, incident)
    tx.flush()
    return opened


def _end_callouts(tx: Tx, incident: Incident) -> int:
    """Closes what still takes people, and stands down who is left in line; how many stood by."""
    stood_by = 0
    for callout in callouts.of_incident(tx, incident.id):
        tx.refresh(callout, with_for_update={"key_share": True})  # a sweep may be ending it just now
        if callout.state in LIVE:
            stood_by += len(mobilize.close(tx, callout).told)
        else:
            stood_by += len(mobilize.stand_down(tx, callout))
    return stood_by


def _put_plans_aside(tx: Tx, incident: Incident) -> None:
    while (plan := plans.latest(tx, incident.id, _UNSENT)) is not None:
        plans.supersede(tx, plan.id)


def _duties(tx: Tx, incident: Incident, states_of: Collection[DutyState]) -> Sequence[Duty]:
    wanted = select(Duty).where(col(Duty.incident_id) == incident.id, col(Duty.state).in_(states_of))
    return tx.exec(wanted.order_by(col(Duty.offer_id))).all()


def _forms(tx: Tx, incident: Incident) -> dict[Form, set[int]]:
    """Which questions go to whom: a leader gets the leader's, nobody is asked twice."""
    if incident.kind is Kind.DRILL:
        asked = [offer for offer in _asked(tx, incident) if offer.decline_reason is not DeclineReason.NOT_ME]
        return {Form.DRILL: {offer.volunteer_id for offer in asked}}
    served = (
        select(Duty.volunteer_id, RoleSlot.skill)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .join(RoleSlot, col(RoleSlot.id) == col(Offer.slot_id))
        .where(col(Duty.incident_id) == incident.id, col(Duty.state) == DutyState.DONE)
    )
    rows = tx.exec(served).all()
    led = {person for person, skill in rows if skill == slots.LEADER}
    done = {person for person, _ in rows}
    found = {Form.LEADER: led, Form.VOLUNTEER: done - led}
    if Form.STANDBY.value in policy.load("surveys", Surveys).surveys:
        found[Form.STANDBY] = _stood_by(tx, incident) - done
    return found


def _stood_by(tx: Tx, incident: Incident) -> set[int]:
    """Who said yes, was never given a place, and was let go."""
    placed = select(Duty.offer_id).where(col(Duty.incident_id) == incident.id)
    ids = [callout.id for callout in callouts.of_incident(tx, incident.id)]
    wanted = select(Offer.volunteer_id).where(
        col(Offer.callout_id).in_(ids),
        col(Offer.state) == OfferState.RELEASED,
        col(Offer.answered_at).is_not(None),
        col(Offer.decline_reason).is_(None),
        col(Offer.id).not_in(placed),
    )
    return set(tx.exec(wanted))


def _asked(tx: Tx, incident: Incident) -> Sequence[Offer]:
    ids = [callout.id for callout in callouts.of_incident(tx, incident.id)]
    wanted = select(Offer).where(col(Offer.callout_id).in_(ids), col(Offer.asked_at).is_not(None))
    return tx.exec(wanted).all()
