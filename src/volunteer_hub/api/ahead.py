"""Before a callout is sent: how the pool narrows and who is where, how many are asked and why, the cost."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import Cursor, Out
from volunteer_hub.api.plans import StepOut
from volunteer_hub.boards import funnel
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.errors import NotFound
from volunteer_hub.flows import ahead, preview
from volunteer_hub.flows.preview import Preview
from volunteer_hub.mobilization import plans

router = APIRouter(tags=["plans"])


class SizeOut(Out):
    """How many one slot asks for its ``need``, how ``sure`` that is, and why; ``naive``: what the rule of
    thumb would ask and is worth, empty where it asks no fewer."""

    slot: UUID
    people: int
    need: int
    sure: float
    why: str
    naive: str


class SizesOut(Out):
    """What sending would do. ``joint``: the chance that every minimum comes together."""

    asked: int
    woken: int
    unreachable: int
    confidence: float
    joint: float
    cost_thousandths: int
    currency: str
    slots: list[SizeOut]


class AheadOut(Out):
    """``funnel`` is empty until the plan is made, and for a pool too large to judge everybody; ``callout`` is
    null when there is nothing to send: not made yet, sent, or put aside."""

    funnel: list[StepOut]
    callout: SizesOut | None


class StandOut(Out):
    """One person of a count. ``could``: nothing stands in the way; else ``step`` is where they fall out."""

    volunteer: UUID
    could: bool
    step: str
    reason: str


class StandsOut(Out):
    """``looked_at``: so many of the pool were judged for this page; ``next`` looks on."""

    items: list[StandOut]
    looked_at: int = Field(description="people judged for this page")
    next: str | None


@router.get("/plans/{plan_id}/ahead")
def before_sending(
    plan_id: UUID,
    actor: Annotated[Actor, allow("plan.read")],
    language: Language,
    confidence: Annotated[
        float | None, Query(gt=0, lt=1, description="instead of the configured one")
    ] = None,
) -> AheadOut:
    """What the plan's callout would do if it were sent now: how many are left at each step of the funnel, how
    many it asks and why so many, how many it wakes, what the messages cost."""
    with db.read(actor) as tx:
        run = plans.find(tx, "plan.read", plan_id)
        unsent = run.result is not None and run.state in preview.UNSENT
        found = preview.before_sending(tx, run, confidence) if unsent else None
        steps = ahead.steps(run.result, found, language)
        return AheadOut(
            funnel=[StepOut(step=one.code, people=one.count) for one in steps],
            callout=_callout(found, language) if found else None,
        )


def _callout(found: Preview, language: str) -> SizesOut:
    ids = {one.facts.slot.id: one.facts.slot.public_id for one in found.size.slots}
    return SizesOut(
        asked=found.asked,
        woken=found.woken,
        unreachable=found.unreachable,
        confidence=found.size.confidence,
        joint=found.size.joint,
        cost_thousandths=found.price.thousandths,
        currency=found.price.currency,
        slots=[
            SizeOut(
                slot=ids[one.slot],
                people=one.people,
                need=one.need,
                sure=one.sure,
                why=one.said,
                naive=one.naive,
            )
            for one in ahead.sizes(found, language)
        ],
    )


@router.get("/plans/{plan_id}/funnel/{step}")
def people(
    plan_id: UUID,
    step: str,
    actor: Annotated[Actor, allow("volunteer.read")],
    language: Language,
    cursor: Cursor = None,
) -> StandsOut:
    """The people in a count of the funnel as they stand now, each with what stops them further on."""
    if step not in ahead.LISTS:
        raise NotFound("not_found")
    with db.read(actor) as tx:
        found = ahead.people(tx, plans.find(tx, "plan.read", plan_id), step, decode_cursor(cursor) or 0)
        return StandsOut(
            items=[
                StandOut(
                    volunteer=one.volunteer.public_id,
                    could=one.step == funnel.COULD,
                    step=one.step,
                    reason=ahead.reason(one, language),
                )
                for one in found.people
            ],
            looked_at=found.looked_at,
            next=encode_cursor(found.further) if found.further is not None else None,
        )
