"""[deductions] of config/rewards.toml: for what points are taken by hand, and how long one may appeal."""

from pydantic import Field, PositiveInt

from volunteer_hub.core.policy import Name, Policy


class Deductions(Policy):
    """``kinds``: what points may be taken for, by hand; words that say more go with each. ``appeal_days``:
    from the day on which the person is told."""

    appeal_days: PositiveInt = 14
    kinds: dict[str, Name] = Field(
        {"other": Name(en="another reason", zh="其他原因")},
        min_length=1,
    )
