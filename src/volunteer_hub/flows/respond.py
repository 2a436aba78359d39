"""A person answers by the link they were sent: recorded at once, told back, and handed on to whoever is next.

It records, it never plans. Any answer ends every message still waiting about that question.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from volunteer_hub.boards import slots
from volunteer_hub.core import live, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.flows import letters
from volunteer_hub.flows.standby import why_not
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import desk, offers
from volunteer_hub.mobilization.desk import Answered, Reply, Result
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Outcome
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject

_TOLD: Final = frozenset({Outcome.ACCEPTED, Outcome.STANDING_BY})


def by_link(tx: Tx, token: str) -> Offer:
    """The offer behind a link; from here on the transaction acts as the person it was sent to.

    Raises NotFound in words for a token that was never given out.
    """
    offer = offers.by_token(tx, token)
    tx.actor = Actor("volunteer", offer.volunteer_id)
    return offer


def accept(tx: Tx, token: str, minutes_there: int | None = None) -> Answered:
    """A yes: a place, or the next number of the stand-by line. Raises as `offers.accept`."""
    return _one(tx, token, Reply(Answer.ACCEPT, minutes_there))


def decline(tx: Tx, token: str, reason: DeclineReason = DeclineReason.OTHER) -> Answered:
    """A no, which costs nothing."""
    return _one(tx, token, Reply(Answer.DECLINE, reason=reason))


def later(tx: Tx, token: str, from_when: datetime) -> Answered:
    """Not now, but from then on."""
    return _one(tx, token, Reply(Answer.LATER, from_when=from_when))


def withdraw(tx: Tx, token: str, reason: DeclineReason = DeclineReason.OTHER) -> Answered:
    """A yes taken back: who stands by moves up, and so close to the start those in command hear of it."""
    return _one(tx, token, Reply(Answer.WITHDRAW, reason=reason))


def not_me(tx: Tx, token: str) -> Answered:
    """The message reached somebody else: the link is dead from now on."""
    return _one(tx, token, Reply(Answer.NOT_ME))


def ack(tx: Tx, token: str) -> Answered:
    """The change of place or time last told is understood."""
    return _one(tx, token, Reply(Answer.ACK))


def seen(tx: Tx, token: str) -> Answered:
    """The person has read it and not answered yet."""
    return _one(tx, token, Reply(Answer.SEEN))


def many(tx: Tx, replies: Sequence[tuple[str, Reply]]) -> list[Result]:
    """What each of these (token, reply) comes to, or the error that refuses it: as if each had come alone, in
    this order. The number of statements does not grow with them.

    When all are of one person the transaction acts as that person from here on.
    """
    known = offers.by_tokens(tx, {token for token, _ in replies})
    people = {person for _, person in known.values()}
    if len(people) == 1:
        tx.actor = Actor("volunteer", people.pop())
    given = [(known[token][0], reply) for token, reply in replies if token in known]
    policies: Callouts = policy.load("callouts", Callouts)
    taken = iter(desk.take(tx, given, policies.callout, own=True, fit=why_not))
    results = [next(taken) if token in known else NotFound("offer.link_unknown") for token, _ in replies]
    _tell(tx, [(result, reply) for result, (_, reply) in zip(results, replies, strict=True)])
    return results


def on_behalf(tx: Tx, offer: Offer, reply: Reply) -> Answered:
    """An account writes down what somebody answered: judged as their own, and the trail says by whom.

    Raises Forbidden, NotFound, and what refuses the answer.
    """
    [result] = many_on_behalf(tx, [(offer, reply)])
    if isinstance(result, HubError):
        raise result
    return result


def many_on_behalf(tx: Tx, replies: Sequence[tuple[Offer, Reply]]) -> list[Result]:
    """The same for many: what each comes to, or the error that refuses it, in their order.

    Raises Forbidden, NotFound for an offer of a foreign area.
    """
    for offer, _ in replies:
        tx.actor.must_cover("duty.write", offer.area)
    policies: Callouts = policy.load("callouts", Callouts)
    taken = desk.take(tx, [(offer.id, reply) for offer, reply in replies], policies.callout, fit=why_not)
    _tell(tx, [(result, reply) for result, (_, reply) in zip(taken, replies, strict=True)])
    return taken


def _one(tx: Tx, token: str, reply: Reply) -> Answered:
    [result] = many(tx, [(token, reply)])
    if isinstance(result, HubError):
        raise result
    return result


def _tell(tx: Tx, results: Sequence[tuple[Result, Reply]]) -> None:
    """Ends the asking about what was answered, and tells what came of it.

    Of several answers about one offer only what the last one came to is told.
    """
    ended: dict[int, None] = {}
    understood: list[int] = []
    read: list[int] = []
    news: dict[tuple[int, str], Offer] = {}
    late: list[Answered] = []
    for answered, reply in results:
        if isinstance(answered, HubError):
            continue
        read += [answered.offer.id] if reply.answer is Answer.SEEN else []
        if answered.outcome is Outcome.STANDS:
            continue
        if answered.outcome is Outcome.NOTED:
            understood += [answered.offer.id] if reply.answer is Answer.ACK else []
            continue
        ended[answered.offer.id] = None
        news = {key: offer for key, offer in news.items() if key[0] != answered.offer.id}
        if answered.outcome in _TOLD:
            news[answered.offer.id, answered.outcome.value] = answered.offer
        news |= {(offer.id, "promoted"): offer for offer in answered.promoted}
        news |= {(offer.id, "released"): offer for offer in answered.drills}
        late += [answered] if answered.late else []
    outbox.cancel(tx, Subject.OFFER, ended)
    outbox.cancel(tx, Subject.OFFER, understood, purposes=("changed",))
    outbox.arrived(tx, Subject.OFFER, read)
    for purpose in dict.fromkeys(purpose for _, purpose in news):
        letters.tell(tx, purpose, [offer for (_, what), offer in news.items() if what == purpose])
    for answered in late:
        _alert(tx, answered)
    live.changed(tx, {one.offer.callout_id for one, _ in results if isinstance(one, Answered)})
    tx.flush()


def _alert(tx: Tx, answered: Answered) -> None:
    offer = answered.offer
    facts = slots.of(tx, [offer.slot_id])[offer.slot_id]
    incident = tx.get_one(Incident, tx.get_one(Callout, offer.callout_id).incident_id)
    moved = len(answered.promoted)
    params = {
        "title": incident.title,
        "task": facts.title,
        "role": facts.role,
        "starts_at": facts.task.starts_at.isoformat(),
        "zone": facts.zone,
        "moved": moved,
    }
    key = f"offer:{offer.id}:late:{tx.now.timestamp():.6f}"
    letters.alert(tx, "alert_late_withdrawal", incident, key, params)
    logbook.record(tx, incident, LogKind.CALLOUT, "late_withdrawal", title=facts.task.title, moved=moved)
