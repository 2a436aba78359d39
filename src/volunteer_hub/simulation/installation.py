"""A made-up city put into an empty installation: its tree, its people, its organisations, its staff."""

import csv
import io
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import accounts, jurisdictions, tokens
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import NodeKind, Role
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import exchange
from volunteer_hub.simulation.city import City, build_city
from volunteer_hub.simulation.organisations import organisations
from volunteer_hub.simulation.people import COLUMNS, people
from volunteer_hub.volunteers import organisations as pledged
from volunteer_hub.volunteers import queries
from volunteer_hub.volunteers.organisations import OrganisationIn
from volunteer_hub.volunteers.rules import OrganisationKind

SEED: Final = 1
ZONE: Final = ZoneInfo("Asia/Shanghai")
CITY: Final = "DQ"
COMMUNITY: Final = "DQ-ST-001"
FIRST_NIGHT: Final = datetime(2026, 1, 16, 22, 0, tzinfo=ZONE)
"""A Friday in the depth of winter."""
Told = Callable[[str, int, int], None]
"""(key of what is being built, done, in all)."""


@dataclass(frozen=True)
class Login:
    """How one of the staff signs in this time."""

    role: str
    name: str
    email: str
    password: str


@dataclass(frozen=True)
class Staff:
    """Everybody's login by role, and the API token of the city's command system."""

    logins: dict[str, Login]
    token: str


# role in the story: the right it has, and where
_STAFF: Final = {
    "coordinator": (Role.COORDINATOR, CITY),
    "second": (Role.COORDINATOR, CITY),
    "clerk": (Role.CLERK, "DQ-ST"),
    "council": (Role.RESIDENTS_COUNCIL, COMMUNITY),
    "admin": (Role.CITY_ADMIN, CITY),
}
_SYSTEM: Final = "command"


def volunteers() -> int:
    """How many people the installation holds; 0 before anything was built."""
    with db.read(SYSTEM) as tx:
        return queries.count(tx)


def build(n: int, told: Told, *, seed: int = SEED) -> None:
    """Builds the city with ``n`` volunteers by the roads that a real city takes: all of it, or nothing.

    Birthdays and certificates are told against the day of the installation's clock.
    """
    city = build_city(seed)
    with db.transaction(SYSTEM, "demo.build") as tx:
        paths = jurisdictions.load_tree(tx, tree(city))
        told("tree", len(paths), len(paths))
        with tempfile.TemporaryFile() as file:
            _write(file, city, n, seed, tx.now.astimezone(ZONE), told)
            exchange.take_in(tx, file, progress=lambda done, total: told("import", done, max(n, total)))
        for unit in organisations(city, seed):
            pledged.create(
                tx,
                OrganisationIn(
                    area=paths[unit.area],
                    name=unit.name.zh,
                    kind=OrganisationKind(unit.kind),
                    contact_name=unit.contact_name,
                    contact_phone=unit.contact_phone,
                    contact_email=unit.contact_email,
                    activation_minutes=unit.activation_minutes,
                    lat=unit.lat,
                    lon=unit.lon,
                    pledges=dict(unit.pledges),
                ),
            )


def tree(city: City) -> list[jurisdictions.Node]:
    """The city as nodes of the tree of jurisdictions, parents first, outlines as GeoJSON."""
    return [
        jurisdictions.Node(
            code=node.code,
            kind=NodeKind(node.kind),
            name={"en": node.name.en, "zh": node.name.zh},
            lat=node.lat,
            lon=node.lon,
            parent=node.parent,
            street=node.street.zh if node.street else None,
            zone=ZONE.key,
            residents=node.residents,
            shape={"type": "Polygon", "coordinates": [_ring(node.outline)]},
        )
        for node in city.nodes
    ]


def _ring(outline: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    corners = [(lon, lat) for lat, lon in outline]
    return [*corners, corners[0]]


def _write(file: BinaryIO, city: City, n: int, seed: int, now: datetime, told: Told) -> None:
    """A file of people as a city would hand it in, rewound."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for number, row in enumerate(people(city, n, seed, today=now.date()), 1):
        writer.writerow(row)
        if number % 2_000 == 0:
            told("people", number, n)
    told("people", n, n)
    text.detach()
    file.seek(0)


def staff(lang: str) -> Staff:
    """The staff of the story with new random passwords; sessions and tokens of earlier times end."""
    logins = {}
    with db.transaction(SYSTEM, "demo.staff") as tx:
        for key, (role, code) in _STAFF.items():
            area = jurisdictions.by_code(tx, code).path
            account = _account(tx, key, area, lang)
            accounts.grant(tx, account, role, area)
            word = secrets.token_urlsafe(9)
            accounts.set_password(tx, account, word)
            logins[key] = Login(key, account.name, account.email, word)
        city = jurisdictions.by_code(tx, CITY).path
        system = _account(tx, _SYSTEM, city, lang)
        accounts.grant(tx, system, Role.COORDINATOR, city)
        for old in tokens.listed(tx, system):
            tokens.revoke(tx, old)
        _, clear = tokens.create(
            tx,
            system,
            label=system.name,
            scopes=["alert.read", "alert.write"],
            area=city,
            expires_at=tx.now + timedelta(days=365),
        )
    return Staff(logins, clear)


def _account(tx: db.Tx, key: str, area: str, lang: str) -> Account:
    email = f"{key}@daqing.example"
    found = accounts.by_email(tx, email)
    if found is None:
        return accounts.create(tx, area=area, email=email, name=t(lang, f"demo.name.{key}"), lang=lang)
    found.name, found.lang = t(lang, f"demo.name.{key}"), lang
    return found


def next_night(hour: int, minute: int) -> datetime:
    """The next moment at which the city's clocks show that time; the first one is a summer night."""
    now = clock.now().astimezone(ZONE) if volunteers() else FIRST_NIGHT
    night = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return night if night > now else night + timedelta(days=1)
