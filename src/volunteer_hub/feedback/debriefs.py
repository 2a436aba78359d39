"""Debriefs: asked of who was in command, written, reminded of."""

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, PreconditionFailed
from volunteer_hub.feedback import rules
from volunteer_hub.feedback.debriefs_models import Debrief
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form


def ask(tx: Tx, incident_id: int, area: str, account_ids: Collection[int], policy: Surveys) -> list[Debrief]:
    """Asks these accounts how it went; the new debriefs, none for who was asked before."""
    tx.actor.must_cover("survey.write", area)
    known = set(tx.exec(select(Debrief.account_id).where(col(Debrief.incident_id) == incident_id)))
    made = [
        Debrief(
            incident_id=incident_id,
            account_id=account,
            area=area,
            opened_at=tx.now,
            remind_at=rules.next_reminder(tx.now, tx.now, policy),
        )
        for account in sorted(set(account_ids) - known)
    ]
    tx.add_all(made)
    tx.flush()
    return made


def own(tx: Tx, incident_id: int) -> Debrief | None:
    """The actor's own debrief of an incident, where they were asked or wrote one."""
    return tx.exec(
        select(Debrief).where(
            col(Debrief.incident_id) == incident_id, col(Debrief.account_id) == _account(tx)
        )
    ).first()


def answer(
    tx: Tx, incident_id: int, area: str, answers: Mapping[str, object], version: int, policy: Surveys
) -> Debrief:
    """Writes the actor's own debrief, asked for or not; it may be written anew.

    ``version``: of the one they saw, 0 for none. Raises Malformed naming every question answered wrongly,
    PreconditionFailed when it was written from elsewhere meanwhile, Forbidden for who is no account.
    """
    tx.actor.must_cover("survey.write", area)
    account = _account(tx)
    given = rules.read_answers(answers, policy.surveys[Form.COORDINATOR.value])
    row = own(tx, incident_id)
    if row is None:
        row = Debrief(incident_id=incident_id, account_id=account, area=area, opened_at=tx.now, version=0)
        tx.add(row)
    else:
        tx.refresh(row, with_for_update=True)
    if row.version != version:
        raise PreconditionFailed("version")
    row.answers, row.answered_at, row.remind_at = dict(given), tx.now, None
    row.version += 1
    tx.flush()
    return row


def remind(tx: Tx, policy: Surveys, limit: int = 100) -> list[Debrief]:
    """The debriefs whose reminder is due now, each counted as reminded."""
    due = (
        select(Debrief)
        .where(col(Debrief.remind_at) <= tx.now)
        .order_by(col(Debrief.remind_at), col(Debrief.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(tx.exec(due.execution_options(populate_existing=True)).all())
    for row in rows:
        row.reminders += 1
        row.remind_at = rules.next_reminder(row.opened_at, tx.now, policy)
    tx.flush()
    return rows


def of_incident(tx: Tx, incident_id: int) -> Sequence[Debrief]:
    """Every debrief of an incident in the actor's areas, by whom it was asked."""
    tx.actor.must("survey.read")
    wanted = select(Debrief).where(
        col(Debrief.incident_id) == incident_id, tx.actor.scope("survey.read", Debrief.area)
    )
    return tx.exec(wanted.order_by(col(Debrief.id))).all()


def _account(tx: Tx) -> int:
    if tx.actor.kind != "account" or tx.actor.id is None:
        raise Forbidden("forbidden", permission="survey.write")
    return tx.actor.id
