"""Calls through a gateway that speaks Twilio's Calls format.

The letter's words are not sent: the gateway rings, and fetches what to say from us when somebody answers
(`callbacks.call`). Wire format: https://www.twilio.com/docs/voice/api/call-resource (a form; basic auth).
"""

from typing import Final

from volunteer_hub.notify import callbacks
from volunteer_hub.notify.channels.base import Letter, Taken
from volunteer_hub.notify.channels.gateway import Resource
from volunteer_hub.notify.rules import Channel as Name

_RING_SECONDS: Final = 30


class Voice(Resource):
    """Rings a person up. How the call ended comes to `callbacks.call_ended`."""

    name = Name.VOICE

    async def send(self, letter: Letter) -> Taken:
        """Orders the call. Raises DeliveryError."""
        form = {
            "Url": callbacks.call(letter.public_id),
            "StatusCallback": callbacks.call_ended(letter.public_id),
            "MachineDetection": "Enable",
            "Timeout": str(_RING_SECONDS),
        }
        return await self.order(letter, form)
