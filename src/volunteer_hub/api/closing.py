"""The end of an incident: everybody released, then closed and asked how it was."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import close as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.rules import State

router = APIRouter(tags=["incidents"])


class ReleaseIn(In):
    """Whether people on site are checked out too, or stay until they check out themselves."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"everybody": False}]})
    everybody: bool = True


class ReleasedOut(Out):
    """What a release came to, in people."""

    state: State
    stood_down: int
    released: int = Field(description="expected, and told that they need not come")
    checked_out: int
    on_site: int = Field(description="left there")


class ClosedOut(Out):
    """How many people were asked how it was."""

    state: State
    surveys: int


@router.post("/incidents/{id}/release", response_model=ReleasedOut)
def release(
    actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, body: ReleaseIn, once: OnceOnly
) -> Response:
    """Ends the callouts and releases people, with thanks and points."""

    def deed() -> ReleasedOut:
        incident = queries.find(tx, "incident.write", id)
        done = flow.demobilise(tx, incident, everybody=body.everybody)
        return ReleasedOut(
            state=incident.state,
            stood_down=done.stood_down,
            released=done.released,
            checked_out=done.checked_out,
            on_site=done.on_site,
        )

    with db.transaction(actor, "incident.release") as tx:
        return once.run(tx, deed)


@router.post("/incidents/{id}/close", response_model=ClosedOut)
def close(actor: Annotated[Actor, allow("incident.close")], id: uuid.UUID, once: OnceOnly) -> Response:
    """Closes the incident, releasing whoever is left, and opens the surveys."""

    def deed() -> ClosedOut:
        incident = queries.find(tx, "incident.close", id)
        opened = flow.close(tx, incident)
        return ClosedOut(state=incident.state, surveys=len(opened))

    with db.transaction(actor, "incident.close") as tx:
        return once.run(tx, deed)
