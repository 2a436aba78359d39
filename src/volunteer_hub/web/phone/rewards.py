"""My rewards: what my points can be given for, what I have taken, and the code for the counter."""

import uuid
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import redeem
from volunteer_hub.incentives import queries, rewards
from volunteer_hub.volunteers import registry
from volunteer_hub.web import forms, qr
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/me/rewards")
_HERE: Final = "/me/rewards"
TONES: Final = {"taken": "watch", "handed_over": "ok", "returned": "quiet"}


@router.get("")
def show(request: Request, actor: Volunteer) -> Response:
    """The catalogue of my area, my points, my codes."""
    return _show(request, actor)


@router.post("/{id:uuid}/take")
def take(request: Request, actor: Volunteer, id: uuid.UUID, form: Sent) -> Response:
    """Takes a piece for points; a button tapped twice takes one."""
    assert actor.id is not None
    person = actor.id
    try:
        with db.transaction(actor, "reward.take") as tx:
            address = form.once(
                tx,
                f"{_HERE}/{id}/take",
                lambda: f"{_HERE}/{redeem.take(tx, person, id).public_id}",
            )
    except HubError as error:
        return _show(request, actor, error)
    return see_other(address)


@router.get("/{id:uuid}")
def one(request: Request, actor: Volunteer, id: uuid.UUID) -> Response:
    """The code of one that I have taken, to be shown at the counter."""
    assert actor.id is not None
    with db.read(actor) as tx:
        rewards.own(tx, actor.id, id)
        [taken] = [each for each in rewards.of(tx, actor.id) if each.redemption.public_id == id]
        return page(
            request,
            "phone/reward.html",
            zone=jurisdictions.by_path(tx, taken.reward.area).zone,
            title=taken.reward.title,
            taken=taken,
            code=redeem.code(taken.redemption),
            tone=TONES[taken.redemption.state.value],
        )


@router.get("/{id:uuid}/qr")
def as_qr(actor: Volunteer, id: uuid.UUID) -> Response:
    """The code as a drawing."""
    assert actor.id is not None
    with db.read(actor) as tx:
        return qr.svg(redeem.address(rewards.own(tx, actor.id, id)))


@router.post("/{id:uuid}/give-back")
def give_back(request: Request, actor: Volunteer, id: uuid.UUID) -> Response:
    """I do not want it after all."""
    assert actor.id is not None
    try:
        with db.transaction(actor, "reward.give_back") as tx:
            redeem.give_back(tx, actor.id, id)
    except HubError as error:
        return _show(request, actor, error)
    return see_other(_HERE)


def _show(request: Request, actor: Actor, error: HubError | None = None) -> Response:
    assert actor.id is not None
    if error is not None and error.bars:
        raise error
    lang = language_of(request)
    with db.read(actor) as tx:
        row = registry.one(tx, actor.id)
        return page(
            request,
            "phone/rewards.html",
            zone=jurisdictions.by_path(tx, row.area).zone,
            status=error.status if error is not None else 200,
            title=t(lang, "reward.title"),
            balance=queries.balance(tx, row.id),
            offered=rewards.offered(tx, row.area),
            mine=rewards.of(tx, row.id),
            tones=TONES,
            key=forms.new_key(),
            error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
        )
