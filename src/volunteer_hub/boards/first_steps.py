"""What a new city still has to do before its first callout, and has done already."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import exists, literal, or_
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.access.muster_models import CallDownKey
from volunteer_hub.access.rules import AccountState
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.drills.rules import RunState
from volunteer_hub.notify import dispatch
from volunteer_hub.notify.rules import Channel
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@dataclass(frozen=True)
class Step:
    """``code`` names its words in the catalogue, ``href`` the page where it is done."""

    code: str
    href: str
    done: bool


# In the order in which they are done -> (the right that does it, where)
_STEPS: Final = {
    "people": ("volunteer.import", "/volunteers/import"),
    "channel": ("settings.read", "/settings"),
    "second": ("account.write", "/accounts"),
    "drill": ("drill.write", "/drills/new"),
    "paper": ("volunteer.export", "/call-downs"),
}


def steps(tx: Tx) -> list[Step]:
    """Those that the actor may do, in their areas and in one query; none once all of them are done."""
    mine = {code: where for code, where in _STEPS.items() if tx.actor.may(where[0])}
    if not mine:
        return []
    facts: Any = select(*(clause.label(code) for code, clause in _facts(tx).items()))
    found = tx.execute(facts).mappings().one()
    reached = {**found, "channel": dispatch.configured() != {Channel.CONSOLE}}
    told = [Step(code, href, reached[code]) for code, (_, href) in mine.items()]
    return [] if all(step.done for step in told) else told


def _facts(tx: Tx) -> dict[str, Any]:
    scope, other = tx.actor.scope, col(Account.id) != tx.actor.id
    above = [literal(path).startswith(col(CallDownKey.area)) for path in tx.actor.areas("volunteer.export")]
    return {
        "people": exists().where(
            col(Volunteer.status) == Status.ACTIVE, scope("volunteer.import", Volunteer.area)
        ),
        "second": exists().where(
            col(Account.state) == AccountState.ACTIVE, other, scope("account.write", Account.area)
        ),
        "drill": exists().where(col(DrillRun.state) == RunState.RUN, scope("drill.write", DrillRun.area)),
        "paper": exists().where(or_(scope("volunteer.export", CallDownKey.area), *above)),
    }
