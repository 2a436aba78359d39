"""The outbox goes out: due messages are leased, put into words, sent without a session, and noted."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import spared
from volunteer_hub.core import bulk, db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.feedback import actions, surveys
from volunteer_hub.feedback.actions_models import ImprovementAction, Voice
from volunteer_hub.feedback.debriefs_models import Debrief
from volunteer_hub.feedback.models import Survey
from volunteer_hub.flows import codes, elsewhere, outages, push, upward_words
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers, places
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import HOLDING, OfferState
from volunteer_hub.notify import dispatch, lines, notes, outbox, replies, templates, texts
from volunteer_hub.notify.channels.base import Letter
from volunteer_hub.notify.dispatch import Post
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.robot_models import Robot
from volunteer_hub.notify.rules import Channel, Kind, State, Subject
from volunteer_hub.notify.templates import Filled, NoTemplate, Templates
from volunteer_hub.notify.texts import Rendered
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.rules import Quiet, left_in_peace

BATCH: Final = 500
_BATCHES: Final = 20
_QUESTIONS: Final = frozenset({"offer", "reminder"})
_OWN_PAGES: Final = {"training_": "/learn", "deduction": "/me/points", "gift_": "/me/give"}
_COVERED: Final = "••••"
_ANSWERABLE: Final = _QUESTIONS | {"changed"}
_EXPECTED: Final = HOLDING | {OfferState.STANDING_BY}
_CAN_WAIT: Final = _QUESTIONS | {
    "survey",
    "survey_reminder",
    "heard",
    "certification",
    "released",
    "stood_down",
    "no_show",
    "training_promoted",
    "training_changed",
    "training_cancelled",
    "hours_decided",
    "training_passed",
    "training_refresher",
    "training_suspended",
    "training_restored",
    "mentor_asked",
    "mentor_agreed",
    "deduction",
    "deduction_confirmed",
    "deduction_given_back",
    *("gift_given", "gift_received", "gift_waits", "gift_refused"),
}
"""What quiet hours and the daily limit hold back outside real callouts; answers and changes go at once."""


def sweep() -> int:
    """Sends what is due, batch after batch; how many messages were taken up."""
    with db.transaction(SYSTEM, "message.take") as tx:
        outbox.expire(tx)
        if not outbox.due(tx):
            return 0
    total = 0
    with closing(Post()) as post:
        for _ in range(_BATCHES):
            taken = _batch(post)
            total += taken
            if not taken:
                break
    return total


def _batch(post: Post) -> int:
    with db.transaction(SYSTEM, "message.take") as tx:
        room = post.room(tx.now, BATCH)
        outbox.hold(tx, [channel for channel, count in room.items() if not count])
        taken = outbox.take_due(tx, BATCH, room)
        letters, refused = compose(tx, taken)
        now = tx.now
    if not taken:
        return 0
    sent = post.send(letters, now)
    with db.transaction(SYSTEM, "message.sent") as tx:
        note(tx, [*refused, *sent])
        works = {one.channel for one, out in zip(letters, sent, strict=True) if out.error is None}
        outages.note(tx, lines.down(), works)
    return len(taken)


def compose(tx: Tx, messages: Sequence[Message]) -> tuple[list[Letter], list[Outcome]]:
    """Letters for leased messages, and outcomes of those that cannot be sent.

    What has to wait goes back into the outbox, a question that is settled is cancelled. The number of
    statements does not grow with the messages.
    """
    if not messages:
        return [], []
    _give_letters(tx, messages)
    known = Known(tx, messages)
    later = elsewhere.after_others(tx, messages, lines.down())
    letters: list[Letter] = []
    refused: list[Outcome] = []
    for message in messages:
        wait = known.wait(message)
        until = tx.now + timedelta(minutes=wait) if wait else later.get(message.id)
        if known.settled(message):
            message.state, message.lease_until = State.CANCELLED, None
        elif until is not None:
            message.state, message.lease_until = State.QUEUED, None
            message.next_at, message.attempts = until, message.attempts - 1
        else:
            made = _letter(known, message)
            if isinstance(made, Letter):
                letters.append(made)
            else:
                refused.append(made)
    tx.flush()
    return letters, refused


def _give_letters(tx: Tx, messages: Sequence[Message]) -> None:
    """What can be answered by text message has a letter from the moment it goes out."""
    asked = {
        message.subject_id: message.volunteer_id
        for message in messages
        if message.channel is Channel.SMS
        and message.purpose in _QUESTIONS
        and message.volunteer_id is not None
    }
    replies.give_letters(tx, asked)


def read_out(tx: Tx, messages: Sequence[Message], lang: str) -> dict[int, Rendered]:
    """Message id -> its words, for whoever it was meant for to read on a page. Nothing is sent or changed."""
    known = Known(tx, messages)
    return {
        m.id: texts.render(m.purpose, Channel.CONSOLE, lang, m.kind, m.params, known.personal(m))
        for m in messages
    }


def as_sent(tx: Tx, messages: Sequence[Message]) -> dict[int, Rendered]:
    """Message id -> its words as they went out, for whoever runs the callout to read: without what opens a
    door, the link and the code. Those that cannot be told any more are left out."""
    known = Known(tx, messages)
    found: dict[int, Rendered] = {}
    for m in messages:
        personal = known.personal(m) | {"link": _COVERED, "code": _COVERED}
        with suppress(KeyError, ValueError, IndexError):
            found[m.id] = texts.render(m.purpose, m.channel, m.lang, m.kind, m.params, personal)
    return found


def _letter(known: "Known", message: Message) -> Letter | Outcome:
    personal = known.personal(message)
    address = personal.pop("address")
    if not address and message.channel is not Channel.CONSOLE:
        return Outcome(message.id, error="no address", permanent=True)
    try:
        said = texts.render(
            message.purpose, message.channel, message.lang, message.kind, message.params, personal
        )
        approved = dispatch.approved() if message.channel is Channel.SMS else None
        filled = _filled(approved, message, personal) if approved is not None else None
    except NoTemplate as error:
        return Outcome(message.id, error=str(error), permanent=True)
    except (KeyError, ValueError, IndexError) as error:  # a fact is missing: trying again cannot mend it
        return Outcome(message.id, error=f"text: {type(error).__name__}", permanent=True)
    return Letter(
        message.id,
        message.public_id,
        message.dedupe_key,
        message.channel,
        address,
        said.subject,
        said.body,
        filled,
        str(personal["link"]),
    )


def _filled(approved: Templates, message: Message, personal: dict[str, Any]) -> Filled:
    facts = texts.facts_of(message.params, message.lang) | personal
    return templates.fill(approved, message.purpose, message.kind, message.lang, facts, str(personal["link"]))


def note(tx: Tx, outcomes: Sequence[Outcome]) -> int:
    """Writes down what became of the letters; one that failed for good tries the person's next address."""
    sent = outbox.write_down(tx, outcomes)
    refused = bulk.among(col(Message.id), [one.message_id for one in outcomes if one.error is not None])
    failed = tx.exec(select(Message).where(refused, col(Message.state) == State.FAILED)).all()
    elsewhere.try_next(tx, push.settle_failed(tx, failed))
    over = (State.SENT, State.DELIVERED, State.FAILED)
    sealed = col(Message.subject_kind).in_(codes.SUBJECTS) & col(Message.state).in_(over)
    ended = bulk.among(col(Message.id), [outcome.message_id for outcome in outcomes])
    for message in tx.exec(select(Message).where(ended, sealed)):
        codes.forget(tx, message)
    return sent


