"""The frozen document of a plan: ids, codes and figures, no words and no names."""

from collections.abc import Mapping
from typing import Any, Final

from volunteer_hub.boards.problem import Case
from volunteer_hub.engine.explain import Gap, Group, Reason
from volunteer_hub.engine.problem import Pairs
from volunteer_hub.engine.solve import Plan, State
from volunteer_hub.engine.terms import cost
from volunteer_hub.engine.units import slot_units
from volunteer_hub.flows import insight_document
from volunteer_hub.flows.solving import Answer

FORMAT: Final = 2
LOST: Final = "lost"
MOST_NAMED: Final = 20  # slots of a group: a scarce city's groups hold hundreds, and nobody reads them all


def result(case: Case, answer: Answer, *, lost: bool, seconds: Mapping[str, float]) -> dict[str, Any]:
    """What a PlanRun keeps as its result.

    ``state`` is the engine's, or "lost" when a planning process died and the greedy method made the plan.
    ``reserves`` are further people, the best first for each slot, with travel and burden as one cost.
    Travel, fatigue and night are in 0.1 minutes, km as the crow flies. Gaps name their group by its number
    in ``groups``: a set of slots that together want more people than there are for any of them, of which the
    first are named. What is told beyond that: see insight_document.
    """
    plan, problem = answer.plan, case.problem
    numbers: dict[Group, int] = {}
    for gap in answer.gaps:
        if gap.group is not None:
            numbers.setdefault(gap.group, len(numbers))
    firmly = {one.person: one for one in answer.insight.standings}
    pairs = [
        _pair(case, reason) | insight_document.firmness(case, firmly.get(reason.person), answer.insight.big)
        for reason in answer.reasons
        if reason.person < _pool_rows(case)
    ]
    return {
        "format": FORMAT,
        "state": LOST if lost else plan.state.value,
        "failure": plan.failure,
        "seed": plan.seed,
        "pairs": pairs,
        "reserves": _reserves(case, answer.reserves),
        "held": [
            {"slot": int(case.slots[slot]), "volunteer": int(case.volunteers[person])}
            for person, slot in problem.locked.rows()
        ],
        "gaps": [_gap(case, gap, numbers) for gap in answer.gaps],
        "groups": [_group(case, group) for group in numbers],
        "figures": {
            "minimum": int(problem.slots.minimum.sum()),
            "target": int(problem.slots.target.sum()),
            "held": len(problem.locked),
            "short_minimum": int(plan.short_minimum.sum()),
            "short_target": int(plan.short_target.sum()),
            "travel": sum(pair["travel"] for pair in pairs),
        },
        "within_percent": within_percent(plan),
        "roads": case.roads,
        "proof": _proof(plan),
        "seconds": {name: round(took, 4) for name, took in {**seconds, **answer.seconds}.items()},
        "funnel": {**case.funnel, "able": answer.able, **answer.narrowed, "chosen": len(pairs)},
        **insight_document.document(case, answer.insight, plan),
    }


def objective(plan: Plan) -> dict[str, Any]:
    """The goal's values: open heads by rank, cost in 0.1 minutes, how often the chosen were asked lately."""
    goal = plan.objective
    return {
        "short": list(goal.short),
        "short_minimum": goal.short_minimum,
        "short_target": goal.short_target,
        "cost": goal.cost,
        "asked": goal.asked,
        "value": plan.value,
        "bound": plan.bound,
    }


def within_percent(plan: Plan) -> float | None:
    """How far the plan may be from the best, in percent of its own value; None when nothing bounds it."""
    if plan.state is State.PROVEN or plan.value == plan.bound:
        return 0.0
    return round(100 * (plan.value - plan.bound) / plan.value, 2) if plan.bound > 0 else None


def _pool_rows(case: Case) -> int:
    """Rows of people behind these are places held already."""
    return len(case.volunteers) - len(case.problem.locked)


def _pair(case: Case, reason: Reason) -> dict[str, Any]:
    return {
        "slot": int(case.slots[reason.slot]),
        "volunteer": int(case.volunteers[reason.person]),
        "wave": 1,
        "km": round(reason.km, 2),
        "travel": reason.travel,
        "fatigue": reason.fatigue,
        "night": reason.night,
        "why": reason.code.value,
        "rank": reason.rank,
        "of": reason.of,
        "served": reason.served,
        "better": reason.better_elsewhere,
    }


def _reserves(case: Case, further: Pairs) -> list[dict[str, int]]:
    people, slots = case.volunteers[further.person].tolist(), case.slots[further.slot].tolist()
    costs = cost(case.problem, slot_units(case.problem), further.person, further.slot).tolist()
    return [
        {"slot": slot, "volunteer": person, "cost": price}
        for person, slot, price in zip(people, slots, costs, strict=True)
    ]


def _gap(case: Case, gap: Gap, numbers: Mapping[Group, int]) -> dict[str, Any]:
    own = case.needs[int(case.problem.slots.skill[gap.slot])]
    nested = [case.needs[int(case.problem.minima.skill[m])] for m in gap.minima]
    skills = dict.fromkeys([*own, *(one for need in nested for one in need)])
    held = len(case.problem.locked)
    return {
        "slot": int(case.slots[gap.slot]),
        "tier": gap.tier.value,
        "short": gap.short,
        "skills": [list(one) for one in skills],
        "why": gap.binding,
        "left": [[rule, count - held if rule == "pool" else count] for rule, count in gap.left],
        "elsewhere": gap.elsewhere,
        "group": None if gap.group is None else numbers[gap.group],
    }


def _group(case: Case, group: Group) -> dict[str, Any]:
    return {
        "roles": len(group.slots),
        "slots": [int(case.slots[slot]) for slot in group.slots[:MOST_NAMED]],
        "wanted": group.wanted,
        "qualified": group.qualified,
        "short": group.short,
    }


def _proof(plan: Plan) -> dict[str, int] | None:
    if plan.proof is None:
        return None
    proof = plan.proof
    return {
        "primal": proof.primal,
        "dual": proof.dual,
        "violated": proof.violated,
        "pairs": proof.pairs,
    }
