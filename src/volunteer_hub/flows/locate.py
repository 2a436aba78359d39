"""Homes are placed by the geocoder that the operator chose; without one nothing leaves.

1. Claim people who gave an address and have no position of their own (one transaction, a lease). 2. Ask the
geocoder, no session open. 3. Record positions; who was not found stays at the community's centre, and is not
asked for again until the address changes. When the service is down, the lease runs out and all are due again.
"""

import time
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db, net
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Unavailable
from volunteer_hub.core.log import logger
from volunteer_hub.core.settings import settings
from volunteer_hub.volunteers import geocode, lookups
from volunteer_hub.volunteers.geocode import Answer, Geocode, Located
from volunteer_hub.volunteers.lookups import Due

BATCH: Final = 20
LEASE_SECONDS: Final = 600  # longer than a batch takes, and the pause while the service is down
SWEEP_SECONDS: Final = 60.0
_FAILURES: Final = 2  # in a row: then it is the service, not an address
_SERVICE_SECONDS: Final = 3600  # these wait longer than the others, or two bad addresses would block the rest
_ADDRESS_SECONDS: Final = 24 * 3600


@dataclass
class _Asked:
    """What came of a batch."""

    located: list[tuple[Due, Located]] = field(default_factory=list)
    failed: list[Due] = field(default_factory=list)
    answers: list[tuple[str, int, Answer]] = field(default_factory=list)
    down: HubError | None = None


class _Cache:
    """Answers of before, read in transactions of their own; new ones are collected for the batch's end."""

    def __init__(self) -> None:
        self.asking = 0
        self.new: list[tuple[str, int, Answer]] = []

    def get(self, key: str) -> Answer | None:
        fresh = next((answer for name, _, answer in self.new if name == key), None)
        if fresh is not None:
            return fresh
        with db.read(SYSTEM) as tx:
            return lookups.known(tx, key)

    def put(self, key: str, answer: Answer) -> None:
        self.new.append((key, self.asking, answer))


def sweep() -> int:
    """Looks up who waits, for about a minute; how many addresses were answered, found or not.

    Raises Malformed for a setting that cannot be used.
    """
    cache = _Cache()
    ask = _configured(cache.get, cache.put)
    if ask is None:
        return 0
    total, ends = 0, time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < ends:
        taken, answered, down = _batch(ask, cache)
        total += answered
        if down or taken < BATCH:
            break
    return total


def probe() -> str | None:
    """The provider's name when it answers a question about no person; None when none is configured.

    Raises Malformed for a setting that cannot be used, Unavailable or Refused when there is no answer.
    """
    ask = _configured(lambda _: None, lambda _, __: None)
    if ask is None:
        return None
    with db.read(SYSTEM) as tx:
        root = tx.exec(select(Jurisdiction.name).where(col(Jurisdiction.parent_id).is_(None))).first()
    ask((root or {}).get("zh", "北京市"))
    return _spec().partition(":")[0]


def _configured(get: geocode.Get, put: geocode.Put) -> Geocode | None:
    return geocode.configured(_spec(), outbound=_outbound(), get=get, put=put)


def _spec() -> str:
    secret = settings().geocoder
    return secret.get_secret_value().strip() if secret is not None else ""


def _outbound() -> net.Outbound:
    return net.Outbound(internal=settings().internal_hosts)


def _batch(ask: Geocode, cache: _Cache) -> tuple[int, int, bool]:
    """People taken, addresses answered, and whether the service is down."""
    with db.transaction(SYSTEM, "volunteer.locate_claim") as tx:
        due = lookups.claim(tx, limit=BATCH, lease_seconds=LEASE_SECONDS)
        homes = _homes(tx, due)
    if not due:
        return 0, 0, False
    asked = _ask(ask, cache, due, homes)
    with db.transaction(SYSTEM, "volunteer.locate") as tx:
        for person, located in asked.located:
            lookups.record(tx, person, located)
        wait = _ADDRESS_SECONDS if asked.down is None else _SERVICE_SECONDS
        lookups.put_off(tx, [person.volunteer_id for person in asked.failed], wait)
        lookups.keep(tx, asked.answers)
    if asked.down is not None:
        logger("locate").warning("the geocoder does not answer", error=str(asked.down))
    return len(due), len(asked.located), asked.down is not None


def _ask(ask: Geocode, cache: _Cache, due: list[Due], homes: dict[str, "_Home"]) -> _Asked:
    asked, in_a_row = _Asked(), 0
    cache.new = asked.answers
    for person in due:
        cache.asking, home = person.volunteer_id, homes[person.area]
        try:
            found = geocode.locate(home.query(person.address), home.centre, ask)
        except Unavailable as error:
            asked.failed.append(person)
            in_a_row += 1
            if in_a_row == _FAILURES:
                asked.down = error
                break
        except HubError as error:
            asked.down = error  # the network's policy refuses: it will for the next one too
            break
        else:
            asked.located.append((person, found))
            in_a_row = 0
    return asked


@dataclass(frozen=True)
class _Home:
    """A community's centre and the names of its city."""

    centre: tuple[float, float]
    city: dict[str, str]

    def query(self, address: str) -> str:
        """The address, with the city where it does not say it: a street name alone is in a hundred cities."""
        address = " ".join(address.split())
        zh, en = self.city.get("zh", ""), self.city.get("en", "")
        if any(name and name.casefold() in address.casefold() for name in (zh, zh.removesuffix("市"), en)):
            return address
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in address)
        return zh + address if chinese and zh else f"{address}, {en or zh}"


def _homes(tx: Tx, due: list[Due]) -> dict[str, _Home]:
    """Of every community among these people."""
    communities: dict[str, Jurisdiction] = {
        area: jurisdictions.by_path(tx, area) for area in {person.area for person in due}
    }
    roots = {area: "/" + area.split("/")[1] + "/" for area in communities}
    cities = jurisdictions.names(tx, roots.values())
    return {
        area: _Home((node.lat, node.lon), cities.get(roots[area], {})) for area, node in communities.items()
    }
