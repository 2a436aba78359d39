"""Papers that are about to end: their holders hear of it in time, once for each day configured."""

from datetime import datetime, time, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.flows import letters
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Certification, Volunteer

_BATCH: Final = 200
_WORTH: Final = timedelta(days=3)


def certifications() -> int:
    """The sweep over certifications that end soon; how many holders were reminded."""
    total = 0
    while (done := _batch()) == _BATCH:
        total += done
    return total + done


def _batch() -> int:
    with db.transaction(SYSTEM, "certification.remind") as tx:
        site = policy.load("hub", Site)
        papers = skills.reminders_due(tx, tx.now.astimezone(site.timezone).date(), _BATCH)
        outbox.enqueue(tx, _drafts(tx, papers, site))
        for paper in papers:
            skills.mark_reminded(tx, paper)
        return len(papers)


def _drafts(tx: Tx, papers: list[Certification], site: Site) -> list[Draft]:
    people = {paper.volunteer_id for paper in papers}
    ways = letters.reach(tx, people)
    areas = dict(tx.exec(select(Volunteer.id, Volunteer.area).where(col(Volunteer.id).in_(people))).all())
    known = skills.taxonomy().skills
    drafts = []
    for paper in papers:
        way = ways[paper.volunteer_id]
        if way.contact is None or way.channel is None or paper.expires_on is None:
            continue
        skill = known.get(paper.skill)
        ends = datetime.combine(paper.expires_on, time(23, 59), site.timezone)
        drafts.append(
            Draft(
                purpose="certification",
                subject_kind=Subject.CERTIFICATION,
                subject_id=paper.id,
                area=areas[paper.volunteer_id],
                channel=way.channel,
                lang=way.lang,
                dedupe_key=f"certification:{paper.id}:{paper.expires_on}:{tx.now.date()}",
                expires_at=max(min(ends, tx.now + _WORTH), tx.now + timedelta(hours=12)),
                volunteer_id=paper.volunteer_id,
                contact_id=way.contact.id,
                params={
                    "skill": {"en": skill.name.en, "zh": skill.name.zh} if skill else paper.skill,
                    "expires_on": paper.expires_on.isoformat(),
                    "zone": site.zone,
                },
            )
        )
    return drafts
