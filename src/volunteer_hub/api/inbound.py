"""/inbound: what gateways tell us, in Twilio's form and under its signature."""

from typing import Annotated, Any
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement

from fastapi import APIRouter, Body, Path, Response

from volunteer_hub.api import twiml
from volunteer_hub.api.guard import LINK, GatewayForm
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.errors import Forbidden
from volunteer_hub.core.signing import same
from volunteer_hub.flows import push, receipts, reply
from volunteer_hub.notify import callbacks

router = APIRouter(prefix="/inbound", tags=["inbound"], include_in_schema=False)


@router.post("/receipts/{message}", status_code=204)
def receipt(message: UUID, form: GatewayForm) -> None:
    """What became of a message; repeats, late ones and those of messages long gone change nothing."""
    with db.transaction(SYSTEM, "message.receipt") as tx:
        receipts.take(tx, message, form)


@router.post("/sms")
def text(form: GatewayForm) -> Response:
    """A person writes: kept in a transaction of its own, so that nothing is lost, then answered in TwiML."""
    with db.transaction(SYSTEM, "reply.receive") as tx:
        kept = reply.receive(tx, form)
    with db.transaction(GUEST, "offer.answer") as tx:
        words = reply.judge(tx, kept)
    said = Element("Response")
    if words:
        SubElement(said, "Message").text = twiml.plain(words)
    return twiml.response(said)


@router.post("/shown/{message}/{key}", status_code=204, dependencies=[LINK])
def shown(message: UUID, key: Annotated[str, Path(max_length=64)]) -> None:
    """A device has shown a notification; only who could decrypt it knows the key."""
    with db.transaction(SYSTEM, "message.receipt") as tx:
        push.shown(tx, message, key)


@router.post("/reports/{key}", dependencies=[LINK])
def report(
    key: Annotated[str, Path(max_length=64)], items: Annotated[list[Any], Body(max_length=1_000)]
) -> dict[str, Any]:
    """What a template gateway says of many messages; it does not sign, so the address is the secret."""
    if not same(key.encode(), callbacks.reports_key().encode()):
        raise Forbidden("gateway_signature")
    with db.transaction(SYSTEM, "message.receipt") as tx:
        receipts.report(tx, items)
    return {"code": 0, "msg": "ok"}
