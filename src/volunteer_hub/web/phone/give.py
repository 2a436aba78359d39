"""I give points: to a neighbour in need, or to the fund of my community; asked once more before they go."""

import uuid
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import give as flow
from volunteer_hub.incentives import gifts, gifts_rules
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/me/give")
TONES: Final = {"given": "ok", "waiting": "watch", "refused": "quiet"}
_HERE: Final = "/me/give"
_FUND: Final = "fund"


@router.get("")
def show(request: Request, actor: Volunteer, to: str = "", points: str = "") -> Response:
    """What I may give and to whom; with both chosen, the question whether I am sure."""
    return _show(request, actor, to=to, points=points)


@router.post("")
def give(request: Request, actor: Volunteer, form: Sent) -> Response:
    """I am sure; a button tapped twice gives once."""
    assert actor.id is not None
    person = actor.id
    try:
        to, points = form.text("to", 40), form.whole("points")
        form.check()
        need = _need(to)
        with db.transaction(actor, "gift.give") as tx:
            where = form.once(tx, _HERE, lambda: f"{_HERE}#{flow.give(tx, person, need, points).public_id}")
    except HubError as error:
        return _show(request, actor, error)
    return see_other(where)


def _need(to: str) -> uuid.UUID | None:
    try:
        return None if to == _FUND else uuid.UUID(to)
    except ValueError:
        raise Malformed("form") from None


def _show(
    request: Request, actor: Actor, error: HubError | None = None, *, to: str = "", points: str = ""
) -> Response:
    if error is not None and error.bars:
        raise error
    assert actor.id is not None
    lang = language_of(request)
    rules = policy.load("rewards", Rewards).gifts
    with db.read(actor) as tx:
        who = flow.giver(tx, actor.id)
        home = jurisdictions.by_path(tx, who.home)
        needs = [row for row in gifts.needs(tx, home=who.home) if row.volunteer_id != actor.id]
        standing, now = flow.standing(tx, who), tx.now
        names = jurisdictions.names(tx, [row.area for row in needs])
        mine = gifts.of(tx, actor.id)
    chosen = next((row for row in needs if str(row.public_id) == to), None)
    n = Form({"points": [points]}).whole("points") if points else 0
    return page(
        request,
        "phone/give.html",
        status=error.status if error is not None else 200,
        zone=home.zone,
        title=t(lang, "give.title"),
        standing=standing,
        most=gifts_rules.most(standing, rules),
        rules=rules,
        needs=needs,
        names=names,
        home=home,
        mine=mine,
        me=actor.id,
        tones=TONES,
        sure=n > 0 and (chosen is not None or to == _FUND),
        to=to,
        chosen=chosen,
        points=n,
        key=forms.new_key(),
        now=now,
        error="; ".join(forms.words(lang, error).values()) if error is not None else "",
    )
