"""Certificates of a volunteer: a record of their service, a letter for their employer; free, and their own.

The principles are those of China's rules for records and certificates of voluntary service (Ministry of Civil
Affairs, 2020, articles 3 and 4): true, accurate, complete, free of charge and at once; basic data, service,
training, commendations.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import certificate as board
from volunteer_hub.boards.offer import masked
from volunteer_hub.core.db import Tx
from volunteer_hub.core.document import Document
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import certificate_document as words
from volunteer_hub.flows import respond
from volunteer_hub.incentives import certificates
from volunteer_hub.incentives import certificates_rules as rules
from volunteer_hub.incentives.certificates import Draft
from volunteer_hub.incentives.certificates_models import Certificate
from volunteer_hub.incentives.certificates_rules import Named, Paper, Shows, Standing
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import PLACED
from volunteer_hub.volunteers import registry

LETTER: Final = Shows(Named.MASKED, hours=True)
"""What the page behind a letter's code shows: a covered name, and the hours, which the letter is about."""


@dataclass(frozen=True)
class Checked:
    """What anybody reads who has the code: no more than its holder lets them. ``content`` holds nothing else;
    None once it is withdrawn."""

    certificate: Certificate
    standing: Standing
    content: dict[str, Any] | None
    digest: str


def hours(tx: Tx, volunteer_id: int, begins: date, ends: date, shows: Shows) -> Certificate:
    """Issues the record of a person's service between two local days; again with nothing changed, the same.

    Raises Malformed for days that are no period, or have not been yet.
    """
    row = registry.one(tx, volunteer_id, lock=True)
    zone = ZoneInfo(jurisdictions.by_path(tx, row.area).zone)
    rules.check_period(begins, ends, tx.now.astimezone(zone).date())
    content = board.hours(tx, row, begins, ends)
    return certificates.issue(tx, Draft(row.id, row.area, Paper.HOURS, begins, ends, shows, content))


def for_volunteer(tx: Tx, public_id: uuid.UUID, begins: date, ends: date, shows: Shows) -> Certificate:
    """The same, by the staff for somebody of their areas who asked. Raises NotFound, and as `hours`."""
    return hours(tx, registry.find(tx, "volunteer.write", public_id).id, begins, ends, shows)


def absence(tx: Tx, token: str) -> Certificate:
    """Issues the letter behind an offer's link. Raises NotFound for an unknown link, Refused for somebody who
    is not called out."""
    return _absence(tx, respond.by_link(tx, token))


def own_absence(tx: Tx, volunteer_id: int, offer: uuid.UUID) -> Certificate:
    """The same for the offer by the id seen outside. Raises NotFound for anybody else's."""
    mine = col(Offer.public_id) == offer, col(Offer.volunteer_id) == volunteer_id
    found = tx.exec(select(Offer).where(*mine)).first()
    if found is None:
        raise NotFound("not_found")
    return _absence(tx, found)


def _absence(tx: Tx, offer: Offer) -> Certificate:
    if offer.state not in PLACED:
        raise Refused("certificate.not_called")
    row = registry.one(tx, offer.volunteer_id, lock=True)
    content = board.absence(tx, row, offer)
    zone = ZoneInfo(content["zone"])
    days = [moment.astimezone(zone).date() for moment in (offer.starts_at, offer.ends_at)]
    draft = Draft(row.id, row.area, Paper.ABSENCE, days[0], days[1], LETTER, content, offer.id)
    return certificates.issue(tx, draft)


def document(tx: Tx, certificate: Certificate, lang: str) -> Document:
    """What was issued, in one language, with the code that leads to its page. Raises Refused for one that is
    withdrawn, NotFound once its holder is forgotten."""
    if certificate.withdrawn_at is not None:
        raise Refused("certificate.withdrawn")
    return words.document(certificate, certificates.content(tx, certificate), lang)


def check(tx: Tx, code: str) -> Checked:
    """What the page behind a code says. Raises NotFound for a code that was never given out."""
    certificate = certificates.by_token(tx, code)
    digest = certificate.digest.hex()
    if certificate.withdrawn_at is not None:
        return Checked(certificate, Standing.WITHDRAWN, None, digest)
    content = certificates.content(tx, certificate)
    found = rules.standing(
        withdrawn=False, figures=content["figures"], today=_today(tx, certificate, content)
    )
    return Checked(certificate, found, _shown(certificate, content), digest)


def _today(tx: Tx, certificate: Certificate, content: dict[str, Any]) -> dict[str, Any]:
    if certificate.offer_id is not None:
        offer = tx.get_one(Offer, certificate.offer_id)
        return board.absence_figures(tx, offer, served=content["figures"]["served"] is not None)
    begins, ends = certificate.begins, certificate.ends
    return board.figures(tx, certificate.volunteer_id, begins, ends, content["zone"])


def _shown(certificate: Certificate, content: dict[str, Any]) -> dict[str, Any]:
    name, figures = content["person"]["name"], content["figures"]
    shown: dict[str, Any] = {
        "name": name if certificate.named is Named.FULL else masked(name),
        "issuer": content["issuer"],
        "zone": content["zone"],
    }
    if certificate.shows_hours:
        shown["hours"] = {key: value for key, value in figures.items() if key != "duties"}
    if certificate.shows_duties:
        shown["duties"] = figures["duties"]
    return shown
