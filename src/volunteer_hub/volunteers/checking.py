"""A person as text, from a form, an API body or a row of a file, to the values that are stored.

One road for all doors: what an import refuses, a form refuses too, in the same words.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import column, select, table, true

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.geo import bd09_to_wgs84, gcj02_to_wgs84
from volunteer_hub.core.i18n import Text
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import fields, week
from volunteer_hub.volunteers.fields import Wrong
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.volunteers.rules import (
    CALLABLE,
    HOME_KINDS,
    Basis,
    ClaimState,
    InsuredBy,
    Precision,
    Status,
    TravelMode,
    is_adult,
)

DATUMS: Final = ("wgs84", "gcj02", "bd09")
_TO_WGS84: Final = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
_PARTS: Final = re.compile(r"\\(.)|([;|])", re.DOTALL)


class Claimed(NamedTuple):
    """One skill as written: ``first_aid:2``, or ``first_aid:2:verified``."""

    skill: str
    level: int
    state: ClaimState


class Certified(NamedTuple):
    """One certification as written: ``first_aid|No123|Red Cross|2025-01-01|2027-01-01``."""

    skill: str
    number: str | None
    issuer: str | None
    issued_on: date | None
    expires_on: date | None


class Home(NamedTuple):
    """A community a person may live in, and its centre."""

    code: str
    area: str
    lat: float
    lon: float


@dataclass(frozen=True)
class Known:
    """What people are checked against: homes by code, skills, the day, the datum of rows that name none."""

    homes: Mapping[str, Home]
    skills: frozenset[str]
    today: date
    region: str
    datum: str = "wgs84"
    closest: dict[str, str] = field(default_factory=dict)


def known(tx: Tx, permission: str | None, *, datum: str = "wgs84") -> Known:
    """What an actor's people are checked against: only communities where the permission is held exist.

    Without a permission, for people about themselves, all do. Raises Malformed for a datum that is none.
    """
    if datum not in DATUMS:
        raise Malformed("volunteer.datum", value=datum[:40], values=", ".join(DATUMS))
    if permission is not None:
        tx.actor.must(permission)
    site = policy.load("hub", Site)
    places = table("jurisdictions", *map(column, ("code", "path", "lat", "lon", "kind")))
    inside = tx.actor.scope(permission, places.c.path) if permission is not None else true()
    rows = tx.execute(
        select(places.c.code, places.c.path, places.c.lat, places.c.lon).where(
            inside, places.c.kind.in_(HOME_KINDS)
        )
    )
    homes = {row.code: Home(row.code, row.path, row.lat, row.lon) for row in rows}
    skills = frozenset(policy.load("skills", Skills).skills)
    return Known(homes, skills, tx.now.astimezone(site.timezone).date(), site.phone_region, datum)


def split(raw: str, separator: str) -> list[str]:
    r"""Parts between separators; ``\;``, ``\|`` and ``\\`` stand for the signs themselves. Parts keep their
    escapes when the separator is ``;``, so that they can be split again at ``|``."""
    if "\\" not in raw:
        return [part.strip() for part in raw.split(separator)]
    parts, start = [], 0
    for match in _PARTS.finditer(raw):
        if match[2] == separator:
            parts.append(raw[start : match.start()])
            start = match.end()
    parts.append(raw[start:])
    if separator == "|":
        parts = [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in parts]
    return [part.strip() for part in parts]


def escaped(value: str) -> str:
    """A text that `split` gives back whole."""
    return re.sub(r"([\\;|])", r"\\\1", value)


def _skill(code: str, known: Known) -> str:
    if code in known.skills:
        return code
    if code not in known.closest and len(known.closest) < 1000:
        known.closest[code] = next(iter(difflib.get_close_matches(code, known.skills, 1, 0.75)), "")
    nearest = known.closest.get(code, "")
    raise Wrong("skill.nearest" if nearest else "skill", value=code[:40], nearest=nearest)


def _skills(raw: str, known: Known) -> list[Claimed]:
    claims: dict[str, Claimed] = {}
    for part in filter(None, split(raw, ";")):
        code, _, rest = part.partition(":")
        level, _, state = rest.partition(":")
        code = _skill(code.strip(), known)
        if code in claims:
            raise Wrong("skill.twice", value=code)
        if level.strip() not in ("", "1", "2", "3"):
            raise Wrong("level", value=level[:10])
        claims[code] = Claimed(
            code,
            int(level or 1),
            ClaimState(fields.one_of(state.strip(), ClaimState)) if state else ClaimState.CLAIMED,
        )
    return list(claims.values())


def _certifications(raw: str, known: Known) -> list[Certified]:
    found: dict[tuple[str, str | None], Certified] = {}
    for part in filter(None, split(raw, ";")):
        cells = split(part, "|")
        if len(cells) > 5:
            raise Wrong("certification")
        code, number, issuer, issued, expires = [*cells, "", "", "", ""][:5]
        one = Certified(
            _skill(code, known),
            fields.line(number) if number else None,
            fields.line(issuer) if issuer else None,
            fields.day(issued) if issued else None,
            fields.day(expires) if expires else None,
        )
        if one.issued_on is not None and one.expires_on is not None and one.issued_on > one.expires_on:
            raise Wrong("certification.dates")
        if (one.skill, one.number) in found:
            raise Wrong("certification.twice", value=code)
        found[one.skill, one.number] = one
    return list(found.values())


def _pledge_for(raw: str, known: Known) -> list[str]:
    return list(dict.fromkeys(_skill(code, known) for code in split(raw, ";") if code))


def _home(raw: str, known: Known) -> Home:
    home = known.homes.get(raw)
    if home is None:
        raise Wrong("community", value=raw[:40])
    return home


def _language(raw: str) -> str:
    tag = raw.casefold().replace("_", "-").partition("-")[0]
    if tag not in ("en", "zh"):
        raise Wrong("one_of", value=raw[:40], values="zh, en")
    return tag


def _datum(raw: str) -> str:
    name = raw.casefold().replace("-", "").replace("_", "")
    if name not in DATUMS:
        raise Wrong("datum", value=raw[:40], values=", ".join(DATUMS))
    return name


def _moment(raw: str) -> datetime:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        raise Wrong("date") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _of(kind: Any) -> Callable[[str, Known], Any]:
    return lambda raw, _: fields.one_of(raw, kind)


def _plain(read: Callable[[str], Any]) -> Callable[[str, Known], Any]:
    return lambda raw, _: read(raw)


READ: Final[dict[str, Callable[[str, Known], Any]]] = {
    "external_id": _plain(lambda raw: fields.line(raw, 64)),
    "name": _plain(fields.line),
    "birthday": lambda raw, known: fields.birthday(raw, known.today),
    "phone": lambda raw, known: fields.phone(raw, known.region),
    "email": _plain(fields.email),
    "language": _plain(_language),
    "community": _home,
    "street": _plain(fields.line),
    "address": _plain(fields.lines),
    "lat": _plain(lambda raw: fields.degrees(raw, 90, "latitude")),
    "lon": _plain(lambda raw: fields.degrees(raw, 180, "longitude")),
    "precision": _of(Precision),
    "datum": _plain(_datum),
    "skills": _skills,
    "certifications": _certifications,
    "availability": _plain(fields.cells),
    "quiet_from": _plain(fields.minute_of_day),
    "quiet_until": _plain(fields.minute_of_day),
    "travel_mode": _of(TravelMode),
    "max_km": _plain(fields.kilometres),
    "basis": _of(Basis),
    "fit": _plain(fields.yes_no),
    "insured_until": _plain(fields.day),
    "insurer": _plain(fields.line),
    "policy_no": _plain(fields.line),
    "education": _plain(fields.line),
    "status": _of(Status),
    "insured_by": _of(InsuredBy),
    "emergency_contact": _plain(fields.line),
    "guardian_name": _plain(fields.line),
    "guardian_phone": lambda raw, known: fields.phone(raw, known.region),
    "guardian_consent": _plain(_moment),
    "paused_until": _plain(fields.day),
    "pledge_for": _pledge_for,
}
REQUIRED: Final = ("name", "community")
DEFAULTS: Final[dict[str, Any]] = {
    **dict.fromkeys(READ),
    "language": "zh",
    "availability": week.ALWAYS,
    "travel_mode": TravelMode.FOOT,
    "basis": Basis.VOLUNTARY,
    "fit": False,
    "status": Status.ACTIVE,
}


def check(
    cells: Mapping[str, str], known: Known, number: int | None = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """One person's values by column, and everything wrong with them; ``number`` is the line in a file.

    Blank cells take their defaults. Positions keep their datum until `to_wgs84`; the community's own centre
    stands in for none.
    """
    values, wrong = DEFAULTS | {"skills": [], "certifications": [], "pledge_for": []}, []
    for name, raw in cells.items():
        if text := raw.strip():
            try:
                values[name] = READ[name](text, known)
            except Wrong as error:
                wrong.append(_at(name, error, number))
    named = {error.params["column"] for error in wrong}
    wrong += [_at(name, e, number) for name, e in across(values, known) if name not in named]
    return values, wrong


def _at(name: str, error: Wrong, number: int | None) -> FieldError:
    where = name if number is None else f"{number}:{name}"
    return FieldError(where, error.code, {"line": number, "column": name, **error.params})


def across(values: dict[str, Any], known: Known) -> Iterable[tuple[str, Wrong]]:
    """What is wrong between the fields of one person; fills in what follows from others."""
    for name in REQUIRED:
        if values[name] is None:
            yield name, Wrong("required")
    for one, other in (
        ("lat", "lon"),
        ("lon", "lat"),
        ("quiet_from", "quiet_until"),
        ("quiet_until", "quiet_from"),
    ):
        if values[one] is None and values[other] is not None:
            yield one, Wrong("both", other=Text(f"volunteers.field.{other}"))
    status, born = values["status"], values["birthday"]
    if status == Status.FORGOTTEN:
        yield "status", Wrong("one_of", value="forgotten", values=", ".join(s for s in Status if s != status))
    if (
        (status in CALLABLE or status == Status.PAUSED)
        and values["guardian_consent"] is None
        and born is not None
        and not is_adult(born, known.today)
    ):
        yield "guardian_consent", Wrong("minor")
    claimed = {claim.skill for claim in values["skills"]}
    for paper in values["certifications"]:
        if paper.skill not in claimed:
            claimed.add(paper.skill)
            values["skills"].append(Claimed(paper.skill, 1, ClaimState.CLAIMED))
    if status == Status.PLEDGED and not values["pledge_for"]:
        values["pledge_for"] = sorted(claimed)
    place_at_home(values)


def place_at_home(values: dict[str, Any]) -> None:
    """Gives who has no position the community's centre, marked as such."""
    if values["lat"] is None and values["lon"] is None and values["community"] is not None:
        values["lat"], values["lon"] = values["community"].lat, values["community"].lon
        values["precision"], values["datum"] = Precision.COMMUNITY, "wgs84"
    elif values["precision"] is None:
        values["precision"] = Precision.ADDRESS


def to_wgs84(people: Sequence[dict[str, Any]], known: Known) -> None:
    """Brings positions to WGS-84 in place, all of one datum at once."""
    shifted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for values in people:
        datum = values["datum"] or known.datum
        if datum != "wgs84":
            shifted[datum].append(values)
    for datum, group in shifted.items():
        lats, lons = _TO_WGS84[datum]([v["lat"] for v in group], [v["lon"] for v in group])
        for values, lat, lon in zip(group, lats.tolist(), lons.tolist(), strict=True):
            values["lat"], values["lon"], values["datum"] = lat, lon, "wgs84"
