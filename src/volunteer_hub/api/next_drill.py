"""Which drill next: where each ask would teach most, and accepting it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.drills import DrillOut, drill_out
from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import In, OnceOnly, Out, Page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import next_drill
from volunteer_hub.flows.next_drill import Proposal
from volunteer_hub.mobilization.policy import When

router = APIRouter(tags=["drills"])


class ProposalOut(Out):
    """A drill of ``asks`` people, and why in one sentence. For the hazard that it is worth most for, which
    wants ``need`` people, ``stated`` would be asked in the mean; between how many with 90 % as it is known
    ``before``, and ``after`` the drill was held. ``short``: the share of imagined callouts that go
    short, null where none was played. ``value``: by how much each ask narrows that down, weighted by risk."""

    area: AreaOut
    when: When
    at: datetime
    hazard: str
    asks: int
    share_percent: int
    resting: int = Field(description="people there who may be disturbed again")
    need: int
    chance: float
    stated: float
    before: tuple[float, float]
    after: tuple[float, float]
    incidents_a_year: float
    short: float | None
    value: float
    why: str


class Accepted(In):
    """Which of the drills proposed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"area": "230602001", "when": "night"}]})
    area: Code
    when: When


def _proposal(one: Proposal, lang: str) -> ProposalOut:
    given = set(ProposalOut.model_fields) - {"area", "incidents_a_year", "why"}
    return ProposalOut(
        area=area_out(one.area),
        incidents_a_year=one.a_year,
        why=next_drill.reason(one, lang),
        **{name: getattr(one, name) for name in given},
    )


@router.get("/drill-proposals", response_model=Page[ProposalOut])
def listed(actor: Annotated[Actor, allow("drill.read")], lang: Language) -> Page[ProposalOut]:
    """The drills that would teach most, one for each community, the best first. Nobody is counted who was
    asked to drills too often lately."""
    with db.read(actor) as tx:
        return Page(items=[_proposal(one, lang) for one in next_drill.proposals(tx)])


@router.post("/drill-proposals", status_code=201, response_model=DrillOut)
def accept(actor: Annotated[Actor, allow("drill.write")], body: Accepted, once: OnceOnly) -> Response:
    """Makes the drill plan of a proposal, held once. 409 where it is not proposed any more."""

    def deed() -> DrillOut:
        return drill_out(tx, next_drill.accept(tx, body.area, body.when))

    with db.transaction(actor, "drill.accept") as tx:
        return once.run(tx, deed, 201)
