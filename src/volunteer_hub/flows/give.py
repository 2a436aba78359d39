"""Points go from a volunteer to a person in need, to a fund, and from it; both are told.

The giver never reads the other's name, nor they the giver's: help is given, not sold.
"""

import uuid
from typing import Any

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.boards import evidence
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import settle, train
from volunteer_hub.incentives import gifts
from volunteer_hub.incentives.gifts import Giver
from volunteer_hub.incentives.gifts_models import Gift, Need
from volunteer_hub.incentives.gifts_rules import GiftState, Standing
from volunteer_hub.volunteers import registry


def giver(tx: Tx, volunteer_id: int) -> Giver:
    """A person as somebody who gives."""
    person = registry.one(tx, volunteer_id)
    today = tx.now.astimezone(settle.zone_of(tx, person.area))
    return Giver(person.id, person.area, today.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def standing(tx: Tx, who: Giver, to: Need | None = None) -> Standing:
    """Where they stand towards the limits, read without holding anything longer than this transaction."""
    return gifts.standing(tx, who, settle.in_force(tx), to.volunteer_id if to is not None else None)


def give(tx: Tx, volunteer_id: int, need: uuid.UUID | None, points: int) -> Gift:
    """Gives to a person in need, or to the fund of one's community. Raises as `gifts.give`, and NotFound."""
    who = giver(tx, volunteer_id)
    to = gifts.need(tx, need, home=who.home) if need is not None else None
    names = jurisdictions.names(tx, [who.home, *([to.area] if to is not None else [])])
    row = gifts.give(tx, who, to, points, names, settle.in_force(tx))
    _tell(tx, row, names)
    return row


def grant(tx: Tx, need: uuid.UUID, points: int, fund: str) -> Gift:
    """Grants from the fund of an area, by its path. Raises as `gifts.grant`, Refused to oneself."""
    to, me = gifts.need(tx, need, permission=gifts.WRITE), _account(tx)
    _not_own(tx, me, to.volunteer_id)
    names = jurisdictions.names(tx, [fund])
    row = gifts.grant(tx, fund, to, points, me, names, settle.in_force(tx))
    _tell(tx, row, names)
    return row


def decide(tx: Tx, public_id: uuid.UUID, reason: str | None) -> Gift:
    """Lets a gift that waits go its way, or with a reason refuses it. Raises as `gifts.decide`, Refused where
    one is the giver or the receiver."""
    row, me = gifts.find(tx, public_id), _account(tx)
    for person in (row.giver_id, row.receiver_id):
        _not_own(tx, me, person)
    assert row.giver_id is not None  # what a fund grants never waits
    who = giver(tx, row.giver_id)
    names = jurisdictions.names(tx, [row.area, who.home])
    row = gifts.decide(tx, row, who, reason, me, names, settle.in_force(tx))
    _tell(tx, row, names)
    return row


def name(tx: Tx, volunteer: uuid.UUID, words: str) -> Need:
    """Names somebody of the actor's areas as in need. Raises as `gifts.open_need`, and NotFound."""
    person = registry.find(tx, gifts.WRITE, volunteer)
    return gifts.open_need(tx, person.id, person.area, words, _account(tx))


def _tell(tx: Tx, row: Gift, names: dict[str, dict[str, str]]) -> None:
    facts: dict[str, Any] = {"points": row.points, "area": names[row.area], "why": row.reason or "–"}
    until = tx.now + train.WORTH
    told = {GiftState.WAITING: "gift_waits", GiftState.REFUSED: "gift_refused", GiftState.GIVEN: "gift_given"}
    if row.giver_id is not None:
        deed = {row.giver_id: f"gift:{row.public_id}"}
        train.tell(tx, told[row.state], deed, facts, until)
    if row.receiver_id is not None and row.state is GiftState.GIVEN:
        train.tell(tx, "gift_received", {row.receiver_id: f"gift:{row.public_id}"}, facts, until)


def _account(tx: Tx) -> int | None:
    me = accounts.acting(tx)
    return me.id if me is not None else None


def _not_own(tx: Tx, me: int | None, person: int | None) -> None:
    if me is not None and person is not None and evidence.is_own(tx, {me}, person):
        raise Refused("gift.own")
