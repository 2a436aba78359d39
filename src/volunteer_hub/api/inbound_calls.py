"""/inbound/calls: what a gateway asks while it rings somebody up; answered in TwiML.

https://www.twilio.com/docs/voice/twiml
"""

from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement

from fastapi import APIRouter, Response

from volunteer_hub.api import twiml
from volunteer_hub.api.guard import GatewayForm
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.flows import receipts, ring
from volunteer_hub.flows.ring import Spoken
from volunteer_hub.notify import callbacks

router = APIRouter(prefix="/inbound/calls/{message}", tags=["inbound"], include_in_schema=False)

_VOICES: Final = {"en": "en-GB", "zh": "zh-CN"}
_TIMES: Final = 2
_WAIT_SECONDS: Final = 8


@router.post("")
def begin(message: UUID, form: GatewayForm) -> Response:
    """The call was answered: what to say."""
    with db.read(SYSTEM) as tx:
        return _twiml(message, ring.begin(tx, message, form.get("AnsweredBy", "")))


@router.post("/key")
def key(message: UUID, form: GatewayForm) -> Response:
    """A key was pressed: an answer like one by link, or everything again."""
    try:
        with db.transaction(GUEST, "offer.answer") as tx:
            spoken = ring.press(tx, message, form.get("Digits", ""))
    except NotFound:
        raise
    except HubError as error:
        with db.read(SYSTEM) as tx:
            spoken = ring.refused(tx, message, error)
    return _twiml(message, spoken)


@router.post("/end", status_code=204)
def end(message: UUID, form: GatewayForm) -> None:
    """How the call ended; repeats and those of messages long gone change nothing."""
    with db.transaction(SYSTEM, "message.receipt") as tx:
        receipts.call_ended(tx, message, form)


def _twiml(message: UUID, spoken: Spoken) -> Response:
    """Said twice where a key is waited for: who picks up half asleep misses the first words."""
    said = Element("Response")
    for _ in range(_TIMES if spoken.keys else 0):
        menu = {"numDigits": "1", "timeout": str(_WAIT_SECONDS), "action": callbacks.pressed(message)}
        gather = SubElement(said, "Gather", menu, method="POST")
        _say(gather, spoken.lang, f"{spoken.words} {spoken.keys}")
    if spoken.words and not spoken.keys:
        _say(said, spoken.lang, spoken.words)
    SubElement(said, "Hangup")
    return twiml.response(said)


def _say(parent: Element, lang: str, words: str) -> None:
    SubElement(parent, "Say", language=_VOICES[lang]).text = twiml.plain(words)
