"""What an imagined callout came to, in words: what is in the way, what would help, when it was."""

from collections.abc import Mapping
from typing import Any

from babel.dates import get_day_names

from volunteer_hub.core import policy
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.volunteers.policy import Skills


def hour(number: int, lang: str) -> str:
    """An hour of the week: "Monday, by day"."""
    weekday = get_day_names("wide", locale=lang)[number // 2]
    return t(lang, "whatif.hour.night" if number % 2 else "whatif.hour.day", weekday=weekday)


def hazard(code: str, lang: str) -> str:
    """What happens, while the configuration has it."""
    hazards: Hazards = policy.load("hazards", Hazards)
    found = hazards.hazards.get(code)
    return pick(found.name, lang) if found is not None else code


def skill(code: str | None, lang: str) -> str:
    """A skill's name; "anybody" for none."""
    skills: Skills = policy.load("skills", Skills)
    found = skills.skills.get(code or "")
    return pick(found.name, lang) if found is not None else code or t(lang, "callouts.anybody")


def role(code: str, slot: Mapping[str, Any], lang: str) -> str:
    """A slot by its task and role, while the configuration has them; else by its skill."""
    hazards: Hazards = policy.load("hazards", Hazards)
    known = hazards.hazards.get(code)
    task = known.tasks.get(slot["task"]) if known is not None else None
    if task is None or slot["role"] >= len(task.slots):
        return skill(slot["skill"], lang)
    return t(lang, "whatif.role", task=pick(task.name, lang), role=pick(task.slots[slot["role"]].name, lang))


def binding(code: str, result: Mapping[str, Any], lang: str) -> str:
    """What is most in the way, a sentence."""
    found = result["binding"]
    if found["why"] == "none" or found["slot"] < 0:
        return t(lang, "whatif.binding.none")
    slot = result["slots"][found["slot"]]
    return t(
        lang,
        f"whatif.binding.{found['why']}",
        role=role(code, slot, lang),
        skill=skill(slot["skill"], lang),
        asked=slot["asked"],
        n=max(slot["wanted"] - slot["asked"], found["short"]),
        wanted=slot["wanted"],
        ways=round(slot["ways"]),
    )


def fix(one: Mapping[str, Any], lang: str) -> str:
    """Something that would help: "Train 3 people in first aid"."""
    return t(lang, f"whatif.fix.{one['kind']}", n=one["amount"], skill=skill(one["skill"], lang))
