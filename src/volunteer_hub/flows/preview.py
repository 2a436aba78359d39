"""Before anybody is woken: how many a callout would ask, by what, and whether one person may send it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.flows import asking, letters, price
from volunteer_hub.flows.asking import Size, SlotAsk
from volunteer_hub.flows.letters import Reach
from volunteer_hub.flows.price import Price
from volunteer_hub.mobilization import plans, rules
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import PlanState

UNSENT: Final = frozenset({PlanState.READY, PlanState.APPROVED})


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
    people = {ask.volunteer_id for slot in wanted for ask in slot.asks}
    ways = letters.reach(tx, people)
    channels = Counter(way.channel.value for way in ways.values() if way.channel is not None)
    limits, site = policy.load("callouts", Callouts).callout, policy.load("hub", Site)
    local = tx.now.astimezone(ZoneInfo(jurisdictions.by_path(tx, plan.area).zone))
    weakest = min(wanted, key=lambda slot: slot.sure, default=None)
    count = max(len(people), plans.people(plan))
    return Preview(
        chosen=plans.people(plan),
        asked=len(people),
        unreachable=len(people) - channels.total(),
        by=tuple(channels.most_common()),
        sure=weakest.sure if weakest is not None else 1.0,
        weakest=weakest.facts.slot.id if weakest is not None else None,
        low=weakest is not None and weakest.sure < size.confidence,
        night=site.night.covers(local.time()),
        second_person=rules.needs_second_person(count, local.time(), limits, site.night),
        over=limits.second_person_over,
        local=local,
        size=size,
        price=price.of(tx, wanted),
        woken=_reached(ways, [slot for slot in wanted if _asleep(tx, slot, site)]),
    )


def _asleep(tx: Tx, slot: SlotAsk, site: Site) -> bool:
    """Whether it is night where the slot's people are."""
    return site.night.covers(tx.now.astimezone(ZoneInfo(slot.facts.zone)).time())


def _reached(ways: Mapping[int, Reach], asks: Sequence[SlotAsk]) -> int:
    """How many of these people a message reaches."""
    people = {ask.volunteer_id for slot in asks for ask in slot.asks}
    return sum(ways[key].channel is not None for key in people)
