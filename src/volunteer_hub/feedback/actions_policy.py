"""How long improvement actions may take, and whom the clock reminds (config/actions.toml)."""

from itertools import pairwise

from pydantic import Field, PositiveInt, model_validator

from volunteer_hub.core.policy import Policy


class DueDays(Policy):
    """Days until an action of each priority is due, as proposed when it is taken up."""

    high: PositiveInt
    normal: PositiveInt
    low: PositiveInt


class Actions(Policy):
    """config/actions.toml. Whole days: ``remind_days`` fall, for they count down to the due date; all other
    lists rise."""

    proposed_days: tuple[PositiveInt, ...]
    remind_days: tuple[PositiveInt, ...]
    overdue_days: tuple[PositiveInt, ...]
    escalate_days: tuple[PositiveInt, ...]
    reopened_days: PositiveInt
    age_days: tuple[PositiveInt, ...] = Field(min_length=1, max_length=6)
    due_days: DueDays

    @model_validator(mode="after")
    def _in_order(self) -> "Actions":
        rising = ("proposed_days", "overdue_days", "escalate_days", "age_days")
        for name in rising:
            if any(left >= right for left, right in pairwise(getattr(self, name))):
                raise ValueError(f"{name}: write the days in rising order")
        if any(left <= right for left, right in pairwise(self.remind_days)):
            raise ValueError("remind_days: write the days in falling order, the last nearest to the due date")
        return self
