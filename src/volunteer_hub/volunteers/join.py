"""Joining in under two minutes: a code to the telephone, then an application or a light pledge.

A light pledge ("call me only for ...") takes effect at once; an application waits for a clerk.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlmodel import col, delete, func, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Gone, Malformed, Refused, TooMany
from volunteer_hub.core.signing import new_token, short_code, token_hash
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import checking, consents, fields, registry, rules, skills, stored
from volunteer_hub.volunteers.fields import Wrong
from volunteer_hub.volunteers.models import JoinCode, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState, ConsentBy, InsuredBy, Purpose, Status

# Nobody is employed by their own word, brings a number of the register, or shows papers to a form.
_NOT_OWN: Final = frozenset(
    {"external_id", "basis", "insured_by", "certifications", "paused_until", "guardian_consent"}
)


@dataclass(frozen=True)
class Started:
    """A code to be sent to a number (E.164), and its row; of the code only a keyed hash is stored.

    ``known`` is whose number it is already: a code for them goes to no address but their own.
    """

    phone: str
    code: str
    row_id: int
    expires_at: datetime
    known: Volunteer | None


def start(tx: Tx, phone: str) -> Started:
    """Draws a code for a telephone. Raises Malformed for a wrong number, TooMany after five in an hour."""
    number = e164(phone)
    subject = stored.phone_hash(number)
    recent = select(func.count()).where(
        col(JoinCode.phone_hash) == subject, col(JoinCode.sent_at) > tx.now - timedelta(hours=1)
    )
    if tx.exec(recent).one() >= rules.CODES_AN_HOUR:
        raise TooMany("volunteer.codes", retry_after=3600)
    code = short_code()
    row = JoinCode(
        phone_hash=subject,
        code_hash=_code_hash(number, code),
        sent_at=tx.now,
        expires_at=tx.now + timedelta(minutes=rules.CODE_MINUTES),
    )
    tx.add(row)
    tx.flush()
    return Started(number, code, row.id, row.expires_at, registry.by_phone(tx, number))


def verify(tx: Tx, phone: str, code: str) -> str | None:
    """A proof that the telephone is theirs, for an hour; None for a wrong code.

    A wrong try is counted, so the transaction must be committed all the same: hence no error for it.
    Raises Gone when no code is open, TooMany after five tries.
    """
    number = e164(phone)
    latest = (
        select(JoinCode)
        .where(col(JoinCode.phone_hash) == stored.phone_hash(number), col(JoinCode.proof_hash).is_(None))
        .order_by(col(JoinCode.id).desc())
        .limit(1)
        .with_for_update()
    )
    row = tx.exec(latest).first()
    if row is None or row.expires_at <= tx.now:
        raise Gone("volunteer.code_expired")
    if row.tries >= rules.CODE_TRIES:
        raise TooMany("volunteer.code_tries", retry_after=60)
    row.tries += 1
    proof = None
    if hmac.compare_digest(row.code_hash, _code_hash(number, code.strip())):
        proof = new_token()
        row.proof_hash = token_hash(proof)
        row.expires_at = tx.now + timedelta(minutes=rules.PROOF_MINUTES)
    tx.flush()
    return proof


def holder(tx: Tx, proof: str, phone: str) -> str:
    """The number (E.164) that a proof stands for. Raises Gone for an ended proof or another's number."""
    number = e164(phone)
    row = tx.exec(
        select(JoinCode).where(
            col(JoinCode.proof_hash) == token_hash(proof),
            col(JoinCode.phone_hash) == stored.phone_hash(number),
        )
    ).first()
    if row is None or row.expires_at <= tx.now:
        raise Gone("volunteer.code_expired")
    return number


def submit(
    tx: Tx,
    proof: str,
    person: Mapping[str, Any],
    purposes: Iterable[Purpose],
    *,
    text_version: str = rules.CONSENT_VERSION,
    guardian_consents: bool = False,
    pledge_for: Iterable[str] = (),
) -> Volunteer:
    """An application, or with ``pledge_for`` a light pledge, of somebody whose telephone is proved.

    Fields as in a file of people; ``verified`` skills are taken as claimed. Somebody who had left comes back
    to their own row. Raises Malformed with every wrong field, Refused for who is in the pool already.
    """
    number, given = holder(tx, proof, str(person.get("phone", ""))), set(purposes)
    values, by = _checked(
        tx, {**person, "phone": number}, given, list(pledge_for), guardian_consents=guardian_consents
    )
    row = _enter(tx, values)
    consents.give(tx, row.id, given, by=by, text_version=text_version)
    return row


