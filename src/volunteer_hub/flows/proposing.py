"""The program proposes re-plans of running callouts, or applies them by the rule set for the incident.

1. What has happened since the newest plan was asked for: people who declined, fell silent, withdrew, did not
come or may serve no longer; tasks added, changed, called off. 2. Once some minutes have passed since, a
re-plan is asked for. 3. Made, it is put aside where it changes nothing, applied where the rule allows it,
else told to whoever is in command. The newer supersedes the older, so that one waits at most.
"""

from collections import Counter
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import LANGUAGES
from volunteer_hub.core.log import logger
from volunteer_hub.flows import letters, mobilize, replan
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.standby import why_not
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, LogEntry, RoleSlot, Task
from volunteer_hub.incidents.rules import OPEN, LogKind, TaskState
from volunteer_hub.mobilization import plans, proposals, replan_rules
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Offer, PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.replan_models import Proposal, ReplanRule
from volunteer_hub.mobilization.replan_rules import News
from volunteer_hub.mobilization.rules import LIVE, PLACED, Answer, OfferState, PlanState
from volunteer_hub.volunteers.models import Volunteer

_ANSWERS: Final = {
    Answer.DECLINE: News.DECLINED,
    Answer.LATER: News.DECLINED,
    Answer.NOT_ME: News.DECLINED,
    Answer.WITHDRAW: News.WITHDRAWN,
}
_ANSWERED: Final = frozenset({News.DECLINED, News.WITHDRAWN, News.SILENT, News.NO_SHOW})
_LINES: Final = {
    "no_shows": News.NO_SHOW,
    "task_added": News.TASKS,
    "tasks_added": News.TASKS,
    "task_changed": News.TASKS,
    "task_cancelled": News.TASKS,
    "slots_changed": News.TASKS,
}
_log = logger("proposing")


def sweep() -> int:
    """Settles what is made and asks for what is due, incident by incident; how many were asked for."""
    with db.transaction(SYSTEM, "plan.propose") as tx:
        due = sorted({*proposals.waiting(tx), *proposals.running(tx)})
    asked = 0
    for incident_id in due:
        try:
            with db.transaction(SYSTEM, "plan.propose") as tx:
                asked += _look(tx, incident_id)
        except Exception as error:  # one bad incident must not keep the others waiting
            _log.error("proposing failed", incident=incident_id, exc_info=error)
    return asked


def _look(tx: Tx, incident_id: int) -> int:
    """One incident, which no other worker looks at meanwhile."""
    wanted = select(Incident).where(col(Incident.id) == incident_id)
    locked = wanted.with_for_update(skip_locked=True, key_share=True)
    incident = tx.exec(locked.execution_options(populate_existing=True)).first()
    if incident is None:
        return 0
    for plan, proposal in proposals.to_settle(tx, incident.id):
        _settle(tx, incident, plan, proposal)
    if incident.state not in OPEN or incident_id not in proposals.running(tx):
        return 0
    newest = proposals.newest(tx, incident.id)
    if newest is None or not _replaceable(tx, newest):
        return 0
    limits = policy.load("callouts", Callouts).callout
    if not replan_rules.rested(tx.now, newest.requested_at, limits.replan_minutes):
        return 0
    happened = news(tx, incident, newest)
    if not happened or (happened.keys() <= _ANSWERED and not _short(tx, incident)):
        return 0
    proposals.propose(tx, replan.request(tx, incident), happened)
    return 1


def _short(tx: Tx, incident: Incident) -> bool:
    """Whether a slot has its target no more, though everybody still asked be counted on; the waves of a
    callout see to all else that answers bring."""
    own = select(Callout.id).where(col(Callout.incident_id) == incident.id, col(Callout.state).in_(LIVE))
    counted = (col(Offer.state).in_(PLACED)) | (
        (col(Offer.state) == OfferState.ASKED) & col(Offer.callout_id).in_(own)
    )
    short = (
        select(RoleSlot.id)
        .join(Task, col(Task.id) == col(RoleSlot.task_id))
        .join(Offer, (col(Offer.slot_id) == col(RoleSlot.id)) & counted, isouter=True)
        .where(
            col(Task.incident_id) == incident.id,
            col(Task.state) == TaskState.OPEN,
            col(Task.ends_at) > tx.now,
        )
        .group_by(col(RoleSlot.id))
        .having(func.count(col(Offer.id)) < col(RoleSlot.target))
    )
    return tx.exec(short.limit(1)).first() is not None


def _replaceable(tx: Tx, plan: PlanRun) -> bool:
    """Whether a proposal may come after this plan: it is not being made, and nobody waits to approve it."""
    if plan.state in (PlanState.REQUESTED, PlanState.RUNNING):
        return False
    if plan.state is PlanState.APPROVED:
        return proposals.is_out(tx, plan)
    if plan.state is PlanState.READY:
        return proposals.of_plan(tx, plan) is not None and plan.approved_by is None
    return True


