"""/inbound: what gateways tell us, in Twilio's form and under its signature."""

from uuid import UUID

from fastapi import APIRouter

from volunteer_hub.api.guard import GatewayForm
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.flows import receipts

router = APIRouter(prefix="/inbound", tags=["inbound"], include_in_schema=False)


@router.post("/receipts/{message}", status_code=204)
def receipt(message: UUID, form: GatewayForm) -> None:
    """What became of a message; repeats, late ones and those of messages long gone change nothing."""
    with db.transaction(SYSTEM, "message.receipt") as tx:
        receipts.take(tx, message, form)
