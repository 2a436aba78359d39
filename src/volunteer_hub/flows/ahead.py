"""What a callout would do, in words, before anything is sent: the funnel, the size and why, the cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.boards import funnel
from volunteer_hub.boards.funnel import COULD, STEPS, Listed, Stand
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import asking, course, preview
from volunteer_hub.flows.asking import SlotAsk
from volunteer_hub.flows.preview import Preview, Who
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers.models import Volunteer

ASKED: Final = "asked"
WOKEN: Final = "woken"
LISTS: Final = (*STEPS, ASKED, WOKEN)
"""Every count that opens its people."""


@dataclass(frozen=True)
class Step:
    """One count of the funnel: ``lost`` says why people fell out before it."""

    code: str
    label: str
    count: int
    lost: str


@dataclass(frozen=True)
class SizeTold:
    """How many one slot asks: ``said`` with what it rests on, ``naive`` what the rule of thumb is worth."""

    slot: int
    people: int
    need: int
    sure: float
    said: str
    naive: str


def steps(result: Mapping[str, Any] | None, ahead: Preview | None, lang: str) -> tuple[Step, ...]:
    """The funnel of a plan, down to those whom its callout would ask and wake. Empty where it was not
    counted: the plan is not made, or the pool is too large to judge everybody."""
    counted = dict((result or {}).get("funnel", {}))
    if "near" not in counted:
        return ()
    # Who was asked already and has not answered cannot be asked again.
    counted["callable"] -= counted["waiting"]
    counted.setdefault("peace", counted["callable"])
    found = {step: counted[step] for step in STEPS}
    if ahead is not None:
        found |= {ASKED: ahead.asked, WOKEN: ahead.woken}
    return tuple(
        Step(code, label(code, lang), count, t(lang, f"funnel.lost.{code}")) for code, count in found.items()
    )


def label(code: str, lang: str) -> str:
    """A count of LISTS in words."""
    return t(lang, "funnel.woken.step" if code == WOKEN else f"funnel.{code}")


def people(tx: Tx, plan: PlanRun, step: str, after: int = 0) -> Listed:
    """A page of the people in a count of LISTS. Raises as boards.funnel.people."""
    if step in STEPS:
        return funnel.people(tx, plan, step, after)
    who = preview.who(tx, asking.sized(tx, plan)) if plan.state in preview.UNSENT else preview.NOBODY
    ids = sorted(one for one in (who.woken if step == WOKEN else who.asked) if one > after)
    page = ids[: funnel.LOOKED_AT]
    wanted = select(Volunteer).where(
        col(Volunteer.id).in_(page), tx.actor.scope("volunteer.read", Volunteer.area)
    )
    rows = tx.exec(wanted.order_by(col(Volunteer.id)))
    stands = tuple(_called(row, who) for row in rows)
    return Listed(stands, len(page), page[-1] if len(ids) > len(page) else None)


def _called(row: Volunteer, who: Who) -> Stand:
    if row.id not in who.reached:
        return Stand(row, "reachable", "address")
    return Stand(row, COULD, WOKEN if row.id in who.woken else "awake")


def reason(stand: Stand, lang: str) -> str:
    """Why a person falls out where they do."""
    if stand.reason == COULD:
        return t(lang, "funnel.could")
    return t(lang, f"funnel.reason.{stand.reason}")


def sizes(ahead: Preview, lang: str) -> tuple[SizeTold, ...]:
    """How many each slot asks, and why so many."""
    rests = course.rests_on(ahead.size.basis, lang)
    return tuple(_size(slot, rests, lang) for slot in ahead.size.slots)


def _size(slot: SlotAsk, rests: str, lang: str) -> SizeTold:
    need, sure = slot.slot.minimum, course.percent(slot.sure)
    if not slot.asks:
        return SizeTold(slot.facts.slot.id, 0, need, slot.sure, t(lang, "waves.size.nobody", need=need), "")
    said = t(lang, "waves.size", n=len(slot.asks), need=need, sure=sure, rests=rests)
    thumb = slot.naive and slot.naive < len(slot.asks)
    naive = (
        t(lang, "waves.size.naive", naive=slot.naive, sure=course.percent(slot.naive_sure)) if thumb else ""
    )
    return SizeTold(slot.facts.slot.id, len(slot.asks), need, slot.sure, said, naive)


def cost(ahead: Preview, lang: str) -> str:
    """What the messages cost, by what they go; empty where they cost nothing."""
    price = ahead.price
    if not price.thousandths:
        return ""
    return t(
        lang, "funnel.cost", cost=f"{price.thousandths / 1000:.2f}", currency=price.currency, n=price.parts
    )
