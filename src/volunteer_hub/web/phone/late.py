"""What a telephone kept without signal, sent by its worker once there is one, and answered in JSON."""

from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.flows import late as flow
from volunteer_hub.flows.late import Kept, What
from volunteer_hub.flows.presence import Proof
from volunteer_hub.web import device, forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import LINK
from volunteer_hub.web.phone import duty, offers
from volunteer_hub.web.render import language_of

router = APIRouter(dependencies=[LINK])
_WRITTEN: Final = {
    what: f"{'offer' if what in flow.ANSWERS else 'duty'}.{what.replace('-', '_')}" for what in What
}


@router.post("/c/{token}/late")
def late(request: Request, token: str, form: Sent) -> JSONResponse:
    """Takes one deed with the time at which it was done."""
    try:
        kept = _kept(form)
        kept = replace(kept, proof=replace(kept.proof, device=device.seen(request).device))
        with db.transaction(GUEST, _WRITTEN[kept.what]) as tx:
            flow.take(tx, token, kept)
    except HubError as error:
        words = " ".join(forms.words(language_of(request), error).values())
        return JSONResponse({"words": words}, error.status)
    return JSONResponse({"words": ""})


def _kept(form: Form) -> Kept:
    """Raises Malformed."""
    try:
        what = What(form.text("what", 20))
    except ValueError:
        raise Malformed("form") from None
    reply = offers.replied(what, form) if what in flow.ANSWERS else None
    proof = Proof(form.text("code", 20), duty.position(form))
    kept = Kept(what, form.whole("ago"), form.text("once", 100), proof, reply, form.whole("minutes"))
    form.check()
    return kept
