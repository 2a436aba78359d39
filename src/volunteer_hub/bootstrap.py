"""The same start for every process: logs, policy, the trail's listener, the schema, the clock."""

from typing import Final

from volunteer_hub.audit import listener
from volunteer_hub.core import db, log, policy, schema
from volunteer_hub.core.policy import Policy
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.drills.policy import Drills
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization.policy import Answers, Callouts
from volunteer_hub.notify import dispatch, templates
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.templates import Templates
from volunteer_hub.training.policy import Training
from volunteer_hub.volunteers.policy import Skills

POLICIES: Final[dict[str, type[Policy]]] = {
    "actions": Actions,
    "answers": Answers,
    "callouts": Callouts,
    "drills": Drills,
    "hazards": Hazards,
    "hub": Site,
    "messages": Messages,
    "rewards": Rewards,
    "skills": Skills,
    "sms_templates": Templates,
    "surveys": Surveys,
    "training": Training,
}


class NotReady(RuntimeError):
    """The database is not at this program's schema; the message says what to run."""


def check_policies() -> None:
    """Reads every file of config/. Raises PolicyError with all that is wrong in all files."""
    wrong: list[str] = []
    for name, kind in POLICIES.items():
        try:
            policy.load(name, kind)
        except policy.PolicyError as error:
            wrong.append(str(error))
    wrong = wrong or [*_dangling_names(), *_templates_missing()]
    if wrong:
        raise policy.PolicyError("\n".join(wrong))


def _dangling_names() -> list[str]:
    """What one file names and another does not hold."""
    skills, hazards = policy.load("skills", Skills), policy.load("hazards", Hazards)
    wrong = [
        f'{policy.path_of("hazards")}: {key}: "{code}" is not in skills.toml; add it there or correct it'
        for key, code in hazards.skills_named()
        if code not in skills.skills
    ]
    for code, course in policy.load("training", Training).courses.items():
        if course.skill is not None and course.skill not in skills.skills:
            where = f"{policy.path_of('training')}: courses.{code}.skill"
            wrong.append(f'{where}: "{course.skill}" is not in skills.toml; add it there or correct it')
    for code, template in policy.load("drills", Drills).templates.items():
        if template.hazard not in hazards.hazards:
            where = f"{policy.path_of('drills')}: templates.{code}.hazard"
            wrong.append(f'{where}: "{template.hazard}" is not in hazards.toml; add it there or correct it')
    return wrong


def _templates_missing() -> list[str]:
    """What text messages by template cannot say."""
    approved = dispatch.approved()
    if approved is None:
        return []
    where = policy.path_of("sms_templates")
    return [f"{where}: {line}" for line in templates.wrong(approved, settings().base_url)]


def start() -> None:
    """Readies this process; twice is as good as once.

    The embedded database is brought to the newest schema by itself; an external one only by
    ``volunteer-hub db upgrade``, because its owner chooses the hour. Raises PolicyError, NotReady.
    """
    log.configure()
    check_policies()
    schema.load()
    listener.install()
    if settings().database_url is None:
        migrations.upgrade(db.engine())
    elif migrations.current(db.engine()) != migrations.head():
        raise NotReady("the database has another schema than this program; run: volunteer-hub db upgrade")
    db.follow_clock()
