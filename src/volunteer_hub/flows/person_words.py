"""Why a person is not chosen for a slot and what it would take, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.boards.problem import Case
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.counterfactual import Obstacle, WhyNot
from volunteer_hub.flows import insight_words

TENTHS: Final = 10
LONG_PAST: Final = timedelta(days=36_500)


@dataclass(frozen=True)
class SlotWhy:
    """One slot and one person. ``obstacles``: rules in the way, in words; ``would``: what it would take."""

    slot: int
    chosen: bool
    why: str
    obstacles: tuple[str, ...]
    would: str


def nearest_first(one: WhyNot) -> tuple[int, int, int]:
    """Sorts slots: those that the person could most easily serve first."""
    lifted = [obstacle for obstacle in one.obstacles if obstacle.change is None]
    return len(lifted), len(one.obstacles), one.cheaper_by or 0


class PersonWords:
    """Findings about a person in one language and one place's time."""

    def __init__(self, case: Case, zone: ZoneInfo, lang: str) -> None:
        self._case, self._zone, self._lang = case, zone, lang

    def slot(self, one: WhyNot) -> SlotWhy:
        """Why they are not chosen for one slot, and what it would take."""
        return SlotWhy(
            slot=int(self._case.slots[one.slot]),
            chosen=False,
            why=self._why(one),
            obstacles=tuple(self._obstacle(obstacle, "is") for obstacle in one.obstacles),
            would=self._would(one),
        )

    def _why(self, one: WhyNot) -> str:
        if one.obstacles:
            parts = self._joined(self._obstacle(obstacle, "is") for obstacle in one.obstacles)
            return self._t("plan.person.blocked", what=parts)
        if one.elsewhere >= 0:
            return self._t("plan.person.rather")
        if one.cheaper_by is None:
            return self._t("plan.person.unpriced")
        if one.cheaper_by:
            return self._t("plan.person.dearer", minutes=_minutes(one.cheaper_by))
        level = one.cost == one.ceiling and one.tied < 0
        return self._t("plan.person.level" if level else "plan.person.changed")

    def _would(self, one: WhyNot) -> str:
        """What it takes: every rule lifted, and the minutes that are then still missing."""
        if any(obstacle.change is None for obstacle in one.obstacles) or one.cheaper_by is None:
            return ""
        parts = [self._obstacle(obstacle, "if") for obstacle in one.obstacles]
        if one.elsewhere >= 0:
            return self._t("plan.person.would_elsewhere", what=self._joined(parts)) if parts else ""
        if one.cheaper_by:
            parts.append(self._t("plan.person.if.cheaper", minutes=_minutes(one.cheaper_by + 1)))
        if not parts:
            return ""
        level = "either" if one.tied >= 0 else "level"
        key = f"plan.person.would_{level}" if one.cost == one.ceiling else "plan.person.would"
        return self._t(key, what=self._joined(parts))

    def _obstacle(self, one: Obstacle, form: str) -> str:
        return self._t(
            f"plan.person.{form}.{one.rule}",
            skill=self._skill(one),
            start=self._moment(one.start),
            end=self._moment(one.end),
            minutes=round(one.lacking),
            hours=f"{one.lacking / 60:.1f}",
            km=f"{-(-one.lacking * 10 // 1) / 10:.1f}",
        )

    def _skill(self, one: Obstacle) -> str:
        return insight_words.skill_names(self._case.needs[one.skill], self._lang) if one.skill >= 0 else ""

    def _moment(self, minute: int) -> str:
        """Local time; nothing for what is beyond any calendar."""
        if abs(minute) > LONG_PAST / timedelta(minutes=1):
            return ""
        return f"{(self._case.epoch + timedelta(minutes=minute)).astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _joined(self, parts: Iterable[str]) -> str:
        return self._t("plan.person.and").join(parts)

    def _t(self, key: str, **params: Any) -> str:
        return t(self._lang, key, **params)


def _minutes(tenths: int) -> int:
    """Whole minutes, rounded up: what is said must suffice."""
    return -(-tenths // TENTHS)
