"""What a callout needs of each skill, and who is there for it: over its slots, and within them.

"Twelve people, of them at least one driver": the one is told here, which the slot's own figures do not show.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import SlotMinimum
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.queries import SlotFigures
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import rules, skills
from volunteer_hub.volunteers.models import Certification, SkillClaim

_COMING: Final = (OfferState.ACCEPTED, OfferState.ON_SITE, OfferState.DONE)


@dataclass(frozen=True)
class SkillNeed:
    """In people, of one skill (None: anybody): wanted at least, coming or there, and missing. What one slot
    has too many fills no other, so ``short`` may be more than the difference. ``places``: slots, and minima
    within slots, that want it."""

    skill: str | None
    minimum: int
    there: int
    short: int
    places: int


def needs(tx: Tx, lines: Sequence[tuple[SlotFacts, SlotFigures]]) -> tuple[SkillNeed, ...]:
    """Of the slots of a callout that the actor may read, in the order of the slots, in four queries."""
    own = [(facts.slot.skill, figures.minimum, figures.filled) for facts, figures in lines]
    wanted = own + _within(tx, [facts for facts, _ in lines])
    found: dict[str | None, SkillNeed] = {}
    for skill, minimum, there in wanted:
        one = found.get(skill, SkillNeed(skill, 0, 0, 0, 0))
        found[skill] = SkillNeed(
            skill,
            one.minimum + minimum,
            one.there + there,
            one.short + max(0, minimum - there),
            one.places + 1,
        )
    return tuple(found.values())


def _within(tx: Tx, facts: Sequence[SlotFacts]) -> list[tuple[str | None, int, int]]:
    """(skill, heads wanted, heads there) of the minima within slots."""
    slots = {one.slot.id: one for one in facts}
    wanted = select(SlotMinimum).where(col(SlotMinimum.slot_id).in_(slots)).order_by(col(SlotMinimum.id))
    minima = list(tx.exec(wanted))
    coming = select(Offer.slot_id, Offer.volunteer_id).where(
        col(Offer.slot_id).in_({minimum.slot_id for minimum in minima}), col(Offer.state).in_(_COMING)
    )
    people = tx.exec(coming).all()
    held = _Held(tx, {person for _, person in people})
    return [
        (
            minimum.skill,
            minimum.heads,
            sum(
                held.level(person, minimum.skill, _day(slots[minimum.slot_id])) >= minimum.level
                for slot, person in people
                if slot == minimum.slot_id
            ),
        )
        for minimum in minima
    ]


def _day(facts: SlotFacts) -> date:
    return facts.task.starts_at.astimezone(ZoneInfo(facts.zone)).date()


class _Held:
    """What these people can do, in two queries."""

    def __init__(self, tx: Tx, people: Collection[int]) -> None:
        self._claims: dict[int, dict[str, int]] = {}
        for claim in tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id).in_(people))):
            self._claims.setdefault(claim.volunteer_id, {})[claim.skill] = claim.level
        self._papers: dict[int, list[Certification]] = {}
        for paper in tx.exec(select(Certification).where(col(Certification.volunteer_id).in_(people))):
            self._papers.setdefault(paper.volunteer_id, []).append(paper)

    def level(self, person: int, wanted: str, day: date) -> int:
        """The level they count for on a day; 0 for not at all."""
        papers = skills.best_papers(self._papers.get(person, ()))
        return rules.level_on(skills.taxonomy(), self._claims.get(person, {}), papers, wanted, day)
