"""Before anybody is woken: how many a callout would ask, by what, and whether one person may send it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.flows import asking, letters, price
from volunteer_hub.flows.asking import Size, SlotAsk
from volunteer_hub.flows.price import Price
from volunteer_hub.mobilization import plans, rules
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import PlanState

UNSENT: Final = frozenset({PlanState.READY, PlanState.APPROVED})


@dataclass(frozen=True)
class Who:
    """Ids of the people whom a callout would ask; those whom a message reaches, and of these those for whom
    it is night. ``channels``: people by the channel that does."""

    asked: frozenset[int] = frozenset()
    reached: frozenset[int] = frozenset()
    woken: frozenset[int] = frozenset()
    channels: Mapping[str, int] = field(default_factory=dict)


NOBODY: Final = Who()


@dataclass(frozen=True)
class Preview:
    """What sending would do now. ``by``: people by channel, the most first. ``sure``: the chance that the
    minimum of the ``weakest`` slot (an id) comes together, ``low`` when it is below what is wanted.
    ``over``: above so many people a second person is needed; ``woken``: people asked in their local night."""

    chosen: int
    asked: int
    unreachable: int
    by: tuple[tuple[str, int], ...]
    sure: float
    weakest: int | None
    low: bool
    night: bool
    second_person: bool
    over: int
    local: datetime
    size: Size
    price: Price
    woken: int


def before_sending(tx: Tx, plan: PlanRun, confidence: float | None = None) -> Preview:
    """The preview of a plan that is ready or approved, for a ``confidence`` that is being considered; the
    queries do not grow with the people."""
    size = asking.sized(tx, plan, confidence)
    wanted = size.slots
    people = who(tx, size)
    limits, site = policy.load("callouts", Callouts).callout, policy.load("hub", Site)
    local = tx.now.astimezone(ZoneInfo(jurisdictions.by_path(tx, plan.area).zone))
    weakest = min(wanted, key=lambda slot: slot.sure, default=None)
    count = max(len(people.asked), plans.people(plan))
    return Preview(
        chosen=plans.people(plan),
        asked=len(people.asked),
        unreachable=len(people.asked - people.reached),
        by=tuple(Counter(people.channels).most_common()),
        sure=weakest.sure if weakest is not None else 1.0,
        weakest=weakest.facts.slot.id if weakest is not None else None,
        low=weakest is not None and weakest.sure < size.confidence,
        night=site.night.covers(local.time()),
        second_person=rules.needs_second_person(count, local.time(), limits, site.night),
        over=limits.second_person_over,
        local=local,
        size=size,
        price=price.of(tx, wanted),
        woken=len(people.woken),
    )


def who(tx: Tx, size: Size) -> Who:
    """Whom a callout of this size asks and wakes, in two queries."""
    site = policy.load("hub", Site)
    asked = frozenset(ask.volunteer_id for slot in size.slots for ask in slot.asks)
    ways = letters.reach(tx, asked)
    reached = {key: way.channel.value for key, way in ways.items() if way.channel is not None}
    asleep = {ask.volunteer_id for slot in size.slots if _asleep(tx, slot, site) for ask in slot.asks}
    return Who(asked, frozenset(reached), frozenset(asleep & reached.keys()), Counter(reached.values()))


def _asleep(tx: Tx, slot: SlotAsk, site: Site) -> bool:
    """Whether it is night where the slot's people are."""
    return site.night.covers(tx.now.astimezone(ZoneInfo(slot.facts.zone)).time())