@dataclass(frozen=True)
class _Person:
    name: str | None
    quiet: Quiet


class Known:
    """All that the letters of one batch need beyond their rows, read in a fixed number of queries."""

    def __init__(self, tx: Tx, messages: Sequence[Message]) -> None:
        self._tx = tx
        self._site = policy.load("hub", Site)
        self._policy: Messages = policy.load("messages", Messages)
        people = {m.volunteer_id for m in messages if m.volunteer_id is not None}
        wanted = select(  # type: ignore[call-overload]  # SQLModel types four columns at most
            Volunteer.id, Volunteer.name, Volunteer.quiet_from, Volunteer.quiet_until, Volunteer.wakes_for
        )
        rows = tx.execute(wanted.where(bulk.among(col(Volunteer.id), people)))
        self._people = {row[0]: _Person(row[1], Quiet(*row[2:])) for row in rows}
        contacts = select(Contact.id, Contact.address).where(
            bulk.among(col(Contact.id), {m.contact_id for m in messages} - {None}),
            col(Contact.stopped_at).is_(None),
        )
        self._addresses = dict(tx.exec(contacts).all())
        staff = {m.account_id for m in messages} | {m.params.get("leader") for m in messages}
        self._accounts = {
            a.id: a for a in tx.exec(select(Account).where(bulk.among(col(Account.id), staff - {None})))
        }
        about = {kind: {m.subject_id for m in messages if m.subject_kind is kind} for kind in Subject}
        offered = select(Offer).where(bulk.among(col(Offer.id), about[Subject.OFFER]))
        self._offers = {offer.id: offer for offer in tx.exec(offered)}
        self._letters = replies.letters(tx, self._offers)
        self._pages = _pages(tx, about)
        self._upward = upward_words.letters(tx, about[Subject.UPWARD])
        bots = {m.params.get("robot") for m in messages if m.channel is Channel.ROBOT} - {None}
        wanted_bots = select(Robot.id, Robot.sealed).where(col(Robot.id).in_(bots))
        self._robots = dict(tx.exec(wanted_bots).all()) if bots else {}
        self._notes = notes.words_of(tx, messages)
        self._today = _sent_lately(tx, people)

    def settled(self, message: Message) -> bool:
        """Whether a question about an offer needs no answer any more: it was answered, or a change of the
        work was confirmed, or concerns who is no longer expected there."""
        if message.subject_kind is not Subject.OFFER or message.purpose not in _ANSWERABLE:
            return False
        offer = self._offers.get(message.subject_id)
        if offer is None or message.purpose in _QUESTIONS:
            return offer is None or offer.state is not OfferState.ASKED
        return offer.state not in _EXPECTED or offer.ack_version == offer.version

    def wait(self, message: Message) -> int:
        """Minutes until the person's quiet hours or daily limit let this through; 0 when nothing holds it.

        A real callout has no daily limit, and waits for quiet hours where its level may not break them.
        """
        person = self._people.get(message.volunteer_id or 0)
        real = message.kind is Kind.REAL
        if person is None or message.purpose not in (_QUESTIONS if real else _CAN_WAIT):
            return 0
        local = self._tx.now.astimezone(ZoneInfo(message.params.get("zone", self._site.zone)))
        level = message.params.get("level", 1) if real else None
        held = left_in_peace(person.quiet, spared.usual(self._policy), local.hour * 60 + local.minute, level)
        if not real and not held and self._today.get(message.volunteer_id or 0, 0) >= self._policy.most_a_day:
            return 60
        return held

    def personal(self, message: Message) -> dict[str, Any]:
        """What only the letter holds: address, name, link, code, whom to ask for."""
        account = self._accounts.get(message.account_id or 0)
        person = self._people.get(message.volunteer_id or 0)
        leader = self._accounts.get(message.params.get("leader") or 0)
        lang = message.lang
        found = {
            "address": self._addresses.get(message.contact_id or 0) or "",
            "name": (person.name if person else None) or t(lang, "message.someone"),
            "link": settings().base_url.rstrip("/") + self._path(message),
            "letter": "",
            "leader": f"{leader.name} {leader.email}" if leader else t(lang, "message.leader_unnamed"),
        }
        if message.channel is Channel.ROBOT:
            found["address"] = self._robots.get(message.params.get("robot", 0), "")
        if account is not None:
            found |= {"address": account.email, "name": account.name}
        offer = self._offers.get(message.subject_id) if message.subject_kind is Subject.OFFER else None
        if offer is not None:
            found |= {"code": places.duty_code(offer), "letter": self._letters.get(offer.id, "")}
        if message.subject_kind is Subject.UPWARD and message.subject_id in self._upward:
            address, report = self._upward[message.subject_id]
            found |= {"address": address, "report": report.title, "text": report.text}
        if message.params.get(notes.IN_PARAMS) in self._notes:
            found["text"] = self._notes[message.params[notes.IN_PARAMS]]
        return found | codes.opened(self._tx, message)

    def _path(self, message: Message) -> str:
        about = (message.subject_kind, message.subject_id)
        if message.subject_kind is Subject.OFFER and message.subject_id in self._offers:
            return f"/c/{offers.link_token(self._offers[message.subject_id].public_id)}"
        own = message.subject_kind in (Subject.CERTIFICATION, Subject.VOLUNTEER)
        for beginning, page in _OWN_PAGES.items():
            if own and message.purpose.startswith(beginning):
                return page
        return self._pages.get(about, "/me" if own else "/incidents")


