"""The part of a plan's frozen document that tells of reserve floors: ids, codes and figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from volunteer_hub.boards.floors import Kept
from volunteer_hub.engine.solve import Plan
from volunteer_hub.flows.keeping import FloorPrice


def document(kept: Sequence[Kept], plan: Plan, prices: Sequence[FloorPrice | None]) -> list[dict[str, Any]]:
    """One entry a floor. ``there`` could come today, ``sent`` of them go; ``binds``: it holds people back,
    for the ``price``: what the plan would gain without it, null where nobody knows. ``prices`` are those of
    the floors that could limit the plan, in their order."""
    order = iter(prices)
    return [_floor(one, plan, next(order, None) if one.limits else FloorPrice()) for one in kept]


def _floor(one: Kept, plan: Plan, price: FloorPrice | None) -> dict[str, Any]:
    sent = int(np.isin(one.members, plan.person).sum())
    binds = one.limits and sent >= one.spare and (price is None or price.any)
    return {
        "id": one.id,
        "area": one.area,
        "skill": one.skill,
        "level": one.level,
        "keep": one.keep,
        "there": one.there,
        "sent": sent,
        "binds": binds,
        "broken": one.broken,
        "price": {"heads": price.heads, "tenths": price.tenths} if binds and price is not None else None,
    }
