"""The groups of a drill's record in words."""

from volunteer_hub.boards.drill_result import DrillResult
from volunteer_hub.core import policy
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills.record import By
from volunteer_hub.volunteers.policy import Skills


def group_name(shown: DrillResult, by: By, key: str, lang: str) -> str:
    """What the group of a key is called; the key itself for what is no longer known."""
    match by:
        case By.COMMUNITY:
            return pick(shown.communities[key].name, lang) if key in shown.communities else key
        case By.SKILL:
            skills = policy.load("skills", Skills).skills
            return pick(skills[key].name, lang) if key in skills else key
        case By.HOUR:
            return f"{key}:00"
        case By.CHANNEL:
            return t(lang, f"board.channel.{key}") if key else t(lang, "drills.by.unreached")
