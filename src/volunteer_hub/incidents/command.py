"""Who is in command: always somebody, and it passes only when the next one acknowledges."""

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.incidents import logbook, rules
from volunteer_hub.incidents.models import Handover, Incident
from volunteer_hub.incidents.rules import LogKind


def offer(tx: Tx, incident: Incident, to_account: int, questions: str) -> Handover:
    """Offers command to another account, with the questions that are still open ("none" is an answer).

    Until it is acknowledged the present commander stays in command. Raises Refused when the incident is
    closed, the account is in command already, or another offer is open; Malformed without questions.
    """
    tx.actor.must_cover("incident.command", incident.area)
    questions = rules.check_note(questions, "questions")
    _hold(tx, incident)
    if to_account == incident.commander_id:
        raise Refused("handover.same")
    if offered(tx, incident) is not None:
        raise Refused("handover.open")
    handover = Handover(
        incident_id=incident.id,
        area=incident.area,
        from_account=incident.commander_id,
        to_account=to_account,
        questions=questions,
        offered_at=tx.now,
    )
    tx.add(handover)
    tx.flush()
    logbook.record(tx, incident, LogKind.COMMAND, "handover_offered", text=questions)
    return handover


def offered(tx: Tx, incident: Incident) -> Handover | None:
    """The incident's open offer of command, if there is one."""
    wanted = select(Handover).where(
        col(Handover.incident_id) == incident.id,
        col(Handover.acknowledged_at).is_(None),
        col(Handover.withdrawn_at).is_(None),
    )
    return tx.exec(wanted).one_or_none()


def acknowledge(tx: Tx, handover: Handover) -> Incident:
    """The account it was offered to takes command. Raises Refused for anybody else or an ended offer."""
    tx.actor.must_cover("incident.command", handover.area)
    if logbook.account_of(tx.actor) != handover.to_account:
        raise Refused("handover.not_you")
    incident = _held(tx, handover)
    handover.acknowledged_at = tx.now
    incident.commander_id = handover.to_account
    incident.version += 1
    logbook.record(tx, incident, LogKind.COMMAND, "handover_acknowledged")
    tx.flush()
    return incident


def withdraw(tx: Tx, handover: Handover) -> Incident:
    """Takes the offer back, or declines it. Raises Refused when it is no longer open."""
    tx.actor.must_cover("incident.command", handover.area)
    incident = _held(tx, handover)
    handover.withdrawn_at = tx.now
    logbook.record(tx, incident, LogKind.COMMAND, "handover_withdrawn")
    tx.flush()
    return incident


def take(tx: Tx, incident: Incident, reason: str) -> Incident:
    """Takes command without an offer, when whoever holds it cannot be reached; the reason stays in the log.

    An open offer ends. Raises Refused when the incident is closed or the actor is no account or in command
    already, Malformed without a reason.
    """
    tx.actor.must_cover("incident.command", incident.area)
    reason = rules.check_note(reason, "reason")
    account = logbook.account_of(tx.actor)
    if account is None:
        raise Refused("incident.no_commander")
    _hold(tx, incident)
    if account == incident.commander_id:
        raise Refused("handover.same")
    open_offer = offered(tx, incident)
    if open_offer is not None:
        open_offer.withdrawn_at = tx.now
    incident.commander_id = account
    incident.version += 1
    logbook.record(tx, incident, LogKind.COMMAND, "command_taken", text=reason)
    tx.flush()
    return incident


def _hold(tx: Tx, incident: Incident) -> None:
    tx.refresh(incident, with_for_update=True)
    rules.check_open(incident.state)


def _held(tx: Tx, handover: Handover) -> Incident:
    incident = tx.get_one(Incident, handover.incident_id, with_for_update=True, populate_existing=True)
    tx.refresh(handover)
    rules.check_open(incident.state)
    if handover.acknowledged_at is not None or handover.withdrawn_at is not None:
        raise Refused("handover.ended")
    return incident
