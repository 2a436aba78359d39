"""Why heads of a roster stay open: what stands between each person and the slot, as the plan is."""

from __future__ import annotations

from collections import Counter

import numpy as np

from volunteer_hub.engine.roster.check import Duty, duties_of, faults
from volunteer_hub.engine.roster.problem import Roster
from volunteer_hub.engine.roster.solve import RosterPlan


def why_open(roster: Roster, plan: RosterPlan, slot: int) -> dict[str, int]:
    """How many people each reason keeps from an open head of the slot, the most frequent first; a person may
    have several. Codes: not_allowed (no pair), those of check.faults for what the further duty would break,
    and free for people who could come at once (only where the plan is not proven, or where they would cost
    more than an open head or stand alone without the others)."""
    serving = set(plan.person[plan.slot == slot].tolist())
    rows = np.flatnonzero(roster.pairs.slot == slot)
    duties = duties_of(roster, plan.pair.tolist(), plan.heads.tolist())
    allowed = set(roster.pairs.person[rows].tolist())
    reasons: Counter[str] = Counter()
    if len(roster.crew) > len(allowed):
        reasons["not_allowed"] = len(roster.crew) - len(allowed)
    for row in rows.tolist():
        person = int(roster.pairs.person[row])
        if person not in serving:
            (further,) = duties_of(roster, [row], [int(roster.crew.least[person])])
            reasons.update(_broken(roster, duties, further) or {"free"})
    return dict(reasons.most_common())


def _broken(roster: Roster, duties: list[Duty], further: Duty) -> set[str]:
    """What the further duty breaks that was whole before."""
    near = [duty for duty in duties if duty.person == further.person or duty.slot == further.slot]
    before = set(faults(roster, near))
    return {fault.code for fault in faults(roster, [*near, further]) if fault not in before}
