"""The skill taxonomy (config/skills.toml): what people can do, and who may stand in for whom."""

from collections import deque
from graphlib import CycleError, TopologicalSorter
from typing import Annotated

from pydantic import PositiveInt, StringConstraints, model_validator

from volunteer_hub.core.policy import Name, Policy

# ":", ";" and "|" separate skills in the import format, so a code may not hold them.
SkillCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]


class Skill(Policy):
    """One skill.

    ``parent`` is the wider skill whose holders can do this one too (a nurse gives first aid); ``covers``
    names further skills the holder can do. ``certified``: counts only with a certification valid on the day.
    ``everyone``: every active volunteer counts as holding it at level 1.
    """

    name: Name
    group: str
    parent: str | None = None
    covers: tuple[str, ...] = ()
    certified: bool = False
    adult_only: bool = False
    everyone: bool = False


class Skills(Policy):
    """config/skills.toml. ``levels`` names levels 1, 2, 3; ``remind_days`` are the days before a
    certification expires on which its holder is reminded."""

    levels: tuple[Name, Name, Name]
    remind_days: tuple[PositiveInt, ...]
    groups: dict[str, Name]
    skills: dict[SkillCode, Skill]

    def stands_in(self, code: str) -> frozenset[str]:
        """Every skill whose holder counts for ``code`` at the same level: itself, its parents upwards, and
        all that cover one of these. Raises KeyError for an unknown code."""
        found: set[str] = set()
        waiting = deque([code])
        while waiting:
            current = waiting.popleft()
            if current not in found:
                found.add(current)
                waiting.extend(_wider(self.skills, current))
        return frozenset(found)

    @model_validator(mode="after")
    def _names_exist(self) -> "Skills":
        for code, skill in self.skills.items():
            if skill.group not in self.groups:
                raise ValueError(
                    f'skills.{code}.group "{skill.group}" is not a group; '
                    f"add it under [groups] or use one of: {', '.join(self.groups)}"
                )
            for key, names in (("parent", [skill.parent] if skill.parent else []), ("covers", skill.covers)):
                for name in names:
                    if name not in self.skills:
                        raise ValueError(
                            f'skills.{code}.{key} "{name}" is not a skill; '
                            f'add [skills."{name}"] or correct the spelling'
                        )
        return self

    @model_validator(mode="after")
    def _no_circle(self) -> "Skills":
        try:
            TopologicalSorter({code: _wider(self.skills, code) for code in self.skills}).prepare()
        except CycleError as error:
            circle = " < ".join(error.args[1])
            raise ValueError(
                f"skills.{error.args[1][0]}: parent and covers run in a circle ({circle}); remove one of them"
            ) from None
        return self


def _wider(skills: dict[str, Skill], code: str) -> list[str]:
    """The skills directly above a code: its parent, and those that name it in ``covers``."""
    parent = skills[code].parent
    return [
        *([parent] if parent else []),
        *(other for other, skill in skills.items() if code in skill.covers),
    ]
