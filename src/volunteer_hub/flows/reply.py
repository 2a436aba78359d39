"""A person answers by text message: kept first, then understood, bound to its question and answered.

What is not understood, or may mean several things, waits for a person (`flows/unclear`).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import questions, slots
from volunteer_hub.boards.questions import Question
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import DEFAULT, LANGUAGES, Text, pick
from volunteer_hub.flows import respond
from volunteer_hub.mobilization import desk, offers, rules
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Outcome
from volunteer_hub.notify import outbox, replies, reply_rules
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.replies import Written
from volunteer_hub.notify.reply_rules import Handled, Meaning, Said
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.stored import phone_hash

_LONGEST: Final = 1_600
ASKED_BACK: Final = ("reply.which", "reply.when", "reply.shared")
_NOTHING: Final = Written("", "")


def receive(tx: Tx, form: Mapping[str, str]) -> int:
    """Keeps a text as the gateway's form has it; its id, the same for one delivered again."""
    number = addresses.read_number(form.get("From", ""))
    people = addresses.owners(tx, number)
    text = InboundText(
        sid=form.get("MessageSid", "")[:64] or f"without:{tx.now.isoformat()}:{phone_hash(number).hex()}",
        at=tx.now,
        area=people[0].area if people else jurisdictions.root(tx).path,
        number_hash=phone_hash(number),
        volunteer_id=people[0].id if len(people) == 1 else None,
    )
    return replies.receive(tx, text, Written(number, form.get("Body", "")[:_LONGEST]))


def judge(tx: Tx, text_id: int) -> str:
    """What the text comes to, once; the words that answer it, "" where a message of ours follows anyway."""
    text = replies.locked(tx, text_id)
    written = replies.read(tx, [text]).get(text.id, _NOTHING)
    people = addresses.owners(tx, written.number)
    if text.meaning is None:
        said = reply_rules.parse(written.words)
        text.meaning = said.meaning
        _judge(tx, text, written.number, said, people)
        tx.flush()
    return replies.told(text, people[0].lang if people else DEFAULT)


def _judge(tx: Tx, text: InboundText, number: str, said: Said, people: Sequence[Volunteer]) -> None:
    if not people:
        return  # a stranger is told nothing; a person reads it
    known = questions.of(tx, [person.id for person in people])
    if said.meaning in (Meaning.STOP, Meaning.START):
        _switch(tx, text, number, stop=said.meaning is Meaning.STOP)
        return
    if said.meaning is Meaning.HELP:
        _say(text, "reply.help", Handled.DONE)
        return
    found = questions.meant(known, said, tx.now) if said.meaning is not Meaning.UNCLEAR else []
    if len(found) == 1:
        _bind(text, found[0])
        _answer(tx, text, found[0], said)
    elif found:
        _ask_which(tx, text, found)
    else:
        _not_understood(tx, text, known)


def _switch(tx: Tx, text: InboundText, number: str, *, stop: bool) -> None:
    if stop:
        outbox.cancel_to(tx, addresses.stop(tx, number))
    else:
        addresses.resume(tx, number)
    _say(text, "reply.stopped" if stop else "reply.started", Handled.DONE)


def _bind(text: InboundText, question: Question) -> None:
    text.offer_id, text.volunteer_id = question.offer.id, question.offer.volunteer_id
    text.area = question.offer.area
    text.told_params = {"kind": question.callout.kind.value, replies.OFFERS: [question.offer.id]}


def _answer(tx: Tx, text: InboundText, question: Question, said: Said) -> None:
    reply = _reply(tx, question, said)
    if reply is None:
        held = question.held(tx.now)  # a new hour from somebody expected: a person reads it
        _say(text, None if held else "reply.when", Handled.UNCLEAR)
        return
    [result] = respond.many(tx, [(offers.link_token(question.offer.public_id), reply)])
    replies.settle_asked_back(tx, text, ASKED_BACK)
    if isinstance(result, HubError):
        plain = {name: value for name, value in result.params.items() if not isinstance(value, Text)}
        _say(text, f"error.{result.code}", Handled.DONE, **plain)
    elif result.outcome in (Outcome.ACCEPTED, Outcome.STANDING_BY):
        _say(text, None, Handled.DONE)  # a letter says where and when
    else:
        later = result.offer.decline_reason is DeclineReason.LATER
        _say(text, "reply.later" if later else f"reply.{result.offer.state}", Handled.DONE)


def _reply(tx: Tx, question: Question, said: Said) -> Reply | None:
    """The answer to this offer; None when its hour has to be asked for, or read by a person.

    "Later" holds a place where that is still early enough for the slot's minimum, else none.
    """
    offer = question.offer
    if said.meaning is Meaning.NO:
        return Reply(Answer.DECLINE)
    minutes = said.minutes
    if said.clock is not None:
        zone = ZoneInfo(slots.of(tx, [offer.slot_id])[offer.slot_id].zone)
        moment = reply_rules.next_time(said.clock, tx.now.astimezone(zone))
        minutes = math.ceil((moment - tx.now) / timedelta(minutes=1))
    if said.meaning is Meaning.LATER and minutes is None:
        return None
    if question.held(tx.now):
        return Reply(Answer.ACK) if minutes in (None, offer.minutes_there) else None
    if said.meaning is Meaning.YES:
        return Reply(Answer.ACCEPT, minutes)
    assert minutes is not None
    moment = tx.now + timedelta(minutes=minutes)
    limits = policy.load("callouts", Callouts).callout
    if minutes <= desk.LONGEST_WAY and rules.comes_in_time(
        moment, offer.starts_at, offer.ends_at, offer.asked_at or tx.now, limits
    ):
        return Reply(Answer.ACCEPT, minutes)
    return Reply(Answer.LATER, from_when=moment)


def _ask_which(tx: Tx, text: InboundText, found: Sequence[Question]) -> None:
    """Asks back, naming the letters; of a number that several share only a letter of one person tells."""
    replies.give_letters(tx, {q.offer.id: q.offer.volunteer_id for q in found})
    letters = replies.letters(tx, [q.offer.id for q in found])
    text.told_params = {replies.OFFERS: [q.offer.id for q in found]}
    if len(set(letters.values())) < len(letters):
        _say(text, "reply.shared", Handled.UNCLEAR)
        return
    facts = slots.of(tx, {q.offer.slot_id for q in found})
    named = {
        lang: "; ".join(f"{letters[q.offer.id]}: {pick(facts[q.offer.slot_id].title, lang)}" for q in found)
        for lang in LANGUAGES
    }
    first = letters[found[0].offer.id]
    _say(text, "reply.which", Handled.UNCLEAR, questions=named, letter=first)


def _not_understood(tx: Tx, text: InboundText, known: Sequence[Question]) -> None:
    """Waits for a person; what to write is told once for each question."""
    waiting = [q for q in known if q.open(tx.now)]
    if not waiting:
        return
    ids = [q.offer.id for q in waiting]
    if len(waiting) == 1:
        _bind(text, waiting[0])
    if replies.told_since(tx, text, "reply.unclear", ids):
        return
    replies.give_letters(tx, {q.offer.id: q.offer.volunteer_id for q in waiting})
    letters = sorted(set(replies.letters(tx, ids).values()))
    text.told_params = text.told_params | {replies.OFFERS: ids}
    _say(text, "reply.unclear", Handled.UNCLEAR, letter=letters[0])


def _say(text: InboundText, key: str | None, state: Handled, **given: Any) -> None:
    text.told, text.state = key, state
    text.told_params = text.told_params | given