def _pages(tx: Tx, about: Mapping[Subject, Collection[int]]) -> dict[tuple[Subject, int], str]:
    """Where the links of messages lead, but those about offers: (kind, row) -> address."""
    asked = select(Survey).where(bulk.among(col(Survey.id), about[Subject.SURVEY]))
    heard = select(Voice).where(bulk.among(col(Voice.id), about[Subject.VOICE]))
    declared = select(Incident).where(bulk.among(col(Incident.id), about[Subject.INCIDENT]))
    improved = select(ImprovementAction).where(bulk.among(col(ImprovementAction.id), about[Subject.ACTION]))
    led = (
        select(Debrief.id, Incident.public_id)
        .join(Incident, col(Incident.id) == col(Debrief.incident_id))
        .where(bulk.among(col(Debrief.id), about[Subject.DEBRIEF]))
    )
    found = {(Subject.SURVEY, one.id): f"/s/{surveys.token(one.public_id)}" for one in tx.exec(asked)}
    found |= {(Subject.VOICE, one.id): f"/h/{actions.token(one)}" for one in tx.exec(heard)}
    found |= {(Subject.INCIDENT, one.id): f"/incidents/{one.public_id}" for one in tx.exec(declared)}
    found |= {(Subject.ACTION, one.id): f"/actions/{one.public_id}" for one in tx.exec(improved)}
    return found | {(Subject.DEBRIEF, key): f"/incidents/{page}/debrief" for key, page in tx.exec(led)}


def _sent_lately(tx: Tx, people: Collection[int]) -> Mapping[int | None, int]:
    """Volunteer -> messages sent within the last day, those of real callouts aside."""
    sent = select(col(Message.volunteer_id), func.count()).where(
        bulk.among(col(Message.volunteer_id), people),
        col(Message.kind) != Kind.REAL,
        col(Message.sent_at) > tx.now - timedelta(days=1),
    )
    return dict(tx.exec(sent.group_by(col(Message.volunteer_id))).all())
