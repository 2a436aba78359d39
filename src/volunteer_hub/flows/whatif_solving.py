"""What a process beside the worker does with imagined callouts: it plays them. The engine alone: no database.

Over the pipe comes a `Scenes`, and for each of its places a document goes back; or a `Crowds`, and `Parts`.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from volunteer_hub.engine import readiness
from volunteer_hub.engine.law import INDEPENDENT
from volunteer_hub.engine.play import Answering, Rules
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.readiness import Crowd
from volunteer_hub.engine.solve import warm
from volunteer_hub.engine.waves import Curve
from volunteer_hub.engine.whatif import WhatIf, whatif
from volunteer_hub.flows.solving import READY

NICENESS: Final = 5  # plans of real incidents go first
MOST_NAMED: Final = 20  # people of a fix


@dataclass(frozen=True)
class Scenes:
    """The same at several ``places`` (latitude, longitude), to which all slots of the problem move.
    ``volunteers`` [V] are row ids; ``hours`` of work by fix; ``told``: minutes of which figures are kept."""

    problem: Problem
    volunteers: Ints
    places: tuple[tuple[float, float], ...]
    answering: Answering
    rules: Rules
    hours: Mapping[str, float]
    told: tuple[float, ...]


@dataclass(frozen=True)
class Crowds:
    """Of how many areas readiness is asked, by which minutes."""

    crowd: Crowd
    areas: int
    minutes: tuple[float, ...]
    prepare: float
    spread: float


def serve(line: Connection) -> None:
    """The life of the process: until its parent hangs up, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm()
    readiness.parts(*_TOY)  # loads its loops, too
    os.nice(NICENESS)
    try:
        line.send(READY)
        while True:
            asked: Scenes | Crowds = line.recv()
            if isinstance(asked, Crowds):
                line.send(
                    readiness.parts(asked.crowd, asked.areas, asked.minutes, asked.prepare, asked.spread)
                )
                continue
            for place in range(len(asked.places)):
                line.send(played(asked, place))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


_NOBODY: Final = Answering(np.full(1, 0.5), np.zeros(1, np.int64), (Curve((1.0,), (1.0,)),), INDEPENDENT)
_ONE: Final = Crowd(
    np.zeros(1, np.int64), np.ones((1, 1), np.bool_), np.ones(1, np.bool_), np.zeros(1), _NOBODY
)
_TOY: Final = (_ONE, 1, (1.0,), 0.0, 0.0)


def played(scenes: Scenes, place: int) -> dict[str, Any]:
    """The document of one place."""
    problem = at(scenes.problem, *scenes.places[place])
    found = whatif(problem, scenes.answering, scenes.rules, scenes.hours)
    return document(problem, scenes, found)


def at(problem: Problem, lat: float, lon: float) -> Problem:
    """The same slots at another place."""
    slots, count = problem.slots, len(problem.slots)
    return replace(problem, slots=replace(slots, lat=np.full(count, lat), lon=np.full(count, lon)))


def document(problem: Problem, scenes: Scenes, found: WhatIf) -> dict[str, Any]:
    """What is kept: slots in the order of the problem's, figures by the minutes told. People are ids."""
    minutes = [found.played.minutes.index(minute) for minute in scenes.told]
    sure, bands = found.played.sure, found.played.bands
    slots = problem.slots
    return {
        "minutes": [float(minute) for minute in scenes.told],
        "horizon": scenes.rules.horizon,
        "confidence": scenes.rules.confidence,
        "draws": scenes.rules.draws,
        "pool": len(scenes.problem.people),
        "fan": found.played.fan[:, minutes].tolist(),
        "all_sure": _rounded(found.played.all_sure[minutes]),
        "sure": round(float(found.played.all_sure[scenes.rules.at]), 4),
        "slots": [
            {
                "minimum": int(slots.minimum[s]),
                "target": int(slots.target[s]),
                "maximum": int(slots.maximum[s]),
                "asked": int(found.asked[s]),
                "wanted": int(found.wanted[s]),
                "chance": round(float(found.chance[s]), 3),
                "ways": round(float(found.ways[s]), 1),
                "sure": _rounded(sure[s, minutes]),
                "bands": bands[s][:, minutes].tolist(),
            }
            for s in range(len(slots))
        ],
        "binding": {
            "slot": found.binding.slot,
            "why": found.binding.why,
            "short": found.binding.short,
            "left": [[rule, count] for rule, count in found.binding.left],
        },
        "fixes": [
            {
                "kind": fix.kind,
                "slot": fix.slot,
                "amount": fix.amount,
                "hours": fix.hours,
                "skill": fix.skill,
                "level": fix.level,
                "sure": round(fix.sure, 4),
                "slot_sure": round(fix.slot_sure, 4),
                "people": scenes.volunteers[list(fix.people[:MOST_NAMED])].tolist() if fix.people else [],
            }
            for fix in found.fixes
        ],
    }


def _rounded(shares: Any) -> list[float]:
    return [round(float(share), 4) for share in shares]
