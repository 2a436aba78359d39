"""A volunteer's level: by the hours that count, and the levels of their area."""

from volunteer_hub.boards import command
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import levels_rules as rules
from volunteer_hub.incentives import queries
from volunteer_hub.incentives.levels_policy import Ladder
from volunteer_hub.incentives.levels_rules import Reached
from volunteer_hub.incentives.policy import Rewards


def of(tx: Tx, volunteer_id: int, area: str) -> Reached:
    """The level of the person of that home area today; time whose payment was taken back does not count."""
    rewards: Rewards = policy.load("rewards", Rewards)
    return rules.reached(queries.hours(tx, volunteer_id).counted, ladder(tx, area, rewards))


def ladder(tx: Tx, area: str, rewards: Rewards) -> Ladder:
    """The levels that hold in an area."""
    codes = [node.code for node in command.way(tx, area)] if rewards.levels.areas else []
    return rules.ladder(rewards.levels, codes)


def percent(tx: Tx, volunteer_id: int, area: str, rewards: Rewards) -> int:
    """What the hours of their next duty are multiplied by; nothing is read where no level multiplies."""
    return of(tx, volunteer_id, area).percent if rewards.levels.multiply else 100
