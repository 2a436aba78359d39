"""Heads filled and open heads make up the target of each slot."""

from __future__ import annotations

from volunteer_hub.engine.roster.model import Model


def rule(model: Model) -> None:
    """heads + open below the minimum + open up to the target = target."""
    roster = model.goal.roster
    target = roster.duties.target
    rows = model.rows(len(target), target, target)
    model.put(rows[roster.pairs.slot], model.head, 1.0)
    model.put(rows, model.short_minimum, 1.0)
    model.put(rows, model.short_target, 1.0)
