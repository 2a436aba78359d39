"""Checks that what was promised happened, and tells the city's administrators once what did not."""

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import promises
from volunteer_hub.boards.promises import Broken
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.core.log import logger
from volunteer_hub.flows import telling
from volunteer_hub.notify.rules import Kind, Subject

_log = logger("auditor")


def sweep() -> int:
    """The sweep over all promises; how many broken ones were found that nobody had been told of."""
    with db.transaction(SYSTEM, "auditor.check") as tx:
        cities = [node for node in jurisdictions.listed(tx, "audit.read") if node.parent_id is None]
        return sum(_tell(tx, one, cities) for one in promises.broken(tx))


def _tell(tx: Tx, one: Broken, cities: list[Jurisdiction]) -> int:
    """1 when this is news: the first row names it, so that one that lasts is told once."""
    facts = {
        "what": {lang: t(lang, f"promise.{one.code}") for lang in LANGUAGES},
        "count": len(one.ids),
        "first": f"{one.table}:{one.ids[0]}",
    }
    new = 0
    for city in (node for node in cities if node.path.startswith(one.city)):
        new += telling.tell(
            tx,
            accounts.holders(tx, "jurisdiction.write", city.path),
            "alert_promise",
            about=(Subject.INCIDENT, one.ids[0] if one.table == "incidents" else 0),
            area=city.path,
            kind=Kind.NONE,
            params=facts,
            deed=f"promise:{one.code}:{city.path}:{one.ids[0]}",
        )
    if new:
        _log.error("promise broken", code=one.code, table=one.table, first=one.ids[0], count=len(one.ids))
    return int(new > 0)
