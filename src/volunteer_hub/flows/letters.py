"""What is told about offers, to the people asked and to whoever commands, put in the outbox of the deed.

The facts of the incident are written down with the message; name, link, code and address come at sending.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import telling
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.notify import dispatch, notes, outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import ASIDE, PRESSING, VOICED, WAITING, Channel, Kind, Subject
from volunteer_hub.volunteers import addresses, devices, registry
from volunteer_hub.volunteers.addresses import First
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import ContactKind

_ONCE: Final = frozenset({"offer", "stood_down", "released", "cancelled", "no_show"})
"""What can happen to an offer once only; anything else is told each time it happens."""


_CHANNELS: Final = {ContactKind(name.value): name for name in Channel if name.value in set(ContactKind)}


@dataclass(frozen=True)
class Reach:
    """How a person is written to: in which language, and by the first address that we can send to.

    ``person``: who that is, where two entries have become one.
    """

    lang: str
    contact: First | None
    person: int

    @property
    def channel(self) -> Channel | None:
        """The channel of that address."""
        return _CHANNELS[self.contact.kind] if self.contact is not None else None


def kinds_for(purpose: str) -> list[ContactKind]:
    """The kinds of address that a message of this purpose is sent to: those that are set up, and nobody is
    rung up, nor woken by a notification, for what can wait."""
    only = {Channel.VOICE: VOICED, Channel.WEBPUSH: PRESSING}
    names = {name.value for name in dispatch.configured() if purpose in only.get(name, (purpose,))}
    return [kind for kind in ContactKind if kind.value in names]


def reach(tx: Tx, volunteer_ids: Iterable[int], purpose: str = "offer") -> dict[int, Reach]:
    """Everybody's language and first address for a message of this purpose, in two queries."""
    ids = sorted(set(volunteer_ids))
    entry = aliased(Volunteer)
    kept = func.coalesce(col(entry.merged_into), col(entry.id))
    wanted = (
        select(entry.id, Volunteer.id, Volunteer.lang)
        .select_from(entry)
        .join(Volunteer, col(Volunteer.id) == kept)
        .where(bulk.among(col(entry.id), ids))
    )
    people = tx.exec(wanted).all()
    known = addresses.first(tx, sorted({person for _, person, _ in people}), kinds_for(purpose))
    return {once: Reach(lang, known.get(person), person) for once, person, lang in people}


class Told(Protocol):
    """What of an offer its messages need: a row just written is as good as an object."""

    @property
    def id(self) -> int: ...
    @property
    def callout_id(self) -> int: ...
    @property
    def slot_id(self) -> int: ...
    @property
    def volunteer_id(self) -> int: ...
    @property
    def area(self) -> str: ...
    @property
    def wave(self) -> int: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def version(self) -> int: ...


def about(tx: Tx, offer_ids: Sequence[int]) -> dict[int, Told]:
    """What `tell` asks of many offers, by id, and no more."""
    wanted: Any = select(Offer.id, Offer.callout_id, Offer.slot_id, Offer.volunteer_id).add_columns(
        col(Offer.area), col(Offer.wave), col(Offer.version), func.upper(col(Offer.during)).label("ends_at")
    )
    return {row.id: row for row in tx.execute(wanted.where(bulk.among(col(Offer.id), offer_ids)))}


def tell(tx: Tx, purpose: str, offers: Sequence[Told], **more: Any) -> int:
    """Queues one message of this purpose to everybody behind these offers; how many can be reached: nobody
    in a drill on paper.

    ``more`` are further facts of the text. The number of statements does not grow with the offers.
    """
    return _tell(tx, purpose, offers, more, {})


def tell_each(tx: Tx, purpose: str, offers: Mapping[int, Told], facts: Mapping[int, dict[str, Any]]) -> int:
    """As `tell`, everybody with facts of their own, by the id of the offer."""
    return _tell(tx, purpose, [offers[key] for key in facts], {}, facts)


def _tell(
    tx: Tx,
    purpose: str,
    offers: Sequence[Told],
    more: dict[str, Any],
    own: Mapping[int, dict[str, Any]],
) -> int:
    ways = reach(tx, (offer.volunteer_id for offer in offers), purpose) if offers else {}
    told = [offer for offer in offers if ways[offer.volunteer_id].contact is not None]
    if not told:
        return 0
    known = _about(tx, told)
    said = {key: _params(facts, callout) | more for key, (callout, facts) in known.items()}
    drafts = [
        replace(draft, params=draft.params | own[offer.id]) if offer.id in own else draft
        for offer in told
        if (draft := _draft(tx, purpose, offer, known[_place(offer)][0], ways[offer.volunteer_id], said))
        is not None
    ]
    outbox.enqueue(tx, [*_beside(tx, purpose, drafts), *drafts])
    return len(drafts)


def heard_of(tx: Tx, offers: Sequence[Offer]) -> list[Offer]:
    """Those of the offers that their people may know of, and are told when they end: who answered or looked,
    and whose question may have left. Others would be woken to be told of what they were never asked. To be
    asked once the questions are stopped, or one might leave meanwhile."""
    left = outbox.may_have_left(Subject.OFFER, col(Offer.id), "offer")
    ids = [offer.id for offer in offers]
    known = set(tx.exec(select(Offer.id).where(bulk.among(col(Offer.id), ids), left)))
    return [offer for offer in offers if offer.id in known or offer.answered_at or offer.seen_at]


