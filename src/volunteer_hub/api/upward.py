"""Reports upward: what is due, the draft, sending it, and each as plain text."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, OnceOnly, Out, Version, etag
from volunteer_hub.boards import upward as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import Lang
from volunteer_hub.flows import upward as flow
from volunteer_hub.flows import upward_words
from volunteer_hub.incidents import queries, upward
from volunteer_hub.incidents.rules import LONGEST_TEXT
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import FIGURES, MOST, WORDS, Content, UpwardKind

router = APIRouter(tags=["upward"])

_Number = Annotated[int, Field(ge=0, le=MOST)]
_Words = Annotated[str, Field(max_length=LONGEST_TEXT)]
_EXAMPLE: Final[dict[str, Any]] = {
    "situation": "Water at the east gate is 30 cm high and rising.",
    "figures": {"injured": 1},
}


class DraftIn(In):
    """What differs from what the program would write; everything else is as it knows it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, {}]})
    figures: dict[str, _Number] = Field(default_factory=dict, description=", ".join(FIGURES))
    situation: _Words | None = None
    measures: _Words | None = None
    resources: _Words | None = None
    needs: _Words | None = None
    lang: Lang | None = Field(default=None, description="that of the report; the reader's, if not given")

    def over(self, known: Content) -> Content:
        """What the program knows, with what was sent over it. Raises Refused for a figure there is not."""
        unknown = sorted(set(self.figures) - set(FIGURES))
        if unknown:
            raise Refused("upward.no_figure", name=unknown[0], known=", ".join(FIGURES))
        words = {name: getattr(self, name) for name in WORDS}
        return Content(
            figures={**known.figures, **self.figures},
            **{name: getattr(known, name) if text is None else text for name, text in words.items()},
        )


class SendIn(In):
    """To whom, in words; at an earlier moment where it went by telephone; whether it is mailed too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sent_to": "City duty office, by telephone"}]})
    sent_to: str = Field(min_length=1, max_length=LONGEST_TEXT)
    sent_at: AwareDatetime | None = None
    mail: bool = False


class ReportOut(Out):
    """A report; a draft until ``sent_at`` is there. ``counted``: what the program counted at ``as_of``."""

    number: int
    kind: UpwardKind
    level: int
    lang: str
    figures: dict[str, int]
    counted: dict[str, int]
    as_of: datetime
    situation: str
    measures: str
    resources: str
    needs: str
    due_at: datetime | None
    sent_at: datetime | None
    sent_to: str | None
    version: int


class ReportsOut(Out):
    """All of an incident, the newest first, and the next that is due; ``next`` is null after the final."""

    next: UpwardKind | None
    due_at: datetime | None
    overdue: bool
    draft: ReportOut | None
    sent: list[ReportOut]


@router.get("/incidents/{id}/upward-reports", response_model=ReportsOut)
def listed(actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID) -> ReportsOut:
    """The reports of an incident, and when the next is due."""
    with db.read(actor) as tx:
        view = board.view(tx, queries.find(tx, "incident.write", id))
        return ReportsOut(
            next=view.owed.kind,
            due_at=view.owed.due_at,
            overdue=view.owed.overdue(tx.now),
            draft=ReportOut.model_validate(view.draft) if view.draft is not None else None,
            sent=[ReportOut.model_validate(one) for one in view.sent],
        )


@router.put("/incidents/{id}/upward-reports/draft", response_model=ReportOut)
def draft(
    actor: Annotated[Actor, allow("incident.write")],
    id: uuid.UUID,
    body: DraftIn,
    version: Version,
    lang: Language,
    response: Response,
) -> ReportOut:
    """Writes the draft of the next report."""
    with db.transaction(actor, "upward.write") as tx:
        incident = queries.find(tx, "incident.write", id)
        wanted = body.lang or lang
        content = body.over(flow.prefilled(tx, incident, wanted))
        made = flow.save(tx, incident, content, wanted, version)
        response.headers["ETag"] = etag(made.version)
        return ReportOut.model_validate(made)


@router.post("/incidents/{id}/upward-reports/{number}/send", response_model=ReportOut)
def send(
    actor: Annotated[Actor, allow("incident.write")],
    id: uuid.UUID,
    number: int,
    body: SendIn,
    once: OnceOnly,
) -> Response:
    """Records the draft as sent; from then on it stays as it is."""

    def deed() -> ReportOut:
        incident = queries.find(tx, "incident.write", id)
        report: UpwardReport = upward.find(tx, incident, number)
        made = flow.send(tx, incident, report, body.sent_to, sent_at=body.sent_at, mail=body.mail)
        return ReportOut.model_validate(made)

    with db.transaction(actor, "upward.send") as tx:
        return once.run(tx, deed)


@router.get("/incidents/{id}/upward-reports/{number}/text", response_class=PlainTextResponse)
def as_text(
    actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, number: int
) -> PlainTextResponse:
    """A report as plain text, in its language."""
    with db.read(actor) as tx:
        incident = queries.find(tx, "incident.write", id)
        return PlainTextResponse(upward_words.one(tx, incident, number).text)
