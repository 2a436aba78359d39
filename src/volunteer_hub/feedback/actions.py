"""Improvement actions: proposed from findings, taken up, closed with evidence, proven or not, dropped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, delete, select

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import PreconditionFailed, Refused
from volunteer_hub.core.signing import derived_token, token_hash
from volunteer_hub.feedback import actions_rules as rules
from volunteer_hub.feedback.actions_models import ActionStep, Finding, ImprovementAction, Voice
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.actions_rules import ActionState, Evidence, Measure, Nudge, Priority, Source
from volunteer_hub.feedback.rules import Form

_PURPOSE = "voice"


@dataclass(frozen=True)
class FindingIn:
    """Something found. ``key`` names what it was found in; None where it is only looked back on."""

    source: Source
    words: str
    key: str | None = None
    incident_id: int | None = None
    form: Form | None = None
    code: str | None = None
    injury_id: int | None = None
    run_id: int | None = None
    debrief_id: int | None = None


@dataclass(frozen=True)
class Raisers:
    """Who raised a finding, by id."""

    volunteers: tuple[int, ...] = ()
    accounts: tuple[int, ...] = ()


def token(voice: Voice) -> str:
    """The token of the link by which somebody reads what was changed because of them."""
    return derived_token(_PURPOSE, voice.public_id)


def propose(
    tx: Tx, area: str, title: str, words: str, priority: Priority, finding: FindingIn, policy: Actions
) -> ImprovementAction:
    """A new action because of a finding; nobody owns it yet.

    Raises Malformed, Refused where another action is there because of the same, NotFound for a foreign area.
    """
    tx.actor.must_cover("action.write", area)
    rules.check_words(title, words)
    action = ImprovementAction(
        area=area,
        title=title.strip(),
        words=words.strip(),
        priority=priority,
        proposed_at=tx.now,
        proposed_by=_account(tx),
        nudged_at=tx.now,
    )
    tx.add(action)
    tx.flush()
    _plan_nudges(tx, action, policy)
    _step(tx, action, action.words)
    add_finding(tx, action, finding)
    return action


def add_finding(tx: Tx, action: ImprovementAction, it: FindingIn) -> Finding:
    """One more reason for an action. Raises as `propose`, and Refused for one that has ended."""
    tx.actor.must_cover("action.write", action.area)
    rules.check_text("finding", it.words)
    if action.state in (ActionState.PROVEN, ActionState.DROPPED):
        raise Refused("action.ended")
    if it.key is not None:
        known = select(ImprovementAction.title).join(Finding).where(col(Finding.key) == it.key)
        if (title := tx.exec(known).first()) is not None:
            raise Refused("action.raised", title=title)
    row = Finding(
        action_id=action.id,
        area=action.area,
        source=it.source,
        key=it.key,
        incident_id=it.incident_id,
        form=it.form,
        code=it.code,
        injury_id=it.injury_id,
        run_id=it.run_id,
        debrief_id=it.debrief_id,
        words=it.words.strip(),
        found_at=tx.now,
        found_by=_account(tx),
    )
    tx.add(row)
    tx.flush()
    return row


def add_voices(tx: Tx, finding: Finding, raisers: Raisers) -> int:
    """Notes who raised it, each once for an action; how many are new."""
    action_id = finding.action_id
    wanted = select(Voice.volunteer_id, Voice.account_id).where(col(Voice.action_id) == action_id)
    known = set(tx.exec(wanted).all())
    people = [(person, None) for person in raisers.volunteers] + [(None, one) for one in raisers.accounts]
    new = [who for who in dict.fromkeys(people) if who not in known]
    for volunteer_id, account_id in new:
        voice = Voice(
            public_id=uuid7(),
            action_id=action_id,
            finding_id=finding.id,
            area=finding.area,
            volunteer_id=volunteer_id,
            account_id=account_id,
            token_hash=b"",
        )
        voice.token_hash = token_hash(token(voice))
        tx.add(voice)
    tx.flush()
    return len(new)


def take_up(
    tx: Tx,
    action: ImprovementAction,
    version: int,
    owner_id: int,
    due_at: datetime,
    policy: Actions,
    *,
    priority: Priority | None = None,
) -> ImprovementAction:
    """Gives an action an owner and a due date, or others to one that is worked on. The flow has asked whether
    the owner may. Raises Malformed, Refused, PreconditionFailed when somebody was faster."""
    _editing(tx, action, version)
    rules.check_due(due_at, tx.now)
    if action.state is ActionState.PROPOSED:
        action.state = rules.step(action.state, ActionState.OPEN)
    elif action.state not in rules.WORKED_ON:
        rules.step(action.state, ActionState.OPEN)
    action.owner_id, action.due_at, action.priority = owner_id, due_at, priority or action.priority
    return _changed(tx, action, "", policy)


def close(
    tx: Tx, action: ImprovementAction, version: int, it: Evidence, policy: Actions
) -> ImprovementAction:
    """Done, with evidence. Raises Malformed without any, Refused, PreconditionFailed."""
    _editing(tx, action, version)
    rules.check_evidence(it)
    action.state = rules.step(action.state, ActionState.DONE)
    action.evidence, action.reference = it.evidence.strip(), it.reference.strip()
    action.changed, action.done_at = it.changed.strip(), tx.now
    action.retest_run_id = None
    return _changed(tx, action, f"{action.evidence}\n{action.reference}", policy)


def bind(
    tx: Tx,
    action: ImprovementAction,
    version: int,
    plan_id: int,
    measure: Measure | None,
    report_minutes: Iterable[int],
) -> ImprovementAction:
    """Binds the re-test to a drill plan: the first drill held after the action is done judges it by
    ``measure``, or somebody does, having seen it. Raises Malformed, Refused once it has ended."""
    _editing(tx, action, version)
    if action.state in (ActionState.PROVEN, ActionState.DROPPED):
        raise Refused("action.ended")
    if measure is not None:
        rules.check_measure(measure, report_minutes)
    action.retest_plan_id, action.retest_run_id = plan_id, None
    action.retest_figure = measure.figure if measure is not None else None
    action.retest_minutes = measure.minutes if measure is not None else None
    action.retest_at_least = measure.at_least if measure is not None else None
    action.version += 1
    tx.flush()
    return action


def judge(
    tx: Tx,
    action: ImprovementAction,
    after: ActionState,
    words: str,
    policy: Actions,
    *,
    version: int | None = None,
    run_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> ActionState:
    """Proven or reopened: by a drill's figures, or by somebody with ``version`` and their reason. What is
    reopened is due again. Raises Malformed, Refused, PreconditionFailed."""
    if version is not None:
        _editing(tx, action, version)
        rules.check_text("words", words)
    action.state = rules.step(action.state, after)
    action.retest_run_id = run_id or action.retest_run_id
    if after is ActionState.REOPENED:
        action.due_at = tx.now + timedelta(days=policy.reopened_days)
    _changed(tx, action, words.strip(), policy, run_id=run_id, facts=facts)
    return action.state


def drop(tx: Tx, action: ImprovementAction, version: int, reason: str, policy: Actions) -> ImprovementAction:
    """Nothing will be done, for a reason; what it was found in may be raised anew. Raises as `close`."""
    _editing(tx, action, version)
    rules.check_text("reason", reason)
    action.state, action.dropped = rules.step(action.state, ActionState.DROPPED), reason.strip()
    for finding in tx.exec(select(Finding).where(col(Finding.action_id) == action.id)):
        finding.key = None
    return _changed(tx, action, action.dropped, policy)


def due_nudges(
    tx: Tx, policy: Actions, limit: int = 100
) -> list[tuple[ImprovementAction, list[tuple[datetime, Nudge]]]]:
    """The actions about which the clock speaks now, with what it says, each noted as said: the messages go
    into the outbox in this same transaction. Any number of workers may sweep."""
    due = (
        select(ImprovementAction)
        .where(col(ImprovementAction.nudge_at) <= tx.now)
        .order_by(col(ImprovementAction.nudge_at), col(ImprovementAction.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = []
    for action in tx.exec(due.execution_options(populate_existing=True)).all():
        plan = rules.nudges(action.state, action.proposed_at, action.due_at, policy)
        found.append((action, rules.said_now(plan, action.nudged_at, tx.now)))
        action.nudged_at, action.nudge_at = tx.now, rules.next_moment(plan, tx.now)
    tx.flush()
    return found


def forget(tx: Tx, volunteer_id: int) -> None:
    """Somebody who is forgotten has raised nothing any more."""
    tx.exec(delete(Voice).where(col(Voice.volunteer_id) == volunteer_id))


def _editing(tx: Tx, action: ImprovementAction, version: int) -> None:
    tx.actor.must_cover("action.write", action.area)
    tx.refresh(action, with_for_update=True)
    if action.version != version:
        raise PreconditionFailed("version")


def _changed(
    tx: Tx,
    action: ImprovementAction,
    words: str,
    policy: Actions,
    *,
    run_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> ImprovementAction:
    action.version += 1
    action.nudged_at = tx.now
    _plan_nudges(tx, action, policy)
    _step(tx, action, words, run_id, facts)
    return action


def _plan_nudges(tx: Tx, action: ImprovementAction, policy: Actions) -> None:
    plan = rules.nudges(action.state, action.proposed_at, action.due_at, policy)
    action.nudge_at = rules.next_moment(plan, tx.now)


def _step(
    tx: Tx,
    action: ImprovementAction,
    words: str,
    run_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    tx.add(
        ActionStep(
            action_id=action.id,
            area=action.area,
            at=tx.now,
            state=action.state,
            account_id=_account(tx),
            run_id=run_id,
            words=words,
            facts=dict(facts or {}),
        )
    )
    tx.flush()


def _account(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None
