"""What a person can do: claimed by themselves, verified by the staff, certified by papers that end."""

from collections.abc import Iterable
from datetime import date, timedelta

from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused
from volunteer_hub.volunteers import rules
from volunteer_hub.volunteers.models import Certification, SkillClaim, Volunteer
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.volunteers.registry import touched, verify
from volunteer_hub.volunteers.rules import ClaimState


def taxonomy() -> Skills:
    """The skills in force."""
    skills: Skills = policy.load("skills", Skills)
    return skills


def claim(tx: Tx, row: Volunteer, skill: str, level: int) -> SkillClaim:
    """A person says what they can do. A verified skill at another level is only claimed again."""
    _must_exist(skill)
    _must_be_level(level)
    have = tx.get(SkillClaim, (row.id, skill))
    if have is None:
        have = SkillClaim(volunteer_id=row.id, skill=skill, level=level)
        tx.add(have)
    elif have.level != level:
        have.level, have.state = level, ClaimState.CLAIMED
        verify(tx, have)
    touched(tx, row)
    return have


def unclaim(tx: Tx, row: Volunteer, skill: str) -> None:
    """The person no longer says so. Raises NotFound, Refused for what is suspended: it stays so."""
    have = tx.get(SkillClaim, (row.id, skill))
    if have is None:
        raise NotFound("not_found")
    if have.suspended_at is not None:
        raise Refused("volunteer.skill_suspended")
    tx.delete(have)
    touched(tx, row)


def vouch(tx: Tx, row: Volunteer, skill: str, level: int) -> SkillClaim:
    """The staff vouches for a skill at a level."""
    tx.actor.must_cover("volunteer.write", row.area)
    have = claim(tx, row, skill, level)
    have.state = ClaimState.VERIFIED
    verify(tx, have)
    tx.flush()
    return have


def certify(
    tx: Tx,
    row: Volunteer,
    skill: str,
    *,
    number: str | None = None,
    issuer: str | None = None,
    issued_on: date | None = None,
    expires_on: date | None = None,
) -> Certification:
    """The staff saw a certification. The same skill and number again is a renewal. Claims the skill too."""
    tx.actor.must_cover("volunteer.write", row.area)
    _must_exist(skill)
    if issued_on is not None and expires_on is not None and issued_on > expires_on:
        raise Malformed("form", fields=[FieldError("expires_on", "volunteer.certification.dates")])
    same = select(Certification).where(
        col(Certification.volunteer_id) == row.id,
        col(Certification.skill) == skill,
        col(Certification.number).is_not_distinct_from(number),
    )
    paper = tx.exec(same).first() or Certification(volunteer_id=row.id, skill=skill, number=number)
    paper.issuer, paper.issued_on, paper.expires_on = issuer, issued_on, expires_on
    paper.reminded_at = None
    tx.add(paper)
    if tx.get(SkillClaim, (row.id, skill)) is None:
        tx.add(SkillClaim(volunteer_id=row.id, skill=skill, level=1))
    touched(tx, row)
    return paper


def earn(
    tx: Tx,
    row: Volunteer,
    skill: str,
    level: int,
    *,
    number: str,
    issuer: str,
    issued_on: date,
    expires_on: date | None,
) -> Certification:
    """What a course passed gives: the skill, verified at this level or the higher one held, and a paper.

    Rides in the transaction of whoever saw them pass, who has asked whether it counts.
    """
    _must_exist(skill)
    _must_be_level(level)
    have = tx.get(SkillClaim, (row.id, skill)) or SkillClaim(volunteer_id=row.id, skill=skill, level=level)
    have.level, have.state = max(have.level, level), ClaimState.VERIFIED
    tx.add(verify(tx, have))
    paper = Certification(
        volunteer_id=row.id,
        skill=skill,
        number=number,
        issuer=issuer,
        issued_on=issued_on,
        expires_on=expires_on,
    )
    tx.add(paper)
    touched(tx, row)
    tx.flush()
    return paper


def suspend(tx: Tx, row: Volunteer, skill: str) -> bool:
    """It counts for nothing until it is restored; whether it did until now."""
    have = tx.get(SkillClaim, (row.id, skill))
    if have is None or have.suspended_at is not None:
        return False
    have.suspended_at = tx.now
    touched(tx, row)
    tx.flush()
    return True


def restore(tx: Tx, row: Volunteer, skill: str) -> bool:
    """It counts again; whether it did not until now."""
    have = tx.get(SkillClaim, (row.id, skill))
    if have is None or have.suspended_at is None:
        return False
    have.suspended_at = None
    touched(tx, row)
    tx.flush()
    return True


def level_on(tx: Tx, volunteer_id: int, wanted: str, day: date, *, vouched: bool = False) -> int:
    """The level a person counts for in a skill on a day; 0 for not at all. An ended paper never counts.

    ``vouched``: by what the staff has verified or a paper proves, not by what they claim.
    """
    _must_exist(wanted)
    held_now = (col(SkillClaim.volunteer_id) == volunteer_id) & col(SkillClaim.suspended_at).is_(None)
    claims = tx.exec(select(SkillClaim).where(held_now)).all()
    papers = tx.exec(select(Certification).where(col(Certification.volunteer_id) == volunteer_id)).all()
    best = best_papers(papers)
    valid = {skill for skill, until in best.items() if until is None or day <= until}
    sure = {c.skill for c in claims if c.state is ClaimState.VERIFIED or c.skill in valid}
    held = {c.skill: c.level for c in claims if not vouched or c.skill in sure}
    return rules.level_on(taxonomy(), held, best, wanted, day)


def best_papers(papers: Iterable[Certification]) -> dict[str, date | None]:
    """The last day of the best certification by skill; None for one without end."""
    best: dict[str, date | None] = {}
    for paper in papers:
        if paper.skill not in best or _later(paper.expires_on, best[paper.skill]):
            best[paper.skill] = paper.expires_on
    return best


def _later(one: date | None, other: date | None) -> bool:
    return (one or date.max) > (other or date.max)


def reminders_due(tx: Tx, today: date, limit: int) -> list[Certification]:
    """Certifications whose holders are to be told that they end, locked; soonest first."""
    days = taxonomy().remind_days
    query = (
        select(Certification)
        .join(Volunteer, col(Volunteer.id) == col(Certification.volunteer_id))
        .where(
            col(Certification.expires_on).between(today, today + timedelta(days=max(days))),
            col(Volunteer.status).in_(rules.CALLABLE | {rules.Status.PAUSED}),
        )
        .order_by(col(Certification.expires_on), col(Certification.id))
        .with_for_update(of=Certification, skip_locked=True)
    )
    due: list[Certification] = []
    for paper in tx.exec(query):
        assert paper.expires_on is not None
        if rules.reminder_due(paper.expires_on, paper.reminded_at, today, days):
            due.append(paper)
        if len(due) == limit:
            break
    return due


def mark_reminded(tx: Tx, paper: Certification) -> None:
    """The holder was told today."""
    paper.reminded_at = tx.now
    tx.flush()


def _must_exist(skill: str) -> None:
    if skill not in taxonomy().skills:
        raise Malformed("form", fields=[FieldError("skill", "volunteer.skill", {"value": skill[:40]})])


def _must_be_level(level: int) -> None:
    if level not in (1, 2, 3):
        raise Malformed("form", fields=[FieldError("level", "volunteer.level", {"value": level})])
