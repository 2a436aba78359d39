"""What was given, as the staff reads it: the people by name where the reader may see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import gifts
from volunteer_hub.incentives.gifts_models import Gift, Need
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class GiftLine:
    """``giver`` and ``receiver``: None for a fund, and for readers who may not see people there."""

    row: Gift
    giver: Volunteer | None
    receiver: Volunteer | None
    area: dict[str, str]


@dataclass(frozen=True)
class NeedLine:
    """Somebody in need; ``person`` is None for readers who may not see people there."""

    row: Need
    person: Volunteer | None
    area: dict[str, str]


@dataclass(frozen=True)
class Fund:
    """The points of an area's fund."""

    area: str
    name: dict[str, str]
    points: int


@dataclass(frozen=True)
class Desk:
    """Funds, people in need, and gifts of the actor's areas: what waits first, then the newest."""

    funds: tuple[Fund, ...]
    needs: tuple[NeedLine, ...]
    gifts: tuple[GiftLine, ...]


def desk(tx: Tx) -> Desk:
    """All of it, in five queries."""
    funds, needs, given = gifts.funds(tx), gifts.needs(tx), gifts.listed(tx)
    names = jurisdictions.names(tx, [*funds, *(row.area for row in needs), *(row.area for row in given)])
    people = _people(tx, needs, given)
    return Desk(
        tuple(Fund(area, names[area], points) for area, points in sorted(funds.items())),
        tuple(NeedLine(row, people.get(row.volunteer_id), names[row.area]) for row in needs),
        tuple(
            GiftLine(row, people.get(row.giver_id or 0), people.get(row.receiver_id or 0), names[row.area])
            for row in given
        ),
    )


def _people(tx: Tx, needs: Sequence[Need], given: Sequence[Gift]) -> dict[int, Volunteer]:
    ids = {row.volunteer_id for row in needs}
    ids |= {who for row in given for who in (row.giver_id, row.receiver_id) if who is not None}
    seen = tx.actor.scope("volunteer.read", Volunteer.area)
    found = tx.exec(select(Volunteer).where(col(Volunteer.id).in_(ids), seen))
    return {person.id: person for person in found}
