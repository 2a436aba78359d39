"""The pool as arrays for planning, read from rows, from kept blocks, or from memory: always the same pool."""

from volunteer_hub.volunteers.pool.loading import holders, load, one, within
from volunteer_hub.volunteers.pool.people import Pool, free_throughout
from volunteer_hub.volunteers.pool.reading import FOREVER, MODES

__all__ = ["FOREVER", "MODES", "Pool", "free_throughout", "holders", "load", "one", "within"]