def news(tx: Tx, incident: Incident, since: PlanRun) -> dict[News, int]:
    """What has happened since a plan was asked for that may make another one better."""
    own = select(Callout.id).where(col(Callout.incident_id) == incident.id)
    mine, then = col(Offer.callout_id).in_(own), since.requested_at
    found: Counter[News] = Counter()
    said = select(AnswerEvent.kind, func.count()).join(Offer, col(Offer.id) == col(AnswerEvent.offer_id))
    heard = said.where(mine, col(AnswerEvent.at) > then, col(AnswerEvent.kind).in_(_ANSWERS))
    for kind, count in tx.exec(heard.group_by(col(AnswerEvent.kind))):
        found[_ANSWERS[Answer(kind)]] += count
    silent = select(func.count()).select_from(Offer).where(mine, col(Offer.state) == OfferState.EXPIRED)
    found[News.SILENT] = tx.exec(silent.where(col(Offer.expires_at) > then)).one()
    lines = select(LogEntry.event, LogEntry.data).where(
        col(LogEntry.incident_id) == incident.id, col(LogEntry.at) > then, col(LogEntry.event).in_(_LINES)
    )
    for event, data in tx.exec(lines):
        found[_LINES[event or ""]] += data.get("n", 1)
    changed = func.greatest(col(Volunteer.revision), col(Volunteer.held_revision)) >= since.people_mark
    held = select(Offer).join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
    placed = tx.exec(held.where(mine, col(Offer.state) == OfferState.ACCEPTED, changed))
    found[News.LOST] = sum(why_not(tx, offer) is not None for offer in placed)
    return {what: count for what, count in found.items() if count}


def _settle(tx: Tx, incident: Incident, plan: PlanRun, proposal: Proposal) -> None:
    """Puts it aside, applies it by the rule, or tells those in command."""
    proposal.settled_at = tx.now
    tx.flush()
    if plan.state is not PlanState.READY:
        return
    changes = (plan.result or {})["difference"]["changes"]
    if not changes or incident.state not in OPEN:
        plans.supersede(tx, plan.id)
        return
    rule = proposals.rule(tx, incident.id)
    before = proposals.told_before(tx, plan)
    if rule is not None and replan_rules.by_itself(changes, rule.most_changes) and _applied(tx, plan, rule):
        proposal.rule = {"most_changes": rule.most_changes, "set_by": rule.set_by, "reason": rule.reason}
        logbook.record(tx, incident, LogKind.PLAN, "replan_by_rule", n=len(changes), most=rule.most_changes)
        _tell(tx, "alert_replanned", incident, plan, proposal)
    elif before is None or _orders(before) != _orders(plan):
        logbook.record(tx, incident, LogKind.PLAN, "replan_proposed", n=len(changes))
        _tell(tx, "alert_replan", incident, plan, proposal)


def _orders(plan: PlanRun) -> list[tuple[int, int | None, int | None]]:
    changes = (plan.result or {}).get("difference", {}).get("changes", ())
    return [(one["volunteer"], one["before"], one["after"]) for one in changes]


def _applied(tx: Tx, plan: PlanRun, rule: ReplanRule) -> bool:
    """Approved and applied; False where that takes a second person and the rule gives no reason, or no
    callout runs any more."""
    try:
        with tx.begin_nested():
            mobilize.send(tx, planning.approve(tx, plan.public_id, rule.reason))
    except Refused as refused:
        _log.info("a re-plan was not applied by the rule", plan=str(plan.public_id), why=refused.code)
        tx.refresh(plan)
        return False
    return True


def _tell(tx: Tx, purpose: str, incident: Incident, plan: PlanRun, proposal: Proposal) -> None:
    told = {lang: replan.difference(plan, lang) for lang in LANGUAGES}
    facts = {
        "title": incident.title,
        "said": {lang: one.said for lang, one in told.items() if one is not None},
        "news": {lang: replan.happened(proposal.news, lang) for lang in LANGUAGES},
    }
    letters.alert(tx, purpose, incident, f"plan:{plan.id}:proposed", facts)


def set_rule(tx: Tx, incident: Incident, most_changes: int | None, reason: str | None = None) -> ReplanRule:
    """Lets re-plans be applied by themselves while they change at most so many orders and move nobody who has
    said yes; None: never. Raises Malformed."""
    rule = proposals.set_rule(tx, incident.id, incident.area, most_changes, reason)
    if most_changes is None:
        logbook.record(tx, incident, LogKind.PLAN, "replan_rule_off")
    else:
        logbook.record(tx, incident, LogKind.PLAN, "replan_rule_set", text=rule.reason or "", n=most_changes)
    tx.flush()
    return rule
