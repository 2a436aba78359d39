"""How it went, by those who were in command: asked when it closes, written on a page, reminded of."""

from collections.abc import Mapping, Sequence

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.feedback import debriefs
from volunteer_hub.feedback.debriefs_models import Debrief
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.flows import settle, telling
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import OPEN
from volunteer_hub.notify.rules import Kind, Subject


def ask(tx: Tx, incident: Incident) -> list[Debrief]:
    """Asks who was in command, else everybody who may take it; again, only those still missing."""
    if incident.commander_id is not None:
        people = [incident.commander_id]
    else:
        people = [account.id for account in telling.holders(tx, "incident.command", incident.area)]
    asked = debriefs.ask(tx, incident.id, incident.area, people, _policy())
    _tell(tx, "debrief_asked", asked)
    return asked


def answer(tx: Tx, incident: Incident, answers: Mapping[str, object], version: int) -> Debrief:
    """Writes the actor's own. Raises Refused before the incident has closed, and as `debriefs.answer`."""
    tx.actor.must_cover("survey.write", incident.area)
    if incident.state in OPEN:
        raise Refused("debrief.early")
    return debriefs.answer(tx, incident.id, incident.area, answers, version, _policy())


def remind() -> int:
    """The sweep over debriefs whose reminder is due; how many."""
    with db.transaction(SYSTEM, "debrief.remind") as tx:
        due = debriefs.remind(tx, _policy())
        _tell(tx, "debrief_reminder", due)
        return len(due)


def _tell(tx: Tx, purpose: str, rows: Sequence[Debrief]) -> None:
    accounts = {
        one.id: one
        for one in tx.exec(select(Account).where(col(Account.id).in_({row.account_id for row in rows})))
    }
    incidents = {
        one.id: one
        for one in tx.exec(select(Incident).where(col(Incident.id).in_({row.incident_id for row in rows})))
    }
    for row in rows:
        incident = incidents[row.incident_id]
        telling.tell(
            tx,
            [accounts[row.account_id]],
            purpose,
            about=(Subject.DEBRIEF, row.id),
            area=row.area,
            kind=Kind.DRILL if incident.kind.value == "drill" else Kind.NONE,
            params={"title": incident.title, "zone": settle.zone_of(tx, row.area).key},
            deed=f"debrief:{row.id}:{row.reminders}",
        )


def _policy() -> Surveys:
    surveys: Surveys = policy.load("surveys", Surveys)
    return surveys
