"""The part of a re-plan's frozen document that tells what changes: ids and figures."""

from typing import Any

import numpy as np

from volunteer_hub.boards.problem import Case
from volunteer_hub.engine.replan import Change, Replan


def document(case: Case, again: Replan) -> dict[str, Any]:
    """``changes``: by person the slot before and after (None: none), whether the one before is ``lost`` as
    they may serve there no longer, and what keeping it would cost at least, in 0.1 minutes. ``closed``: heads
    filled that were open, by slot; ``kept``: orders that stay.

    Whose place the plan has no use for, as the slot lacks somebody of a certain skill instead, keeps it.
    """
    lost = set(case.lost)
    every = [_change(case, one, lost) for one in again.changes]
    changes = [one for one in every if one["lost"] or one["after"] is not None]
    kept = again.kept + len(every) - len(changes)
    told = {change["volunteer"] for change in changes}
    changes += [_gone(volunteer, slot) for volunteer, slot in case.lost if volunteer not in told]
    slots = np.flatnonzero(again.closed)
    return {
        "changes": changes,
        "kept": kept,
        "closed": [{"slot": int(case.slots[s]), "heads": int(again.closed[s])} for s in slots],
    }


def _change(case: Case, one: Change, lost: set[tuple[int, int]]) -> dict[str, Any]:
    volunteer = int(case.volunteers[one.person])
    before = int(case.slots[one.before]) if one.before >= 0 else None
    return {
        "volunteer": volunteer,
        "before": before,
        "after": int(case.slots[one.after]) if one.after >= 0 else None,
        "lost": (volunteer, before) in lost,
        "price": one.price,
    }


def _gone(volunteer: int, slot: int) -> dict[str, Any]:
    return {"volunteer": volunteer, "before": slot, "after": None, "lost": True, "price": 0}
