"""Reports upward of an incident: what is due, the draft with what is known, each one sent, to be printed."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from volunteer_hub.boards import upward as board
from volunteer_hub.boards.upward import Owed, UpwardView
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import upward as flow
from volunteer_hub.flows import upward_words
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import FIGURES, WORDS, Content
from volunteer_hub.notify.rules import State
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()

_TONES = {State.SENT: "ok", State.DELIVERED: "ok", State.FAILED: "short", State.EXPIRED: "short"}


@router.get("/incidents/{id:uuid}/upward")
def show(request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID) -> Response:
    """What was sent, what is due, and the next report."""
    return _page(request, actor, id)


@router.post("/incidents/{id:uuid}/upward")
def write(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Keeps the draft, reads its figures anew, or sends it."""
    lang = language_of(request)
    try:
        with db.transaction(actor, "upward.write") as tx:
            incident = queries.find(tx, "incident.write", id)
            return see_other(form.once(tx, f"upward {id}", lambda: _write(tx, incident, form, lang)))
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, error, form)


@router.get("/incidents/{id:uuid}/upward/{number}")
def one(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, number: int
) -> Response:
    """One report that was sent, to be read and printed."""
    with db.read(actor) as tx:
        view = board.view(tx, queries.find(tx, "incident.write", id))
        report = view.report(number)
        if report is None:
            raise NotFound("not_found")
        context = nav.console(
            request,
            actor,
            title=upward_words.title(report, report.lang),
            kind=view.incident.kind.value,
            zone=view.zone,
            here=f"/incidents/{id}/upward",
            document=upward_words.document(report, view.incident, view.way, view.accounts),
            report=report,
        )
    return page(request, "console/upward_report.html", **context)


@router.get("/incidents/{id:uuid}/upward/{number}/text")
def as_text(actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, number: int) -> Response:
    """One report as plain text, to be kept or sent on."""
    with db.read(actor) as tx:
        document = upward_words.one(tx, queries.find(tx, "incident.write", id), number)
    headers = {"Content-Disposition": f'attachment; filename="report-{number}.txt"'}
    return PlainTextResponse(document.text, headers=headers)


def due_words(owed: Owed, speech: Speech, tx: Tx) -> tuple[str, str] | None:
    """Tone and words of when the next report is due; None where none is."""
    if owed.kind is None or owed.due_at is None:
        return None
    overdue = owed.overdue(tx.now)
    said = t(
        speech.lang,
        "upward.overdue" if overdue else "upward.due",
        kind=t(speech.lang, f"upward.kind.{owed.kind}"),
        when=speech.when(owed.due_at, tx.now),
    )
    return ("short" if overdue else "watch", said)


def _write(tx: Tx, incident: Incident, form: Form, lang: Lang) -> str:
    fresh = flow.prefilled(tx, incident, lang).figures if form.text("do") == "fresh" else None
    content = Content(
        figures=fresh or {name: form.whole(name) for name in FIGURES},
        **{name: form.text(name) for name in WORDS},
    )
    version = form.whole("version")
    sent_at = form.moment("sent_at", flow.zone_of(tx, incident))
    form.check()
    draft = flow.save(tx, incident, content, lang, version)
    here = f"/incidents/{incident.public_id}/upward"
    if form.text("do") != "send":
        return here
    report = flow.send(tx, incident, draft, form.text("sent_to"), sent_at=sent_at, mail=form.flag("mail"))
    return f"{here}/{report.number}"


def _page(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.view(tx, queries.find(tx, "incident.write", id))
        speech = Speech(lang, view.zone)
        known = flow.prefilled(tx, view.incident, lang)
        to = board.rules().to
        context = nav.console(
            request,
            actor,
            title=t(lang, "upward.title"),
            kind=view.incident.kind.value,
            zone=view.zone,
            here=f"/incidents/{id}/upward",
            back=f"/incidents/{id}",
            due=due_words(view.owed, speech, tx),
            next=t(lang, f"upward.kind.{view.owed.kind}") if view.owed.kind is not None else "",
            draft=view.draft,
            sent=[_line(one, view, speech) for one in view.sent],
            figures=[(name, known.figures[name]) for name in FIGURES],
            values=_values(view.draft or known) | (form.typed if form is not None else {}),
            sent_to=pick(to, lang) if to is not None else "",
            may_mail=board.rules().email if flow.may_mail() else "",
            faults=forms.words(lang, error) if error else forms.Faults(),
            once=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/upward.html", status=error.status if error else 200, **context)


def _values(source: UpwardReport | Content) -> dict[str, Any]:
    return {name: getattr(source, name) for name in WORDS} | dict(source.figures)


def _line(one: UpwardReport, view: UpwardView, speech: Speech) -> dict[str, Any]:
    state = view.mailed.get(one.id)
    late = one.due_at is not None and one.sent_at is not None and one.sent_at > one.due_at
    sender = view.accounts.get(one.sent_by or 0)
    return {
        "number": one.number,
        "title": upward_words.title(one, speech.lang),
        "sent_at": one.sent_at,
        "sent_to": one.sent_to,
        "by": sender.name if sender is not None else "",
        "late": late,
        "mail": (_TONES.get(state, "watch"), t(speech.lang, f"upward.mail.{_mail(state)}"))
        if state
        else None,
    }


def _mail(state: State) -> str:
    return {"ok": "sent", "short": "failed"}.get(_TONES.get(state, ""), "waiting")