def _beside(tx: Tx, purpose: str, drafts: Sequence[Draft]) -> list[Draft]:
    """The same to every device of these people that is not already told, whether it is known to deliver or
    not. First, so that the newest message about an offer is the one that counts."""
    if ContactKind.WEBPUSH not in kinds_for(purpose):
        return []
    held = devices.of(tx, {draft.volunteer_id for draft in drafts if draft.volunteer_id is not None})
    return [
        replace(
            draft,
            channel=Channel.WEBPUSH,
            contact_id=contact,
            dedupe_key=f"{draft.dedupe_key}{ASIDE}{contact}",
        )
        for draft in drafts
        for contact in held.get(draft.volunteer_id or 0, ())
        if contact != draft.contact_id
    ]


Place = tuple[int, int]
"""A callout and a slot, by id: what all offers of one place are told alike."""


def _place(offer: Told) -> Place:
    return offer.callout_id, offer.slot_id


def _about(tx: Tx, offers: Sequence[Told]) -> dict[Place, tuple[Callout, SlotFacts]]:
    """The callouts of these offers and the facts of their slots, in two queries."""
    wanted = select(Callout).where(col(Callout.id).in_({offer.callout_id for offer in offers}))
    callouts = {callout.id: callout for callout in tx.exec(wanted)}
    facts = slots.of(tx, {offer.slot_id for offer in offers})
    return {place: (callouts[place[0]], facts[place[1]]) for place in set(map(_place, offers))}


def _draft(
    tx: Tx, purpose: str, offer: Told, callout: Callout, way: Reach, said: Mapping[Place, dict[str, Any]]
) -> Draft | None:
    if way.contact is None or way.channel is None or callout.on_paper:
        return None
    return Draft(
        purpose=purpose,
        subject_kind=Subject.OFFER,
        subject_id=offer.id,
        area=offer.area,
        channel=way.channel,
        lang=way.lang,
        dedupe_key=_key(tx, purpose, offer, said[_place(offer)]),
        expires_at=_expiry(tx, purpose, offer, callout),
        volunteer_id=way.person,
        contact_id=way.contact.id,
        kind=Kind(callout.kind.value),
        params=said[_place(offer)],
    )


def _key(tx: Tx, purpose: str, offer: Told, said: Mapping[str, Any]) -> str:
    if purpose == "offer" and offer.wave > 1:  # who said "later" is asked again
        return f"offer:{offer.id}:{purpose}:{offer.wave}"
    if purpose in _ONCE:
        return f"offer:{offer.id}:{purpose}"
    if purpose == notes.PURPOSE:
        return f"offer:{offer.id}:{purpose}:{said[notes.IN_PARAMS]}"
    number = offer.version if purpose == "changed" else f"{tx.now.timestamp():.6f}"
    return f"offer:{offer.id}:{purpose}:{number}"


def _expiry(tx: Tx, purpose: str, offer: Told, callout: Callout) -> datetime:
    """The question is worth sending while it can be answered; news for as long as anybody may travel."""
    if purpose in ("offer", "reminder"):
        return min(callout.expires_at, offer.ends_at)
    return worth(tx) if purpose == notes.PURPOSE else max(offer.ends_at, worth(tx))


def worth(tx: Tx) -> datetime:
    """Until when words said now are worth sending."""
    return tx.now + timedelta(minutes=policy.load("messages", Messages).give_up_minutes)


def facts_of(facts: SlotFacts) -> dict[str, Any]:
    """What every text about a slot may say of it."""
    return {
        "task": facts.title,
        "place": facts.meeting,
        "role": facts.role,
        "starts_at": facts.task.starts_at.isoformat(),
        "ends_at": facts.task.ends_at.isoformat(),
        "zone": facts.zone,
        "leader": facts.incident.commander_id,
        "level": facts.incident.level,
    }


def _params(facts: SlotFacts, callout: Callout) -> dict[str, Any]:
    return facts_of(facts) | {"answer_by_at": callout.answer_by.isoformat()}


def renew(tx: Tx, offers: Sequence[Offer]) -> int:
    """Brings the facts in messages not yet sent to what holds now; how many."""
    ids = [offer.id for offer in offers]
    waiting = select(Message).where(
        col(Message.subject_kind) == Subject.OFFER,
        col(Message.subject_id).in_(ids),
        col(Message.state).in_(WAITING),
    )
    found = tx.exec(waiting.order_by(col(Message.id)).with_for_update()).all()
    if not found:
        return 0
    about, places = _about(tx, offers), {offer.id: _place(offer) for offer in offers}
    for message in found:
        callout, facts = about[places[message.subject_id]]
        message.params = message.params | _params(facts, callout)
    tx.flush()
    return len(found)


def alert(tx: Tx, purpose: str, incident: Incident, deed: str, params: Mapping[str, Any]) -> int:
    """Tells whoever is in command, else everybody who may send callouts there, once for each ``deed``.

    How many messages were new.
    """
    if incident.commander_id is not None:
        people = list(tx.exec(select(Account).where(col(Account.id) == incident.commander_id)).all())
    else:
        people = telling.holders(tx, "callout.send", incident.area)
    return telling.tell(
        tx,
        people,
        purpose,
        about=(Subject.INCIDENT, incident.id),
        area=incident.area,
        kind=Kind(incident.kind.value),
        params=dict(params),
        deed=deed,
    )


def note_asked(tx: Tx, volunteer_ids: Iterable[int]) -> None:
    """Counts one more time asked."""
    registry.count_asked(tx, set(volunteer_ids))
