"""Two entries of one person become one, with what either was written, learned, earned and took."""

from uuid import UUID

from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.feedback import evaluations
from volunteer_hub.flows import settle
from volunteer_hub.incentives import certificates, deductions, gifts, ledger, rewards
from volunteer_hub.notify import notes, replies
from volunteer_hub.training import own as training
from volunteer_hub.volunteers import merging, registry
from volunteer_hub.volunteers.models import Volunteer


def merge(tx: Tx, keep: UUID, drop: UUID) -> Volunteer:
    """The entry kept. Raises as `merging.merge`."""
    dropped = registry.find(tx, "volunteer.write", drop, lock=True).id
    kept = merging.merge(tx, keep, drop)
    notes.move(tx, kept.id, dropped)
    replies.move(tx, kept.id, dropped)
    training.move(tx, kept.id, dropped)
    evaluations.move(tx, kept.id, dropped)
    rewards.move(tx, kept.id, dropped)
    deductions.move(tx, kept.id, dropped)
    gifts.move(tx, kept.id, dropped)
    certificates.move(tx, kept.id, dropped)
    ledger.carry(tx, kept.id, dropped, kept.area, t(LANGUAGES[0], "points.merged"), settle.in_force(tx))
    return kept
