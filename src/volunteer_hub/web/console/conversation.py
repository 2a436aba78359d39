"""One person's conversation: everything said to them and by them, in one place."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.boards import conversation as board
from volunteer_hub.boards.conversation import Line
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_place, encode_place
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import deliver, note
from volunteer_hub.flows.note import Ahead
from volunteer_hub.notify import notes, replies
from volunteer_hub.notify.rules import Channel
from volunteer_hub.notify.texts import Rendered
from volunteer_hub.web import forms, nav
from volunteer_hub.web.console.notes import told
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter()


@router.get("/volunteers/{id:uuid}/conversation")
def show(
    request: Request,
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    incident: uuid.UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    sent: bool = False,
) -> Response:
    """The newest last, fifty a page; of one incident, or of all."""
    return _page(request, actor, id, incident, cursor, sent=sent)


@router.post("/volunteers/{id:uuid}/conversation")
def write(
    request: Request, actor: Annotated[Actor, allow(note.TO_ONE)], id: uuid.UUID, form: Sent
) -> Response:
    """Looks at how words of one's own would go to them, or sends them."""
    here = f"/volunteers/{id}/conversation"
    try:
        if form.text("do") != "send":
            with db.read(actor) as tx:
                found = note.ahead_of_one(tx, id, form.text("words"))
            return _page(request, actor, id, ahead=found, typed=form.typed)
        with db.transaction(actor, note.TO_ONE) as tx:
            form.once(tx, here, lambda: note.to_person(tx, id, form.text("words")).public_id)
    except HubError as error:
        if error.status in (401, 403, 404):
            raise
        return _page(request, actor, id, typed=form.typed, error=error)
    return see_other(f"{here}?sent=1#write")


def _page(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    incident: uuid.UUID | None = None,
    cursor: str | None = None,
    *,
    sent: bool = False,
    ahead: Ahead | None = None,
    typed: dict[str, str] | None = None,
    error: HubError | None = None,
) -> Response:
    lang, here = language_of(request), f"/volunteers/{id}/conversation"
    kept = f"incident={incident}&" if incident is not None else ""
    with db.read(actor) as tx:
        found = board.of(tx, id, incident=incident, before=decode_place(cursor))
        said = deliver.as_sent(tx, [line.message for line in found.lines if line.message is not None])
        name = found.name or t(lang, "callouts.name_hidden")
        context = nav.console(
            request,
            actor,
            title=t(lang, "conversation.title", name=name),
            zone=policy.load("hub", Site).zone,
            here=here,
            person=f"/volunteers/{id}" if found.name is not None else "",
            incidents=[(str(one.public_id), one.title) for one in found.incidents],
            chosen=str(incident or ""),
            entries=[_entry(line, said, found.person.lang, lang) for line in found.lines],
            earlier=f"{here}?{kept}cursor={encode_place(found.earlier)}" if found.earlier else None,
            later=f"{here}?{kept}".rstrip("?&") if cursor else None,
            may_write=actor.may(note.TO_ONE),
            sent=sent,
            ahead=told(ahead, lang) if ahead is not None else None,
            typed=typed or {},
            errors=forms.words(lang, error) if error is not None else forms.Faults(),
            longest=notes.LONGEST,
            key=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/conversation.html", status=error.status if error else 200, **context)


def _entry(line: Line, said: dict[int, Rendered], theirs: str, lang: Lang) -> dict[str, Any]:
    """One thing said, in words: who by what way, the text as it was, what became of it."""
    head, text, beside, own = _words(line, said, lang)
    told_back = replies.told(line.text, theirs) if line.text is not None else ""
    task = pick(line.task, lang) if line.task is not None else ""
    return {
        "at": line.at,
        "head": head,
        "lines": [each for each in text.splitlines() if each.strip()],
        "beside": " · ".join(each for each in (task, beside) if each),
        "told": t(lang, "conversation.told", text=told_back) if told_back else "",
        "own": own,
    }


def _words(line: Line, said: dict[int, Rendered], lang: Lang) -> tuple[str, str, str, bool]:
    if line.message is not None:
        words = said.get(line.message.id)
        way = t(lang, f"board.channel.{line.message.channel}")
        state = t(lang, f"callouts.message.{line.message.state}")
        text = words.body if words is not None else t(lang, "conversation.untold")
        if words is not None and line.message.channel is Channel.WEBPUSH:
            text = f"{words.subject}\n{words.body}"
        return t(lang, "conversation.to_them", way=way), text, state, False
    if line.text is not None:
        words_of = line.written.words if line.written is not None else t(lang, "unclear.forgotten")
        key = "conversation.from_them" if line.theirs else "conversation.from_number"
        state = t(lang, f"conversation.text.{line.text.state}")
        return t(lang, key), words_of, state, True
    if line.call is not None:
        outcome = t(lang, f"conversation.rung.{line.call.outcome}")
        return t(lang, "conversation.rung", by=line.by or ""), outcome, "", False
    assert line.answer is not None
    assert line.via is not None
    way = t(lang, f"conversation.via.{line.via}", by=line.by or "")
    return t(lang, f"conversation.answer.{line.answer.kind}"), "", way, True
