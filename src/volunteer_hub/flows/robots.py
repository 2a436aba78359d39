"""Chat robots hear of callouts in their area: what and where, without links, and without the name of anybody
asked, for whoever reads a group is nobody in particular."""

from datetime import timedelta
from typing import Any

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident
from volunteer_hub.notify import outbox, robots
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Channel, Kind, Subject


def tell(tx: Tx, purpose: str, incident: Incident, area: str, deed: str, **facts: Any) -> int:
    """Queues a message to every robot that hears of this area, once for each ``deed``; how many.

    ``facts`` are further facts of the text.
    """
    told = robots.told_of(tx, area)
    if not told:
        return 0
    place = jurisdictions.by_path(tx, area)
    expires = tx.now + timedelta(minutes=policy.load("messages", Messages).give_up_minutes)
    drafts = [
        Draft(
            purpose=purpose,
            subject_kind=Subject.INCIDENT,
            subject_id=incident.id,
            area=area,
            channel=Channel.ROBOT,
            lang=robot.lang,
            dedupe_key=f"{deed}:{purpose}:robot{robot.id}",
            expires_at=expires,
            kind=Kind(incident.kind.value),
            params={"title": incident.title, "area": dict(place.name), "zone": place.zone, "robot": robot.id}
            | facts,
        )
        for robot in told
    ]
    return outbox.enqueue(tx, drafts)
