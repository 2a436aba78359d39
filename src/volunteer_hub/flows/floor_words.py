"""What reserve floors do to a plan, in words: which of them hold people back, and what each costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volunteer_hub.core.i18n import t
from volunteer_hub.flows.insight_words import TENTHS, Areas, skill_names


@dataclass(frozen=True)
class FloorView:
    """A floor that plays a part: ``floor`` the id of a row, ``area`` a path. ``what`` names it, ``said``
    tells its price, or what breaking it did; ``heads`` more places would be filled without it, ``minutes`` of
    way and tiredness saved (both None where nobody knows)."""

    floor: int
    area: str
    what: str
    said: str
    binds: bool
    broken: bool
    heads: int | None
    minutes: int | None


@dataclass(frozen=True)
class FloorsView:
    """Floors that hold people back or are broken, and in words how many others there are (may be empty)."""

    floors: tuple[FloorView, ...]
    others: str


def floors(result: Mapping[str, Any], lang: str, areas: Areas) -> FloorsView:
    """The floors of a PlanRun's result in one language; ``areas`` names those of `areas_named`, by path."""
    told = result.get("floors", ())
    shown = [one for one in told if one["binds"] or one["broken"]]
    free = len(told) - len(shown)
    return FloorsView(
        floors=tuple(_floor(one, lang, areas) for one in shown),
        others=t(lang, "plan.floors.free", n=free) if free else "",
    )


def areas_named(result: Mapping[str, Any]) -> set[str]:
    """The paths of the areas whose floors are spoken of."""
    return {one["area"] for one in result.get("floors", ())}


def _floor(one: Mapping[str, Any], lang: str, areas: Areas) -> FloorView:
    price = one["price"]
    return FloorView(
        floor=one["id"],
        area=one["area"],
        what=t(
            lang,
            "plan.floor.keeps",
            area=areas.get(one["area"], "–"),
            n=one["keep"],
            skill=skill_names([(one["skill"], one["level"])], lang),
        ),
        said=_broken(one, lang) if one["broken"] else _price(price, lang),
        binds=one["binds"],
        broken=one["broken"],
        heads=price["heads"] if price is not None else None,
        minutes=round(price["tenths"] / TENTHS) if price is not None else None,
    )


def _broken(one: Mapping[str, Any], lang: str) -> str:
    left = one["there"] - one["sent"]
    if left >= min(one["keep"], one["there"]):
        return t(lang, "plan.floor.unneeded")
    return t(lang, "plan.floor.broken", n=left, keep=one["keep"])


def _price(price: Mapping[str, Any] | None, lang: str) -> str:
    if price is None:
        return t(lang, "plan.floor.unknown")
    minutes = round(abs(price["tenths"]) / TENTHS)
    cost = t(lang, f"plan.effect.{_change(price['tenths'], minutes)}", minutes=minutes)
    if price["heads"] > 0:
        return t(lang, "plan.floor.heads", n=price["heads"], cost=cost)
    return t(lang, "plan.floor.minutes", n=minutes) if minutes else t(lang, "plan.floor.seconds")


def _change(saved: int, minutes: int) -> str:
    return "same" if not minutes else "less" if saved > 0 else "more"
