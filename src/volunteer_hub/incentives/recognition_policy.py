"""[recognition] of config/rewards.toml: how many people, teams and communities are recognised for a
month."""

from pydantic import NonNegativeInt

from volunteer_hub.core.policy import Policy


class Recognition(Policy):
    """``least_hours`` of volunteer time in the month and ``least_offers`` asked, before a person is ranked by
    what they gave of what they were asked for; a team of one task from ``least_people`` asked on."""

    people: NonNegativeInt = 3
    teams: NonNegativeInt = 3
    communities: NonNegativeInt = 3
    least_hours: NonNegativeInt = 2
    least_offers: NonNegativeInt = 1
    least_people: NonNegativeInt = 3
