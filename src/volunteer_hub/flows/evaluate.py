"""After a check-out leader and volunteer say how it was with each other; whoever is rated may answer.

It is read by whoever is rated and feeds the suggestions of the configured rules. No plan, offer or figure of
readiness ever reads it.
"""

import uuid
from collections.abc import Mapping

from volunteer_hub.boards import evaluations as board
from volunteer_hub.boards import evidence
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.feedback import evaluation_rules as rules
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.flows import lead
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.volunteers.models import Volunteer

Marks = Mapping[str, object]


def by_leader(tx: Tx, token: str, duty: uuid.UUID, marks: Marks, words: str) -> EvaluationRow:
    """Whoever leads a task says how somebody of it did. Raises as `lead.theirs` and
    `evaluations.write`, Refused before the check-out, Gone long after it."""
    found = lead.theirs(tx, token, duty)
    return _of_volunteer(tx, found, marks, words, by_volunteer=tx.actor.id)


def by_staff(tx: Tx, duty: uuid.UUID, marks: Marks, words: str) -> EvaluationRow:
    """The staff that led says how somebody did. Raises NotFound, Refused for one's own duty, and as above."""
    found = attendance.find(tx, "duty.write", duty)
    account = tx.actor.id if tx.actor.kind == "account" else None
    if account is not None and evidence.is_own(tx, {account}, found.volunteer_id):
        raise Refused("evaluation.own")
    return _of_volunteer(tx, found, marks, words, by_account=account)


def by_volunteer(tx: Tx, duty: Duty, marks: Marks, words: str) -> EvaluationRow:
    """A person says how they were led: by the volunteer in the leader's place, else the account in command.

    Raises Refused where nobody is known to have led, and as above.
    """
    _open(tx, duty)
    own = _kept(tx, duty.volunteer_id)
    leader = board.leader_of(tx, duty)
    if leader == own:
        leader = None
    account = tx.get_one(Incident, duty.incident_id).commander_id if leader is None else None
    if leader is None and account is None:
        raise Refused("evaluation.nobody")
    row = _row(tx, duty, Side.LEADER)
    row.volunteer_id, row.account_id, row.by_volunteer = leader, account, own
    return evaluations.write(tx, row, marks, words)


def reply(tx: Tx, public_id: uuid.UUID, words: str) -> EvaluationRow:
    """Whoever is rated, and acts, answers with a word. Raises NotFound for anybody else, Malformed."""
    if tx.actor.id is None:
        raise Refused("evaluation.nobody")
    of = evaluations.of_account if tx.actor.kind == "account" else evaluations.of_volunteer
    return evaluations.reply(tx, of(tx, tx.actor.id, public_id), words)


def _of_volunteer(
    tx: Tx,
    duty: Duty,
    marks: Marks,
    words: str,
    *,
    by_volunteer: int | None = None,
    by_account: int | None = None,
) -> EvaluationRow:
    _open(tx, duty)
    row = _row(tx, duty, Side.VOLUNTEER)
    row.volunteer_id = _kept(tx, duty.volunteer_id)
    row.by_volunteer, row.by_account = by_volunteer, by_account
    return evaluations.write(tx, row, marks, words)


def _row(tx: Tx, duty: Duty, side: Side) -> EvaluationRow:
    return EvaluationRow(
        duty_id=duty.id, incident_id=duty.incident_id, area=duty.area, side=side, written_at=tx.now
    )


def _open(tx: Tx, duty: Duty) -> None:
    """Raises Refused before the duty has ended, Gone when it is long over."""
    ended = duty.checked_out_at if duty.state is DutyState.DONE else None
    rules.check_open(ended, tx.now, evaluations.in_force())


def _kept(tx: Tx, volunteer_id: int) -> int:
    return tx.get_one(Volunteer, volunteer_id).merged_into or volunteer_id
