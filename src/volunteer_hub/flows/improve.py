"""From a finding to a change that holds: proposed, taken up, closed with evidence, tested by a later drill.

Whoever raised it is told what was changed because of them: once, by their own link, when it is closed, or
where a re-test is bound when that has proven it.
"""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.drills import plans as drill_plans
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.drills.policy import Drills
from volunteer_hub.feedback import actions, actions_rules
from volunteer_hub.feedback.actions_models import ImprovementAction, Voice
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.actions_rules import ActionState, Evidence, Measure, Priority
from volunteer_hub.flows import findings, letters, settle, telling
from volunteer_hub.flows.findings import Found
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Kind, Subject

_WORTH = timedelta(days=7)
"""For how long it is worth telling somebody what was changed."""


def rules() -> Actions:
    """config/actions.toml."""
    found: Actions = policy.load("actions", Actions)
    return found


def propose(tx: Tx, found: Found, title: str, words: str, priority: Priority) -> ImprovementAction:
    """A new action because of something found. Raises as `findings.read` and `actions.propose`."""
    finding, area = findings.read(tx, found)
    action = actions.propose(tx, area, title, words, priority, finding, rules())
    findings.note_raisers(tx, action)
    return action


def add_finding(tx: Tx, action: ImprovementAction, found: Found) -> ImprovementAction:
    """One more reason for an action. Raises as `findings.read` and `actions.add_finding`."""
    finding, _ = findings.read(tx, found)
    actions.add_finding(tx, action, finding)
    findings.note_raisers(tx, action)
    return action


def take_up(
    tx: Tx,
    action: ImprovementAction,
    version: int,
    *,
    owner: uuid.UUID | None = None,
    due_on: date | None = None,
    priority: Priority | None = None,
) -> ImprovementAction:
    """Gives it an owner, the actor where nobody is named, and a day by whose end it is due, else as the
    policy proposes. The owner hears of it. Raises Malformed for somebody who may not write actions there, and
    as `actions.take_up`."""
    account = _owner(tx, action, owner)
    zone = settle.zone_of(tx, action.area)
    if due_on is None:
        days: int = getattr(rules().due_days, (priority or action.priority).value)
        due_on = tx.now.astimezone(zone).date() + timedelta(days=days)
    due_at = datetime.combine(due_on, time.max, zone).replace(microsecond=0)
    actions.take_up(tx, action, version, account.id, due_at, rules(), priority=priority)
    if account.id != tx.actor.id or tx.actor.kind != "account":
        tell_staff(tx, action, "action_assigned", [account], f"taken:{action.version}")
    return action


def close(tx: Tx, action: ImprovementAction, version: int, evidence: Evidence) -> ImprovementAction:
    """Done, with evidence. Without a re-test whoever raised it is told now. Raises as `actions.close`."""
    actions.close(tx, action, version, evidence, rules())
    if action.retest_plan_id is None:
        tell_raisers(tx, action)
    return action


def bind(
    tx: Tx, action: ImprovementAction, version: int, drill: uuid.UUID, measure: Measure | None
) -> ImprovementAction:
    """Binds the re-test to a drill plan. Raises NotFound for a foreign one, and as `actions.bind`."""
    plan = drill_plans.find(tx, "drill.read", drill)
    minutes = policy.load("drills", Drills).report_minutes
    return actions.bind(tx, action, version, plan.id, measure, minutes)


def judge(tx: Tx, action: ImprovementAction, version: int, words: str, *, proven: bool) -> ImprovementAction:
    """Somebody decides whether it holds, for a reason. Raises as `actions.judge`."""
    after = ActionState.PROVEN if proven else ActionState.REOPENED
    actions.judge(tx, action, after, words, rules(), version=version)
    _after_judging(tx, action)
    return action


def judged_by(tx: Tx, action: ImprovementAction, run: DrillRun) -> bool:
    """A drill held since judges an action that is done, or its owner is asked to; whether it did.

    With nobody to count it has shown nothing: the next drill is waited for.
    """
    assert run.figures is not None
    measure = measure_of(action)
    if measure is None:
        action.retest_run_id = run.id
        tell_staff(tx, action, "action_decide", _owners(tx, action), f"run:{run.id}")
        tx.flush()
        return True
    after = actions_rules.verdict(measure, run.figures)
    if after is None:
        return False
    shown = actions_rules.share(measure, run.figures)
    facts = {
        "figure": measure.figure.value,
        "minutes": measure.minutes,
        "at_least": measure.at_least,
        "shown": shown,
        "people": run.figures["notified"],
    }
    actions.judge(tx, action, after, "", rules(), run_id=run.id, facts=facts)
    _after_judging(tx, action)
    return True


