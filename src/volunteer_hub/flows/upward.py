"""Reports upward: written from what is known, sent, mailed; whoever commands is reminded of the next."""

from datetime import datetime, timedelta

from volunteer_hub.access.models import Account
from volunteer_hub.boards import upward as board
from volunteer_hub.boards.upward import Owed
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.flows import declare, telling, upward_words
from volunteer_hub.incidents import upward
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import Content
from volunteer_hub.notify import dispatch, outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel, Subject
from volunteer_hub.notify.rules import Kind as MessageKind


def prefilled(tx: Tx, incident: Incident, lang: str) -> Content:
    """What the next report would say by itself."""
    return upward_words.first_words(board.known(tx, incident), lang)


def save(tx: Tx, incident: Incident, content: Content, lang: str, version: int | None = None) -> UpwardReport:
    """Writes the draft; beside its figures stands what the program counts now. Raises as
    `incidents.upward.save`."""
    return upward.save(tx, incident, content, board.known(tx, incident).figures, lang, version)


def may_mail() -> bool:
    """Whether reports can be mailed: an address is configured and there is a mail server."""
    return bool(board.rules().email) and Channel.EMAIL in dispatch.configured()


def send(
    tx: Tx,
    incident: Incident,
    draft: UpwardReport,
    sent_to: str,
    *,
    sent_at: datetime | None = None,
    mail: bool = False,
) -> UpwardReport:
    """Sends the draft: recorded, and mailed where that is wanted. Raises as `incidents.upward.send`, Refused
    where there is nowhere to mail to."""
    if mail and not may_mail():
        raise Refused("upward.no_email")
    rules = board.rules()
    email = rules.email if mail else None
    report = upward.send(tx, rules, incident, draft, sent_to, sent_at=sent_at, email=email)
    if mail:
        letter = Draft(
            purpose="upward_report",
            subject_kind=Subject.UPWARD,
            subject_id=report.id,
            area=report.area,
            channel=Channel.EMAIL,
            lang=report.lang,
            dedupe_key=f"upward:{report.id}",
            expires_at=tx.now + telling.TOLD_WITHIN,
            kind=MessageKind(incident.kind.value),
            params={"title": incident.title},
        )
        outbox.enqueue(tx, [letter])
    return report


def sweep() -> int:
    """Reminds of reports that are due soon, and of those that are overdue, each once. How many letters."""
    with db.transaction(SYSTEM, "upward.remind") as tx:
        ahead = timedelta(minutes=board.rules().remind_minutes)
        return sum(_remind(tx, incident, owed) for incident, owed in board.due_by(tx, tx.now + ahead))


def zone_of(tx: Tx, incident: Incident) -> str:
    """The time zone of the place."""
    return declare.zone_of(tx, incident.area)


def _remind(tx: Tx, incident: Incident, owed: Owed) -> int:
    if owed.due_at is None:
        return 0
    due = owed.due_at.isoformat()
    return telling.tell(
        tx,
        _in_charge(tx, incident),
        "upward_overdue" if owed.overdue(tx.now) else "upward_due",
        about=(Subject.INCIDENT, incident.id),
        area=incident.area,
        kind=MessageKind(incident.kind.value),
        params={
            "title": incident.title,
            "stage": {lang: t(lang, f"upward.kind.{owed.kind}") for lang in LANGUAGES},
            "due_at": due,
            "zone": zone_of(tx, incident),
            "path": f"/incidents/{incident.public_id}/upward",
        },
        # One due, one reminder: another report or another level makes another due.
        deed=f"upward:{incident.id}:{owed.kind}:{due}",
    )


def _in_charge(tx: Tx, incident: Incident) -> list[Account]:
    account = tx.get(Account, incident.commander_id) if incident.commander_id is not None else None
    return [account] if account is not None else telling.holders(tx, "incident.command", incident.area)
