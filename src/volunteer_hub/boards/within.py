"""Who counts for the minima within slots: "twelve people, of them at least one driver"."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import SlotMinimum
from volunteer_hub.volunteers import rules, skills
from volunteer_hub.volunteers.models import Certification, SkillClaim


class Minima:
    """Minima within these slots, and who counts for them on the day the work ends; people are read when they
    are asked about. One person may count for several minima."""

    def __init__(self, tx: Tx, facts: Mapping[int, SlotFacts]) -> None:
        self._tx, self._facts = tx, facts
        self._of: dict[int, list[SlotMinimum]] = defaultdict(list)
        wanted = select(SlotMinimum).where(bulk.among(col(SlotMinimum.slot_id), list(facts)))
        for minimum in tx.exec(wanted.order_by(col(SlotMinimum.id))):
            self._of[minimum.slot_id].append(minimum)
        taxonomy = skills.taxonomy()
        known = {one.skill for own in self._of.values() for one in own} & set(taxonomy.skills)
        self._skills = sorted({skill for wanted in known for skill in taxonomy.stands_in(wanted)} | known)
        self._claims: dict[int, dict[str, int]] = {}
        self._papers: dict[int, list[Certification]] = {}

    def of(self, slot_id: int) -> list[SlotMinimum]:
        """Those of one slot."""
        return self._of.get(slot_id, [])

    def count_for(self, minimum: SlotMinimum, people: Collection[int]) -> set[int]:
        """Which of these people do; two queries where any are new."""
        if minimum.skill not in skills.taxonomy().skills:
            return set()
        self._read(people)
        facts = self._facts[minimum.slot_id]
        day = facts.task.ends_at.astimezone(ZoneInfo(facts.zone)).date()
        return {
            person
            for person in people
            if rules.level_on(
                skills.taxonomy(),
                self._claims[person],
                skills.best_papers(self._papers[person]),
                minimum.skill,
                day,
            )
            >= minimum.level
        }

    def _read(self, people: Collection[int]) -> None:
        new = sorted(set(people) - self._claims.keys())
        if not new:
            return
        self._claims |= {person: {} for person in new}
        self._papers |= {person: [] for person in new}
        claims = select(SkillClaim.volunteer_id, SkillClaim.skill, SkillClaim.level)
        claims = claims.where(col(SkillClaim.suspended_at).is_(None))
        mine = bulk.among(col(SkillClaim.volunteer_id), new), col(SkillClaim.skill).in_(self._skills)
        for person, skill, level in self._tx.exec(claims.where(*mine)):
            self._claims[person][skill] = level
        papers = select(Certification).where(bulk.among(col(Certification.volunteer_id), new))
        for paper in self._tx.exec(papers.where(col(Certification.skill).in_(self._skills))):
            self._papers[paper.volunteer_id].append(paper)
