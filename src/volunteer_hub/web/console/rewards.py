"""The catalogue of rewards: what is offered, how many are left, who took what, and taking it back."""

import uuid
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.incentives import rewards
from volunteer_hub.incentives.rewards_rules import LONGEST_TITLE, LONGEST_WORDS, Offer
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.phone.rewards import TONES
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/rewards")
_HERE: Final = "/rewards"
Writer = Annotated[Actor, allow(rewards.WRITE)]


@router.get("")
def show(request: Request, actor: Writer) -> Response:
    """The catalogue of the actor's areas."""
    return _show(request, actor)


@router.post("")
def add(request: Request, actor: Writer, form: Sent) -> Response:
    """One more."""
    try:
        offer = _offer(form)
        form.check()
        with db.transaction(actor, "reward.add") as tx:
            rewards.add(tx, jurisdictions.by_code(tx, form.text("area", 100)).path, offer)
    except HubError as error:
        return _show(request, actor, error, form)
    return see_other(_HERE)


@router.post("/{id:uuid}/stock")
def set_stock(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """How many there are, and whether they can be had."""
    try:
        stock, closed = form.whole("stock"), not form.flag("open")
        form.check()
        with db.transaction(actor, "reward.stock") as tx:
            rewards.set_stock(tx, id, stock, closed=closed)
    except HubError as error:
        return _show(request, actor, error)
    return see_other(_HERE)


@router.post("/taken/{id:uuid}/reverse")
def reverse(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Takes one back, with a reason."""
    try:
        reason = form.text("reason", 500)
        form.check()
        with db.transaction(actor, "reward.reverse") as tx:
            rewards.reverse(tx, id, reason)
    except HubError as error:
        return _show(request, actor, error)
    return see_other(_HERE)


def _offer(form: Form) -> Offer:
    return Offer(
        title=form.text("title", LONGEST_TITLE),
        cost=form.whole("cost"),
        stock=form.whole("stock"),
        sponsor=form.text("sponsor", LONGEST_TITLE),
        words=form.text("words", LONGEST_WORDS),
        per_person=form.whole("per_person") if form.text("per_person", 20) else None,
        keep_days=form.whole("keep_days", 90),
        ends_at=_ends(form),
    )


def _ends(form: Form) -> datetime | None:
    """The end of a day, on the clocks of the installation."""
    day = form.text("ends", 10)
    site: Site = policy.load("hub", Site)
    return Form({"ends": [f"{day}T23:59:59"]}).moment("ends", site.zone) if day else None


def _show(
    request: Request, actor: Actor, error: HubError | None = None, form: Form | None = None
) -> Response:
    if error is not None and error.bars:
        raise error
    lang = language_of(request)
    site: Site = policy.load("hub", Site)
    with db.read(actor) as tx:
        rows = rewards.listed(tx)
        mine = jurisdictions.listed(tx, rewards.WRITE)
        context = nav.console(
            request,
            actor,
            title=t(lang, "rewards.title"),
            zone=site.zone,
            rows=rows,
            names=jurisdictions.names(tx, {row.area for row in rows}),
            taken=rewards.recent(tx),
            tones=TONES,
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in mine],
            typed=form.typed if form is not None else {},
            errors=forms.words(lang, error) if error is not None else Faults(),
        )
    return page(request, "console/rewards.html", status=error.status if error else 200, **context)
