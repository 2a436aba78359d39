"""[gifts] of config/rewards.toml: how much of their points people may give to others."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from volunteer_hub.core.policy import Policy


class Gifts(Policy):
    """``month``: the most that one person gives in a calendar month, ``pair_month`` of it to the same person;
    ``keep`` stays with the giver; only what duties with evidence of ``grades`` have paid may be given;
    who gives within ``swap_days`` to somebody who has given to them waits for a second look."""

    month: PositiveInt = 100
    pair_month: PositiveInt = 40
    keep: NonNegativeInt = 20
    grades: tuple[Literal["A", "B", "C"], ...] = Field(("A", "B"), min_length=1)
    swap_days: NonNegativeInt = 365