@dataclass(frozen=True)
class AtGate:
    """Somebody who came by themselves, in the pool before or from now on as an applicant, and what they say
    they can do."""

    row: Volunteer
    known: bool
    skills: tuple[str, ...]


def at_gate(
    tx: Tx, person: Mapping[str, Any], purposes: Iterable[Purpose], *, guardian_consents: bool = False
) -> AtGate:
    """An application by somebody who stands before us: nobody has proved the telephone, so of whoever has
    it already nothing is changed or told until a leader has seen who they are (`identified`).

    Raises Malformed with every wrong field, the same whether the number is known or not.
    """
    given = set(purposes)
    values, by = _checked(tx, person, given, [], guardian_consents=guardian_consents)
    row = registry.by_phone(tx, values["phone"])
    claimed = tuple(claim.skill for claim in values["skills"])
    if row is not None:
        return AtGate(row, True, claimed)
    row = registry.insert(tx, values)
    consents.give(tx, row.id, given, by=by)
    return AtGate(row, False, claimed)


def identified(
    tx: Tx, row: Volunteer, claimed: Iterable[str], *, fit: bool, insured_until: date | None
) -> Volunteer:
    """A leader has seen who somebody at the gate is: what they said of themselves there is theirs now, their
    skills as claims. Who had left applies again. ``insured_until``: the node insures them until then."""
    for skill in claimed:
        if tx.get(SkillClaim, (row.id, skill)) is None:
            skills.claim(tx, row, skill, 1)
    minor = row.guardian_consent_at is not None and not rules.is_adult(row.birthday, tx.now.date())
    by = ConsentBy.GUARDIAN if minor else ConsentBy.SELF
    consents.give(tx, row.id, rules.REQUIRED_PURPOSES, by=by)
    row.fit = row.fit or fit
    if row.status is Status.LEFT:
        rules.must_allow(row.status, Status.APPLIED)
        row.status = Status.APPLIED
    if insured_until is not None and (row.insured_until is None or row.insured_until < insured_until):
        row.insured_by, row.insured_until = InsuredBy.NODE, insured_until
    return registry.touched(tx, row)


def _checked(
    tx: Tx,
    person: Mapping[str, Any],
    given: set[Purpose],
    pledge_for: list[str],
    *,
    guardian_consents: bool,
) -> tuple[dict[str, Any], ConsentBy]:
    """The values of an application and who consents. Raises Malformed with every wrong field."""
    cells = {name: value for name, value in person.items() if name not in _NOT_OWN}
    cells |= {
        "status": Status.PLEDGED if pledge_for else Status.APPLIED,
        "pledge_for": pledge_for,
        "guardian_consent": tx.now if guardian_consents else None,
    }
    needed = ["phone", "birthday"] + (["guardian_name", "guardian_phone"] if guardian_consents else [])
    wrong = [FieldError(name, "volunteer.required") for name in needed if not person.get(name)]
    for purpose in rules.missing_purposes(given):
        wrong.append(FieldError("consent", "volunteer.consent", {"purpose": purpose.value}))
    try:
        values = registry.read(cells, checking.known(tx, None))
    except Malformed as error:
        raise Malformed("form", fields=[*wrong, *error.fields]) from None
    minor = values["birthday"] is not None and not rules.is_adult(values["birthday"], tx.now.date())
    if minor and not guardian_consents:
        wrong.append(FieldError("guardian_consent", "volunteer.minor"))
    if wrong:
        raise Malformed("form", fields=wrong)
    values["skills"] = [claim._replace(state=ClaimState.CLAIMED) for claim in values["skills"]]
    return values, ConsentBy.GUARDIAN if minor else ConsentBy.SELF


def sweep(tx: Tx) -> int:
    """Removes codes and proofs a day after they ended; the count removed."""
    gone = delete(JoinCode).where(col(JoinCode.expires_at) < tx.now - timedelta(days=1))
    return int(tx.exec(gone).rowcount)


def _enter(tx: Tx, values: dict[str, Any]) -> Volunteer:
    row = registry.by_phone(tx, values["phone"])
    if row is None:
        return registry.insert(tx, values)
    if row.status != Status.LEFT:
        raise Refused("volunteer.known")
    rules.must_allow(row.status, Status.APPLIED)
    return registry.overwrite(tx, row, values | {"status": Status.APPLIED})


def e164(raw: str) -> str:
    """A telephone number as E.164. Raises Malformed."""
    try:
        if not raw.strip():
            raise Wrong("required")
        return fields.phone(raw.strip(), policy.load("hub", Site).phone_region)
    except Wrong as error:
        raise Malformed("form", fields=[FieldError("phone", error.code, error.params)]) from None


def _code_hash(phone: str, code: str) -> bytes:
    return token_hash(f"join:{phone}:{code}")
