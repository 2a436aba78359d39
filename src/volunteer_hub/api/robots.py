"""/robots: the chat robots of areas, which hear of callouts there."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import In, Out, Page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.notify import robots
from volunteer_hub.notify.channels.robot import LONGEST
from volunteer_hub.notify.robot_models import Robot

router = APIRouter(prefix="/robots", tags=["robots"])
Manages = Annotated[Actor, allow(robots.RIGHT)]


class RobotOut(Out):
    """A robot, without its address, which nobody is shown again."""

    id: uuid.UUID
    area: str = Field(description="code of the area; it hears of callouts there and below")
    name: str
    lang: str
    created_at: datetime


class RobotIn(In):
    """A robot of a group in DingTalk, WeCom, Feishu or ntfy, or a gateway that takes JSON."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"area": "2306", "name": "Duty group", "url": "dingtalk://token", "lang": "zh"}]
        }
    }
    area: Code
    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=LONGEST, description="as apprise writes it: dingtalk://token")
    lang: Literal["zh", "en"] = "zh"


def _view(tx: db.Tx, robot: Robot) -> RobotOut:
    code = jurisdictions.by_path(tx, robot.area).code
    same = {"name", "lang", "created_at"}
    return RobotOut(id=robot.public_id, area=code, **robot.model_dump(include=same))


@router.get("")
def listed(actor: Manages) -> Page[RobotOut]:
    """The robots of my areas."""
    with db.read(actor) as tx:
        return Page(items=[_view(tx, robot) for robot in robots.listed(tx)])


@router.post("", status_code=201)
def add(actor: Manages, body: RobotIn) -> RobotOut:
    """A further robot. There is no idempotency key here: its address must not be kept in the clear."""
    with db.transaction(actor, "robot.add") as tx:
        area = jurisdictions.by_code(tx, body.area).path
        return _view(tx, robots.add(tx, area=area, **body.model_dump(exclude={"area"})))


@router.delete("/{id}", status_code=204, response_class=Response)
def remove(actor: Manages, id: uuid.UUID) -> None:
    """Takes a robot away."""
    with db.transaction(actor, "robot.remove") as tx:
        robots.remove(tx, id)
