"""One person's conversation: everything said to them and by them, across channels."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import Cursor, Limit, Out, Page
from volunteer_hub.boards import conversation as board
from volunteer_hub.boards.conversation import Line, Via
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_place, encode_place
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import deliver
from volunteer_hub.mobilization.rules import Answer, Rung
from volunteer_hub.notify import replies
from volunteer_hub.notify.reply_rules import Handled
from volunteer_hub.notify.rules import Channel, State

router = APIRouter(tags=["replies"])


class SaidOut(Out):
    """One thing said. ``what`` tells which of the others are there: a ``message`` to them has ``purpose``,
    ``channel`` and ``state``; a ``text`` of theirs ``handled``, and ``told`` where we answered at once,
    ``theirs`` false where several share the number; an ``answer`` says how it came ``via``; a ``call`` of a
    helper its ``outcome``. ``words`` are null where they are no longer kept, and never hold a link or code.
    ``by`` rang, or wrote the answer down."""

    at: datetime
    what: Literal["message", "text", "answer", "call"]
    task: str | None
    words: str | None = None
    purpose: str | None = None
    channel: Channel | None = None
    state: State | None = None
    handled: Handled | None = None
    told: str | None = None
    theirs: bool = True
    answer: Answer | None = None
    via: Via | None = None
    outcome: Rung | None = None
    by: str | None = None


@router.get("/volunteers/{id}/conversation")
def read(
    actor: Annotated[Actor, allow("duty.write")],
    language: Language,
    id: uuid.UUID,
    incident: uuid.UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SaidOut]:
    """The newest last; ``next`` leads to what was said earlier. Of one incident, or of all."""
    with db.read(actor) as tx:
        found = board.of(tx, id, incident=incident, before=decode_place(cursor), limit=limit)
        messages = [line.message for line in found.lines if line.message is not None]
        said = {key: words.body for key, words in deliver.as_sent(tx, messages).items()}
        items = [_shown(line, said, found.person.lang, language) for line in found.lines]
        return Page(items=items, next=encode_place(found.earlier) if found.earlier else None)


def _shown(line: Line, said: dict[int, str], theirs: str, language: str) -> SaidOut:
    task = pick(line.task, language) if line.task is not None else None
    if line.message is not None:
        message = line.message
        return SaidOut(
            at=line.at,
            what="message",
            task=task,
            words=said.get(message.id),
            purpose=message.purpose,
            channel=message.channel,
            state=message.state,
        )
    if line.text is not None:
        return SaidOut(
            at=line.at,
            what="text",
            task=task,
            words=line.written.words if line.written is not None else None,
            handled=line.text.state,
            told=replies.told(line.text, theirs) or None,
            theirs=line.theirs,
        )
    if line.call is not None:
        return SaidOut(at=line.at, what="call", task=task, outcome=line.call.outcome, by=line.by)
    assert line.answer is not None
    return SaidOut(at=line.at, what="answer", task=task, answer=line.answer.kind, via=line.via, by=line.by)
