"""The courses there are: those of config/training.toml, and those the staff added for its area and below."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, PreconditionFailed
from volunteer_hub.training.models import OwnCourse
from volunteer_hub.training.policy import Course, Training

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True)
class Offered:
    """A course by its code. ``own``: the row of one that the staff added, None for one that ships."""

    code: str
    course: Course
    own: OwnCourse | None = None

    @property
    def name(self) -> dict[str, str]:
        """In both languages."""
        return {"en": self.course.name.en, "zh": self.course.name.zh}


def shipped() -> Training:
    """The rules of training in force."""
    found: Training = policy.load("training", Training)
    return found


def every(tx: Tx) -> dict[str, Offered]:
    """Every course by code, ended ones too: sessions and papers of the past name them."""
    found = {code: Offered(code, course) for code, course in shipped().courses.items()}
    for row in tx.exec(select(OwnCourse).order_by(col(OwnCourse.id))):
        found.setdefault(row.code, Offered(row.code, Course.model_validate(row.body), row))
    return found


def for_area(tx: Tx, area: str) -> dict[str, Offered]:
    """The courses offered to people of an area: those that ship, and those of its node and above."""
    return {
        code: one
        for code, one in every(tx).items()
        if one.own is None or (one.own.ended_at is None and area.startswith(one.own.area))
    }


def for_staff(tx: Tx, permission: str = "training.read") -> dict[str, Offered]:
    """The courses that the actor sees: those that ship, and own ones within or above their areas."""
    tx.actor.must(permission)
    areas = tx.actor.areas(permission)
    return {
        code: one
        for code, one in every(tx).items()
        if one.own is None or any(a.startswith(one.own.area) or one.own.area.startswith(a) for a in areas)
    }


def one(tx: Tx, code: str) -> Offered:
    """Raises NotFound."""
    found = every(tx).get(code)
    if found is None:
        raise NotFound("not_found")
    return found


def find_own(tx: Tx, permission: str, public_id: uuid.UUID) -> OwnCourse:
    """A course of the staff's own inside the actor's areas. Raises NotFound."""
    tx.actor.must(permission)
    wanted = select(OwnCourse).where(
        col(OwnCourse.public_id) == public_id, tx.actor.scope(permission, OwnCourse.area)
    )
    row = tx.exec(wanted).first()
    if row is None:
        raise NotFound("not_found")
    return row


def add(tx: Tx, area: str, code: str, body: Mapping[str, Any]) -> OwnCourse:
    """A course of the staff's own. Raises Malformed for a code that cannot be or is taken, a wrong body."""
    tx.actor.must_cover("training.write", area)
    if not _CODE.fullmatch(code):
        raise Malformed("form", fields=[FieldError("code", "training.code")])
    known = every(tx)
    if code in known:
        raise Malformed("form", fields=[FieldError("code", "training.code_taken")])
    row = OwnCourse(
        area=area,
        code=code,
        body=_checked(body, code, known),
        made_by=tx.actor.id if tx.actor.kind == "account" else None,
        made_at=tx.now,
    )
    tx.add(row)
    tx.flush()
    return row


def change(tx: Tx, row: OwnCourse, version: int, body: Mapping[str, Any]) -> OwnCourse:
    """Another body in place of the first. Raises Malformed, PreconditionFailed when somebody was faster."""
    _editing(tx, row, version)
    row.body = _checked(body, row.code, every(tx))
    row.version += 1
    tx.flush()
    return row


def end(tx: Tx, row: OwnCourse, version: int) -> OwnCourse:
    """It is offered no more; again, it changes nothing more. Raises PreconditionFailed."""
    _editing(tx, row, version)
    row.ended_at = row.ended_at or tx.now
    row.version += 1
    tx.flush()
    return row


def _editing(tx: Tx, row: OwnCourse, version: int) -> None:
    tx.actor.must_cover("training.write", row.area)
    tx.refresh(row, with_for_update=True)
    if row.version != version:
        raise PreconditionFailed("version")


def _checked(body: Mapping[str, Any], code: str, known: Mapping[str, Offered]) -> dict[str, Any]:
    try:
        course = Course.model_validate(body)
    except ValidationError as error:
        fields = [
            FieldError(str(problem["loc"][0]) if problem["loc"] else "name", "training.body")
            for problem in error.errors()
        ]
        raise Malformed("form", fields=fields) from None
    if any(wanted not in known or wanted == code for wanted in course.requires):
        raise Malformed("form", fields=[FieldError("requires", "training.course")])
    return course.model_dump(mode="json")
