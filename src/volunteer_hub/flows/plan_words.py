"""A plan's frozen document in words: why this person, why this gap, how good the whole is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from volunteer_hub.core.i18n import t
from volunteer_hub.flows import insight_words
from volunteer_hub.flows.insight_words import Areas, RemedyView, TomorrowView

_MINUTE: Final = 10  # the document's 0.1 minutes
FUNNEL: Final = ("registered", "callable", "waiting", "skilled", "able", "chosen")


@dataclass(frozen=True)
class PairView:
    """One person chosen. Ids are of rows; ``minutes`` is the way there; ``stands`` tells how firmly, and
    ``successor`` who would come in their stead."""

    slot: int
    volunteer: int
    km: float
    minutes: int
    why: str
    stands: str = ""
    successor: int | None = None


@dataclass(frozen=True)
class GapView:
    """Heads that stay open. ``left``: how many people each rule left, in order; ``together`` tells of the
    ``group``: the first slots of a set that cannot all be filled, whoever goes where; ``remedies`` were tried
    out, the best first."""

    slot: int
    short: int
    below_minimum: bool
    what: str
    why: str
    left: tuple[tuple[str, int], ...]
    together: str
    group: tuple[int, ...]
    remedies: tuple[RemedyView, ...] = ()


@dataclass(frozen=True)
class PlanView:
    """A whole plan. ``state`` says how good it is, ``figures`` what it covers, ``compared`` what the simple
    method would have done."""

    proven: bool
    state: str
    figures: str
    pairs: tuple[PairView, ...]
    gaps: tuple[GapView, ...]
    funnel: tuple[tuple[str, int], ...]
    seconds: float
    compared: str = ""
    tomorrow: TomorrowView | None = None


def view(result: Mapping[str, Any], lang: str, areas: Areas | None = None) -> PlanView:
    """The result of a PlanRun in one language; ``areas`` names those it speaks of, by path."""
    named = areas or {}
    remedies = insight_words.remedies(result, lang, named)
    return PlanView(
        proven=result["state"] == "proven",
        state=_state(result, lang),
        figures=_figures(result, lang),
        pairs=tuple(_pair(pair, lang) for pair in result["pairs"]),
        gaps=tuple(
            _gap(gap, result["groups"], lang, remedies.get(number, ()))
            for number, gap in enumerate(result["gaps"])
        ),
        funnel=tuple((t(lang, f"plan.funnel.{step}"), result["funnel"][step]) for step in FUNNEL),
        seconds=sum(result["seconds"].get(phase, 0.0) for phase in ("read", "answer")),
        compared=insight_words.compared(result, lang),
        tomorrow=insight_words.tomorrow(result, lang, named),
    )


def why(pair: Mapping[str, Any], lang: str) -> str:
    """Why a person was chosen."""
    figures = {
        "minutes": round(pair["travel"] / _MINUTE),
        "rank": pair["rank"],
        "of": pair["of"],
        "others": max(0, pair["of"] - 1),
        "served": pair["served"],
        "n": pair["better"],
    }
    return t(lang, f"plan.why.{pair['why']}", **figures)


def _pair(pair: Mapping[str, Any], lang: str) -> PairView:
    minutes = round(pair["travel"] / _MINUTE)
    return PairView(
        slot=pair["slot"],
        volunteer=pair["volunteer"],
        km=pair["km"],
        minutes=minutes,
        why=why(pair, lang),
        stands=insight_words.firmness(pair, lang),
        successor=pair.get("next"),
    )


def _gap(
    gap: Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    lang: str,
    remedies: tuple[RemedyView, ...],
) -> GapView:
    counts = dict(gap["left"])
    last = gap["left"][-1][1]
    before, after = _around(gap["left"], gap["why"])
    group = groups[gap["group"]] if gap["group"] is not None else None
    people = _people(gap["skills"], lang)
    shown = ("pool", *(rule for rule in counts if rule != "pool" and _lost(gap["left"], rule)))
    return GapView(
        slot=gap["slot"],
        short=gap["short"],
        below_minimum=gap["tier"] == "minimum",
        what=t(lang, f"plan.gap.{gap['tier']}", n=gap["short"], people=people),
        why=t(
            lang,
            f"plan.gap.{gap['why']}",
            pool=counts["pool"],
            before=before,
            n=after,
            able=last,
            elsewhere=gap["elsewhere"],
            people=people,
        ),
        left=tuple((t(lang, f"plan.rule.{rule}"), counts[rule]) for rule in shown),
        together=_together(group, lang),
        group=tuple(group["slots"]) if group is not None else (),
        remedies=remedies,
    )


def _around(left: Sequence[Sequence[Any]], rule: str) -> tuple[int, int]:
    """People before and after a rule; both what is left at the end when it is none of the rules."""
    for (_, before), (name, after) in pairwise(left):
        if name == rule:
            return before, after
    return left[-1][1], left[-1][1]


def _lost(left: Sequence[Sequence[Any]], rule: str) -> bool:
    before, after = _around(left, rule)
    return before != after


def _together(group: Mapping[str, Any] | None, lang: str) -> str:
    if group is None or group["roles"] < 2:
        return ""
    return t(
        lang,
        "plan.gap.together",
        slots=group["roles"],
        wanted=group["wanted"],
        qualified=group["qualified"],
        short=group["short"],
    )


def _people(skills: Sequence[Sequence[Any]], lang: str) -> str:
    """ "people with first aid and boat handling (level 2)", or just "people"."""
    names = insight_words.skill_names(skills, lang)
    return t(lang, "plan.people.with", skills=names) if names else t(lang, "plan.people.any")


def _state(result: Mapping[str, Any], lang: str) -> str:
    sentence = t(lang, f"plan.proof.{result['state']}")
    within = result["within_percent"]
    if result["state"] == "proven":
        return sentence
    gap = t(lang, "plan.proof.unknown") if within is None else t(lang, "plan.proof.within", percent=within)
    return t(lang, "plan.proof.both", state=sentence, gap=gap)


def _figures(result: Mapping[str, Any], lang: str) -> str:
    figures = result["figures"]
    if not figures["target"]:
        return t(lang, "plan.figures.nothing")
    key = "covered" if not figures["short_minimum"] + figures["short_target"] else "short"
    told = t(
        lang,
        f"plan.figures.{key}",
        n=len(result["pairs"]),
        held=figures["held"],
        target=figures["target"],
        below=figures["short_minimum"],
        above=figures["short_target"],
    )
    ways = result.get("roads", "straight_line")
    if ways == "straight_line":  # how it is usually done needs no words
        return told
    return t(lang, "plan.figures.ways", told=told, ways=t(lang, f"roads.{ways}"))
