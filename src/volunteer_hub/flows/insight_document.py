"""The part of a plan's frozen document that tells more than who goes where: ids, codes and figures."""

from datetime import timedelta
from typing import Any, Final

from volunteer_hub.boards.problem import Case
from volunteer_hub.boards.wanted import ANYBODY
from volunteer_hub.engine.counterfactual import NOBODY, Standing
from volunteer_hub.engine.remedies import Cure, Remedy
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.tomorrow import Readiness
from volunteer_hub.flows.insight import Insight, Price

MOST_NAMED: Final = 20  # people of one remedy, whom somebody is to speak to
WORST: Final = 3


def firmness(case: Case, standing: Standing | None, big: int) -> dict[str, Any]:
    """``margin``: by how much more burden (0.1 minutes) a person would still be chosen, None when a place
    would stay open without them; ``next``: who would come in; ``opens``: the slot left short."""
    if standing is None:
        return {}
    return {
        "margin": standing.margin if standing.margin < big // 2 else None,
        "next": _volunteer(case, standing.successor),
        "opens": int(case.slots[standing.left_short]) if standing.left_short >= 0 else None,
    }


def document(case: Case, told: Insight, plan: Plan) -> dict[str, Any]:
    """``epoch``: where minutes count from. ``prices``: what a place is worth, one head less. ``alone``: how
    many more heads the simple method would leave open, and its cost beyond the plan's in 0.1 minutes.
    ``remedies``: by numbers of gaps. ``tomorrow``: the next night."""
    alone = None
    if told.alone is not None:
        mine, theirs = plan.objective, told.alone
        more = theirs.short_minimum + theirs.short_target - mine.short_minimum - mine.short_target
        alone = {"open": more, "cost": theirs.cost - mine.cost}
    return {
        "epoch": case.epoch.isoformat(),
        "prices": [_price(case, one) for one in told.prices],
        "alone": alone,
        "remedies": [_cure(case, one) for one in told.cures if one.remedies],
        "tomorrow": _tomorrow(case, told.tomorrow),
    }


def _volunteer(case: Case, row: int) -> int | None:
    return int(case.volunteers[row]) if 0 <= row < len(case.volunteers) else None


def _price(case: Case, price: Price) -> dict[str, Any]:
    return {
        "slot": int(case.slots[price.slot]),
        "nested": [_need(case, int(case.problem.minima.skill[m])) for m in price.minima],
        "heads": price.heads,
        "tenths": price.tenths,
        "instead": _volunteer(case, price.instead) if price.instead != NOBODY else None,
    }


def _need(case: Case, column: int) -> list[list[Any]]:
    return [list(one) for one in case.needs[column]]


def _cure(case: Case, cure: Cure) -> dict[str, Any]:
    return {"gaps": list(cure.gaps), "remedies": [_remedy(case, one) for one in cure.remedies]}


def _remedy(case: Case, one: Remedy) -> dict[str, Any]:
    assert one.effect is not None
    named = [] if one.group else [int(case.volunteers[row]) for row in one.people[:MOST_NAMED]]
    return {
        "kind": one.kind.value,
        "slot": int(case.slots[one.slot]),
        "skills": _need(case, one.skill) if one.skill >= 0 else [],
        "people": named,
        "count": len(one.people),
        "among": one.among,
        "amount": round(one.amount, 2),
        "area": one.group or None,
        "closes": one.effect.closes,
        "of": one.effect.of,
        "cost": one.effect.cost,
    }


def _tomorrow(case: Case, lost: tuple[Readiness, ...]) -> dict[str, Any] | None:
    """Everybody lost counts once, by the need that asks for nothing; the worst are named by skill, where
    there are skills, those of which fewest are left in an area first."""
    if case.night is None or case.areas is None:
        return None
    since, until = (case.epoch + timedelta(minutes=minute) for minute in case.night)
    anybody = [one for one in lost if case.needs[one.skill] == ANYBODY]
    skilled = [one for one in lost if case.needs[one.skill] != ANYBODY]
    return {
        "starts": since.isoformat(),
        "ends": until.isoformat(),
        "lost": sum(one.before - one.after for one in anybody),
        "worst": [
            {
                "skills": _need(case, one.skill),
                "area": case.parts[one.area],
                "before": one.before,
                "after": one.after,
            }
            for one in (skilled or anybody)[:WORST]
        ],
    }
