"""What a plan's document tells beyond who goes where, in words: how firmly somebody stands, what would close
a gap, what the simple method would have left open, and what is left for the next night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from volunteer_hub.core import policy
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.volunteers.policy import Skills

TENTHS: Final = 10  # the document's 0.1 minutes
Areas = Mapping[str, str]  # what the areas are called, by path


@dataclass(frozen=True)
class RemedyView:
    """One way to close a gap. ``people``: ids of rows, whom it is about; ``closes`` places in all."""

    kind: str
    what: str
    effect: str
    closes: int
    people: tuple[int, ...]


@dataclass(frozen=True)
class TomorrowView:
    """The next night: ``lost`` people fewer are rested; ``worst`` tells where fewest of a skill are left."""

    starts: datetime
    ends: datetime
    lost: int
    what: str
    worst: tuple[str, ...]


def firmness(pair: Mapping[str, Any], lang: str) -> str:
    """By how much worse a chosen person could have it and still be chosen; empty where nobody knows."""
    if "margin" not in pair or pair["why"] == "locked":
        return ""
    if pair["margin"] is None:
        return t(lang, "plan.stands.irreplaceable")
    minutes = round(pair["margin"] / TENTHS)
    return t(lang, "plan.stands.level") if not minutes else t(lang, "plan.stands.margin", minutes=minutes)


def remedies(result: Mapping[str, Any], lang: str, areas: Areas) -> dict[int, tuple[RemedyView, ...]]:
    """Number of a gap -> what would close it, the best first."""
    found: dict[int, tuple[RemedyView, ...]] = {}
    for cure in result.get("remedies", ()):
        views = tuple(_remedy(one, lang, areas) for one in cure["remedies"])
        found |= dict.fromkeys(cure["gaps"], views)
    return found


def _remedy(one: Mapping[str, Any], lang: str, areas: Areas) -> RemedyView:
    amount = one["amount"]
    kind = one["kind"]
    if kind == "start":
        kind = "later" if amount > 0 else "earlier"
    what = t(
        lang,
        f"plan.remedy.{kind}",
        n=one["count"] or one["among"],
        among=one["among"],
        skill=skill_names(one["skills"], lang),
        km=_up(amount),
        minutes=abs(round(amount)),
        area=areas.get(one["area"] or "", "–"),
    )
    return RemedyView(one["kind"], what, _effect(one, lang), one["closes"], tuple(one["people"]))


def _effect(one: Mapping[str, Any], lang: str) -> str:
    minutes = round(abs(one["cost"]) / TENTHS)
    key = "same" if not minutes else "more" if one["cost"] > 0 else "less"
    cost = t(lang, f"plan.effect.{key}", minutes=minutes)
    if 1 < one["of"] >= one["closes"]:
        return t(lang, "plan.effect.of", n=one["closes"], of=one["of"], cost=cost)
    return t(lang, "plan.effect.closes", n=one["closes"], cost=cost)


def _up(km: float) -> str:
    """Kilometres rounded up to a tenth: what is said must suffice."""
    return f"{-(-round(km * 100) // 10) / 10:.1f}"


def compared(result: Mapping[str, Any], lang: str) -> str:
    """What filling place by place would have done; empty where the plan is such a one, or equal to it."""
    alone = result.get("alone")
    if not alone or result["state"] not in ("proven", "bounded"):
        return ""
    if alone["open"] > 0:
        return t(lang, "plan.alone.open", n=alone["open"])
    minutes = round(alone["cost"] / TENTHS)
    return t(lang, "plan.alone.cost", n=minutes) if alone["open"] == 0 and minutes > 0 else ""


def tomorrow(result: Mapping[str, Any], lang: str, areas: Areas) -> TomorrowView | None:
    """What is left for the next night; None where the document does not know."""
    told = result.get("tomorrow")
    if told is None:
        return None
    lost = told["lost"]
    return TomorrowView(
        starts=datetime.fromisoformat(told["starts"]),
        ends=datetime.fromisoformat(told["ends"]),
        lost=lost,
        what=t(lang, "plan.tomorrow.lost", n=lost) if lost else t(lang, "plan.tomorrow.none"),
        worst=tuple(
            t(
                lang,
                "plan.tomorrow.worst",
                skill=skill_names(one["skills"], lang) or t(lang, "plan.people.any"),
                area=areas.get(one["area"], "–"),
                before=one["before"],
                after=one["after"],
            )
            for one in told["worst"]
        ),
    )


def areas_named(result: Mapping[str, Any]) -> set[str]:
    """The paths of the areas the document speaks of."""
    told = result.get("tomorrow") or {"worst": ()}
    lent = {one["area"] for cure in result.get("remedies", ()) for one in cure["remedies"] if one["area"]}
    return lent | {one["area"] for one in told["worst"]}


def people_named(result: Mapping[str, Any]) -> set[int]:
    """Ids of everybody the document speaks of beside those chosen."""
    asked = {who for cure in result.get("remedies", ()) for one in cure["remedies"] for who in one["people"]}
    following = {pair["next"] for pair in result["pairs"] if pair.get("next") is not None}
    return asked | following


def skill_names(skills: Sequence[Sequence[Any]], lang: str) -> str:
    """ "first aid and boat handling (level 2)"; empty for none."""
    known = policy.load("skills", Skills)
    names = []
    for code, level in skills:
        name = pick(known.skills[code].name, lang) if code in known.skills else code
        if level > 1:
            name = t(lang, "plan.skill_at_level", skill=name, level=pick(known.levels[level - 1], lang))
        names.append(name)
    return t(lang, "plan.and").join(names)