def measure_of(action: ImprovementAction) -> Measure | None:
    """What a drill must show; None where somebody decides."""
    if action.retest_figure is None or action.retest_at_least is None:
        return None
    return Measure(action.retest_figure, action.retest_at_least, action.retest_minutes)


def drop(tx: Tx, action: ImprovementAction, version: int, reason: str) -> ImprovementAction:
    """Nothing will be done, for a reason. Raises as `actions.drop`."""
    return actions.drop(tx, action, version, reason, rules())


def tell_staff(tx: Tx, action: ImprovementAction, purpose: str, people: list[Account], deed: str) -> int:
    """Queues a message about an action to these accounts, once for each ``deed``."""
    params: dict[str, Any] = {
        "title": action.title,
        "zone": settle.zone_of(tx, action.area).key,
        "state": {lang: t(lang, f"action.state.{action.state}") for lang in LANGUAGES},
    }
    if action.due_at is not None:
        params["due_at"] = action.due_at.isoformat()
    return telling.tell(
        tx,
        people,
        purpose,
        about=(Subject.ACTION, action.id),
        area=action.area,
        kind=Kind.NONE,
        params=params,
        deed=f"action:{action.id}:{deed}",
    )


def tell_raisers(tx: Tx, action: ImprovementAction) -> int:
    """Tells everybody who raised it, also those who said so since, what was changed; how many are new.

    Each once, kept to quiet hours; whom no message can reach stays untold.
    """
    findings.note_raisers(tx, action)
    untold = select(Voice).where(col(Voice.action_id) == action.id, col(Voice.told_at).is_(None))
    voices = tx.exec(untold.order_by(col(Voice.id)).with_for_update()).all()
    told = _tell_volunteers(tx, action, [voice for voice in voices if voice.volunteer_id is not None])
    told += _tell_accounts(tx, action, [voice for voice in voices if voice.account_id is not None])
    for voice in told:
        voice.told_at = tx.now
    tx.flush()
    return len(told)


def _tell_volunteers(tx: Tx, action: ImprovementAction, voices: list[Voice]) -> list[Voice]:
    ways = letters.reach(tx, (voice.volunteer_id for voice in voices if voice.volunteer_id is not None))
    zone = settle.zone_of(tx, action.area).key
    drafts, told = [], []
    for voice in voices:
        way = ways.get(voice.volunteer_id or 0)
        if way is None or way.contact is None or way.channel is None:
            continue
        told.append(voice)
        drafts.append(
            Draft(
                purpose="heard",
                subject_kind=Subject.VOICE,
                subject_id=voice.id,
                area=action.area,
                channel=way.channel,
                lang=way.lang,
                dedupe_key=f"voice:{voice.id}",
                expires_at=tx.now + _WORTH,
                volunteer_id=voice.volunteer_id,
                contact_id=way.contact.id,
                params={"title": action.title, "changed": action.changed, "zone": zone},
            )
        )
    outbox.enqueue(tx, drafts)
    return told


def _tell_accounts(tx: Tx, action: ImprovementAction, voices: list[Voice]) -> list[Voice]:
    """Whoever closed it themselves knows."""
    others = [voice for voice in voices if voice.account_id != action.owner_id]
    wanted = select(Account).where(col(Account.id).in_([voice.account_id for voice in others]))
    tell_staff(tx, action, "action_held", list(tx.exec(wanted)), "held")
    return voices


def _after_judging(tx: Tx, action: ImprovementAction) -> None:
    tell_staff(tx, action, "action_tested", _owners(tx, action), f"tested:{action.version}")
    if action.state is ActionState.PROVEN:
        tell_raisers(tx, action)


def _owners(tx: Tx, action: ImprovementAction) -> list[Account]:
    owner = tx.get(Account, action.owner_id) if action.owner_id is not None else None
    return [owner] if owner is not None and owner.id != _acting(tx) else []


def _acting(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None


def _owner(tx: Tx, action: ImprovementAction, wanted: uuid.UUID | None) -> Account:
    for account in telling.holders(tx, "action.write", action.area):
        if account.public_id == wanted or (wanted is None and account.id == _acting(tx)):
            return account
    raise Malformed("action.owner", fields=[FieldError("owner", "action.owner")])
