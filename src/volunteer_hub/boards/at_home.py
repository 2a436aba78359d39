"""Everybody of a pool at home: in which community, what they count for there, whether they are free."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.rules import NodeKind
from volunteer_hub.boards import problem
from volunteer_hub.boards.free_times import Ints
from volunteer_hub.boards.problem import Bools, Floats
from volunteer_hub.core import geo, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers import pool as people_pool
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.volunteers.pool import Pool

AT_HOME: Final = frozenset({NodeKind.COMMUNITY, NodeKind.VILLAGE})


@dataclass(frozen=True)
class Homes:
    """Everybody of a pool by the community they live in: ``area`` [V] numbers ``paths``; who lives at another
    node is left out. ``skills`` [K] are codes; ``ways`` [V] minutes to the community's centre."""

    paths: tuple[str, ...]
    volunteers: Ints
    area: Ints
    skills: tuple[str, ...]
    holds: Bools  # [V, K]
    free: Bools  # [V]
    ways: Floats  # [V]


def homes(tx: Tx, pool_area: str, pool: Pool, start: datetime, end: datetime) -> Homes:
    """Who counts for what at home, and who is free from start to end."""
    callouts = policy.load("callouts", Callouts)
    nodes = [node for node in jurisdictions.subtree(tx, pool_area) if node.kind in AT_HOME]
    nodes.sort(key=lambda node: node.id)
    ids = np.array([node.id for node in nodes], dtype=np.int64)
    at = np.searchsorted(ids, pool.area_ids)
    rows = np.flatnonzero(np.append(ids, -1)[at] == pool.area_ids)
    area = at[rows]
    centre = np.array([(node.lat, node.lon) for node in nodes]).reshape(-1, 2)[area]
    km = geo.haversine_km(pool.lat[rows], pool.lon[rows], centre[:, 0], centre[:, 1])
    speed = problem.speeds(callouts)[pool.mode[rows]]
    skills = tuple(policy.load("skills", Skills).skills)
    holds = np.stack([pool.counts_until(skill, 1)[rows] > 0 for skill in skills], axis=1)
    return Homes(
        paths=tuple(node.path for node in nodes),
        volunteers=pool.ids[rows],
        area=area,
        skills=skills,
        holds=holds,
        free=people_pool.free_throughout(pool, start, end)[rows],
        ways=60 * callouts.travel.detour * km / speed,
    )
