"""Measured travel times in place of the straight line.

A road service is asked once per place people start from and means of travel, never per person: a zone is such
a pair (the centre of a community, by car). All people of a zone have the same time to a slot, so whoever
searches a zone may leave it out as a whole when its time alone is too much. That is the lower bound which
keeps search and proof exact without looking at everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.arrays import Bools, Ints, ProblemError, refuse

NO_WAY = -1
LONGEST = 10**6  # 0.1 minutes, ten weeks: more is a mistake


@dataclass(frozen=True)
class Matrix:
    """Travel times between zones and slots. Raises ProblemError for other shapes or times out of range."""

    zone: Ints  # [V] row of `tenths` of each person
    tenths: Ints  # [Z, S] 0.1 minutes from a zone to a slot, NO_WAY where there is none

    def __post_init__(self) -> None:
        for name, axes in (("zone", 1), ("tenths", 2)):
            array = np.array(getattr(self, name), dtype=np.int64)
            if array.ndim != axes:
                raise ProblemError("shape", f"travel.{name}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        refuse((self.tenths < NO_WAY) | (self.tenths > LONGEST), "out_of_range", "travel.tenths")
        refuse((self.zone < 0) | (self.zone >= len(self.tenths)), "unknown_zone", "travel.zone")

    def time(self, v: Ints | slice, slot: Ints | int) -> Ints:
        """0.1 minutes for pairs of rows (or many people and one slot), NO_WAY where there is none."""
        times: Ints = self.tenths[self.zone[v], slot]
        return times

    def reachable(self, v: Ints | slice, slot: Ints | int) -> Bools:
        reached: Bools = self.time(v, slot) != NO_WAY
        return reached
