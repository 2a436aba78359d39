"""A volunteer takes a reward for points, and changes their mind; a counter hands it over, the staff reverses.

A code is derived under the installation's key and bears a letter that tells slips of the pen: a counter
without network notes it on paper with the hour, and keys both in later.
"""

import uuid
from datetime import datetime

from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import settle
from volunteer_hub.incentives import rewards, rewards_rules
from volunteer_hub.incentives.rewards import Taken
from volunteer_hub.incentives.rewards_models import Redemption
from volunteer_hub.volunteers import registry


def take(tx: Tx, volunteer_id: int, reward: uuid.UUID) -> Redemption:
    """Takes a piece for points. Raises as `rewards.take`."""
    person = registry.one(tx, volunteer_id)
    return rewards.take(tx, volunteer_id, person.area, reward, settle.in_force(tx))


def give_back(tx: Tx, volunteer_id: int, redemption: uuid.UUID) -> Redemption:
    """Gives it back unused. Raises NotFound, Refused once it was handed over."""
    person = registry.one(tx, volunteer_id)
    mine = rewards.own(tx, volunteer_id, redemption)
    return rewards.give_back(tx, mine, t(person.lang, "reward.given_back"))


def hand_over(tx: Tx, typed: str, noted: datetime | None = None) -> Taken:
    """Hands over what a code stands for, typed or scanned. Raises as `rewards.hand_over`."""
    return rewards.hand_over(tx, rewards_rules.read(typed), noted)


def code(redemption: Redemption) -> str:
    """The code as its holder shows it."""
    return rewards_rules.grouped(rewards.code_of(redemption.public_id))


def address(redemption: Redemption) -> str:
    """The same as an address, for a QR code."""
    return f"{settings().base_url.rstrip('/')}/counter/{rewards.code_of(redemption.public_id)}"
