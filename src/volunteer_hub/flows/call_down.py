"""For a night without network: each day a call-down by building of every community, sealed to its passphrase.

The files lie in the data folder for a few days. Whoever is forgotten, or leaves, is out of the next one.
"""

import json
import os
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions, muster
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.audit import lines
from volunteer_hub.audit.rules import Operation
from volunteer_hub.boards import slots
from volunteer_hub.core import db, policy, strongbox
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.i18n import LANGUAGES, pick
from volunteer_hub.core.log import logger
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.flows import call_down_words as words
from volunteer_hub.flows.call_down_words import Door, Sheet
from volunteer_hub.volunteers import call_down, skills
from volunteer_hub.volunteers.call_down import Person
from volunteer_hub.volunteers.models import SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import HOME_KINDS, ClaimState, Status, is_adult, may_be_called

SUFFIX: Final = ".calldown"
_log = logger("call_down")


def sweep() -> int:
    """Writes the call-downs whose hour has come and that are not there yet, and removes old ones; how many
    were written. A missed hour is made up for at the next look."""
    with db.read(SYSTEM) as tx:
        day = _due(tx.now)
        waiting = [
            node.path
            for node in jurisdictions.everywhere(tx)
            if node.kind in HOME_KINDS and not file_of(node, day).exists() and muster.key_for(tx, node.path)
        ]
    for old in _folder().glob(f"*/*{SUFFIX}"):
        if old.stem < (day - timedelta(days=policy.load("hub", Site).call_down.keep_days - 1)).isoformat():
            old.unlink(missing_ok=True)
    return sum(_safely(path, day) for path in waiting)


def _safely(path: str, day: date) -> int:
    """One community that fails must not leave the others without theirs."""
    try:
        with db.read(SYSTEM) as tx:
            write(tx, jurisdictions.by_path(tx, path), day)
    except Exception as error:
        _log.error("call-down not written", area=path, exc_info=error)
        return 0
    return 1


def write(tx: Tx, node: Jurisdiction, day: date | None = None) -> Path:
    """Writes the call-down of a community as of now. Raises Refused where no passphrase is set."""
    tx.actor.must_cover(muster.RIGHT, node.path)
    key = muster.key_for(tx, node.path)
    if key is None:
        raise Refused("calldown.no_passphrase")
    sheet = sheet_of(tx, node)
    content = json.dumps({lang: words.page(sheet, lang) for lang in LANGUAGES}).encode()
    target = file_of(node, day or _due(tx.now))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = target.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(half, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(strongbox.seal(key.salt, key.public_key, zlib.compress(content)))
    half.replace(target)
    return target


def files(node: Jurisdiction) -> list[str]:
    """The days of which there is a call-down, the newest first."""
    return sorted((path.stem for path in file_of(node, date.min).parent.glob(f"*{SUFFIX}")), reverse=True)


def taken_out(tx: Tx, node: Jurisdiction, day: str) -> bytes:
    """A file as it lies there, sealed; the trail says who took it. Raises NotFound."""
    tx.actor.must_cover(muster.RIGHT, node.path)
    if day not in files(node):
        raise NotFound("not_found")
    change = {"*": {"call_down": day}}
    lines.write(tx, [lines.Line(Operation.UPDATE, "jurisdictions", str(node.id), node.path, change)])
    return file_of(node, date.fromisoformat(day)).read_bytes()


def opened(sealed: bytes, passphrase: str, lang: str) -> str:
    """The page in a file, in one language. Raises Refused for a wrong passphrase or file."""
    content = strongbox.unseal(passphrase, sealed)
    if content is None:
        raise Refused("calldown.wrong_passphrase")
    pages: dict[str, str] = json.loads(zlib.decompress(content))
    return pages[lang]


def file_of(node: Jurisdiction, day: date) -> Path:
    """Where the call-down of a community for a day lies."""
    return _folder() / quote(node.code, safe="") / f"{day.isoformat()}{SUFFIX}"


def sheet_of(tx: Tx, node: Jurisdiction) -> Sheet:
    """Everybody of a community who may be called, by building and in the order of the tree."""
    today = tx.now.astimezone(ZoneInfo(node.zone)).date()
    wanted = select(Volunteer).where(
        col(Volunteer.area) == node.path,
        col(Volunteer.status).in_((Status.ACTIVE, Status.PLEDGED, Status.PAUSED)),
        col(Volunteer.merged_into).is_(None),
    )
    people = {row.id: row for row in tx.exec(wanted) if may_be_called(row.status, row.paused_until, today)}
    held = _claims(tx, node.path)
    tree = call_down.tree(
        [
            Person(
                row.id,
                call_down.building_of(row.address, row.street),
                max(
                    (claim.level for claim in held.get(row.id, ()) if claim.skill == slots.LEADER), default=0
                ),
                is_adult(row.birthday, today),
            )
            for row in people.values()
        ]
    )

    def door(key: int, by: int | None) -> Door:
        row = people[key]
        guardian = (
            ""
            if is_adult(row.birthday, today)
            else " ".join(filter(None, (row.guardian_name, row.guardian_phone)))
        )
        name = (people[by].name or "") if by is not None else ""
        return Door(row.name or "", row.phone or "", _said(held.get(key, ())), name, guardian)

    point = muster.point_for(tx, node.path)
    return Sheet(
        community=dict(node.name),
        written=f"{tx.now.astimezone(ZoneInfo(node.zone)):%Y-%m-%d %H:%M}",
        point=(point.name, f"{point.lat:.5f}, {point.lon:.5f}", point.words) if point is not None else None,
        buildings=[(house.name, [door(one.id, one.by) for one in house.knocks]) for house in tree],
    )


def _claims(tx: Tx, path: str) -> dict[int, list[SkillClaim]]:
    wanted = (
        select(SkillClaim)
        .join(Volunteer, col(Volunteer.id) == col(SkillClaim.volunteer_id))
        .where(col(Volunteer.area) == path)
        .order_by(col(SkillClaim.level).desc(), col(SkillClaim.skill))
    )
    found: dict[int, list[SkillClaim]] = {}
    for claim in tx.exec(wanted):
        found.setdefault(claim.volunteer_id, []).append(claim)
    return found


def _said(claims: Sequence[SkillClaim]) -> dict[str, str]:
    """Skills in words, by language; what nobody has verified bears a question mark."""
    known = skills.taxonomy().skills
    shown = [one for one in claims if one.skill in known and not known[one.skill].everyone]
    return {
        lang: ", ".join(
            pick(known[one.skill].name, lang) + ("" if one.state is ClaimState.VERIFIED else "?")
            for one in shown
        )
        for lang in LANGUAGES
    }


def _due(now: datetime) -> date:
    """The day whose hour came last."""
    site = policy.load("hub", Site)
    local = now.astimezone(site.timezone)
    return local.date() if local.time() >= site.call_down.at else local.date() - timedelta(days=1)


def _folder() -> Path:
    return settings().data_dir / "call-down"
