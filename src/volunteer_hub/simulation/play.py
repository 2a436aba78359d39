"""The whole story on a running server: one night, then a drill, then the quiet weeks."""

from pathlib import Path

from rich.console import Console

from volunteer_hub.core import clock, db, policy
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.policy import Answers
from volunteer_hub.simulation.calm import Calm
from volunteer_hub.simulation.crowd import Crowd
from volunteer_hub.simulation.installation import ZONE, Staff
from volunteer_hub.simulation.night import Night
from volunteer_hub.simulation.rehearsal import Rehearsal
from volunteer_hub.simulation.story import Story

_REMARKS = 4


def play(console: Console, address: str, mail: Path, staff: Staff, lang: str) -> str | None:
    """From the alert to the drill's result; afterwards the clock runs at its own pace.

    Returns the address of a page that one of the volunteers was sent and has not answered.
    Raises Broken when the server does not do its part, for the story or for any of its people.
    """
    db.follow_clock()
    answers, site = policy.load("answers", Answers), policy.load("hub", Site)
    crowd = Crowd(
        mail,
        address,
        answers.delay,
        now=clock.now,
        night=lambda moment: site.night.covers(moment.astimezone(ZONE).time()),
        remarks=[t(lang, f"demo.remark.{number}") for number in range(1, _REMARKS + 1)],
    )
    with crowd:
        story = Story(console, address, staff, lang, crowd)
        Night(story).play()
        Rehearsal(story).play()
        Calm(story).play()
        story.end()
        page = crowd.open_survey()
    return address + page if page else None
