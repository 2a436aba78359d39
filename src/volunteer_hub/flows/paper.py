"""What people answered and when they came and went, kept on paper while nothing else worked, keyed in later.

Each line counts under its true hour and says of itself that it was on paper. A line that cannot be taken is
named and changes nothing; the others are taken. The same sheet keyed in twice changes nothing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound, Refused
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import respond
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import OPEN, LogKind
from volunteer_hub.mobilization import attendance, paper_rules
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.mobilization.paper_rules import Hours
from volunteer_hub.mobilization.rules import LIVE, Answer, DutyState, Evidence, OfferState, Outcome
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers import join, registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@dataclass(frozen=True)
class Line:
    """One line of a sheet: whose (an offer, or the telephone of who was asked), what they answered and when,
    when they came and went. Whoever came without an answer said yes by coming."""

    offer: uuid.UUID | None = None
    phone: str = ""
    answer: Answer | None = None
    at: datetime | None = None
    minutes_there: int | None = None
    from_when: datetime | None = None
    came_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True)
class Keyed:
    """What came of a line. ``error`` says why it was not taken, or only in part; ``new``: it changed
    something. ``offer`` is None where nobody was found."""

    offer: Offer | None = None
    outcome: Outcome | None = None
    error: HubError | None = None
    new: bool = False


def key_in(tx: Tx, callout: Callout, lines: Sequence[Line]) -> list[Keyed]:
    """Takes the lines of a sheet; what came of each, in their order. Raises Forbidden, NotFound."""
    tx.actor.must_cover("duty.write", callout.area)
    incident = _locked(tx, callout)
    keyed = [_read(tx, callout, incident, line) for line in lines]
    _answers(tx, lines, keyed)
    for number, line in enumerate(lines):
        if line.came_at is not None and keyed[number].error is None:
            keyed[number] = _presence(tx, line, keyed[number])
    taken = sum(one.new for one in keyed)
    if taken:
        if callout.state in LIVE:
            callout.next_look_at = tx.now  # answers of an earlier hour are no news by themselves
        logbook.record(tx, incident, LogKind.CALLOUT, "paper_keyed", n=taken)
    tx.flush()
    return keyed


def _locked(tx: Tx, callout: Callout) -> Incident:
    """Incident, then callout, then offers, as every story takes them."""
    incident = tx.get_one(Incident, callout.incident_id)
    tx.refresh(incident, with_for_update={"key_share": True})
    tx.refresh(callout, with_for_update={"key_share": True})
    return incident


def _read(tx: Tx, callout: Callout, incident: Incident, line: Line) -> Keyed:
    """The line's offer, and what is wrong with the line by itself."""
    offer = None
    try:
        offer = _offer(tx, callout, line)
        hours = Hours(line.answer, line.at, line.came_at, line.left_at)
        paper_rules.check(hours, offer.asked_at, tx.now)
        if incident.state not in OPEN and line.came_at is not None and line.left_at is None:
            raise Refused("paper.closed")
    except HubError as error:
        return Keyed(offer, error=error)
    return Keyed(offer)


def _offer(tx: Tx, callout: Callout, line: Line) -> Offer:
    """Raises NotFound, Malformed for what is no telephone, Refused for who was asked for several roles."""
    wanted = (
        select(Offer)
        .join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
        .where(
            col(Offer.callout_id) == callout.id,
            col(Volunteer.status) != Status.FORGOTTEN,
            tx.actor.scope("duty.write", Offer.area),
        )
        .order_by(col(Offer.id))
    )
    if line.offer is not None:
        wanted = wanted.where(col(Offer.public_id) == line.offer)
    else:
        person = registry.by_phone(tx, join.e164(line.phone))
        wanted = wanted.where(col(Offer.volunteer_id) == (person.id if person is not None else None))
    found = tx.exec(wanted).all()
    if not found:
        raise NotFound("paper.unknown")
    held = [offer for offer in found if offer.state in (OfferState.ACCEPTED, OfferState.ON_SITE)]
    if len(found) > 1 and len(held) != 1:
        raise Refused("paper.several")
    return held[0] if held else found[0]


def _answers(tx: Tx, lines: Sequence[Line], keyed: list[Keyed]) -> None:
    """Takes what was answered, the earliest first; who came is taken to have said yes then."""
    given: list[tuple[datetime, int, Offer, Reply]] = []
    for number, (line, one) in enumerate(zip(lines, keyed, strict=True)):
        at = line.at if line.answer is not None else line.came_at
        if one.offer is None or one.error is not None or at is None:
            continue
        answer = line.answer or Answer.ACCEPT
        minutes = line.minutes_there if answer is Answer.ACCEPT else None
        given.append((at, number, one.offer, Reply(answer, minutes, from_when=line.from_when, given_at=at)))
    given.sort(key=lambda one: one[:2])
    results = respond.many_on_behalf(tx, [(offer, reply) for _, _, offer, reply in given])
    for (_, number, offer, _), result in zip(given, results, strict=True):
        if isinstance(result, HubError):
            keyed[number] = Keyed(offer, error=result)
        else:
            keyed[number] = Keyed(offer, result.outcome, new=result.outcome is not Outcome.STANDS)


def _presence(tx: Tx, line: Line, before: Keyed) -> Keyed:
    """Checks them in, and out where they left, at the hours on the sheet: typed in later, so grade C."""
    offer = before.offer
    assert offer is not None
    duty = attendance.of_offer(tx, offer)
    if duty is None or duty.state is DutyState.CANCELLED:
        return Keyed(offer, before.outcome, Refused("paper.no_place"), before.new)
    new = before.new
    try:
        with tx.begin_nested():
            new |= _came_and_went(tx, line, duty)
    except HubError as error:
        return Keyed(offer, before.outcome, error, before.new)
    outbox.cancel(tx, Subject.OFFER, [offer.id], purposes=("accepted",))
    return Keyed(offer, before.outcome, new=new)


def _came_and_went(tx: Tx, line: Line, duty: Duty) -> bool:
    """Whether any of it was not known."""
    new = False
    if duty.state not in (DutyState.ON_SITE, DutyState.DONE):
        duties.confirm_in(tx, duty, Evidence.TYPED, line.came_at)
        new = True
    if line.left_at is not None and duty.state is DutyState.ON_SITE:
        duties.confirm_out(tx, duty, Evidence.TYPED, line.left_at)
        new = True
    return new
