"""Text messages through a gateway that speaks Twilio's Messages format.

Wire format: https://www.twilio.com/docs/messaging/api/message-resource (a form; basic auth).
"""

from volunteer_hub.notify import callbacks
from volunteer_hub.notify.channels.base import Letter, Taken
from volunteer_hub.notify.channels.gateway import Resource
from volunteer_hub.notify.rules import Channel as Name


class Sms(Resource):
    """Free text. Receipts come to `callbacks.receipt`."""

    name = Name.SMS

    async def send(self, letter: Letter) -> Taken:
        """Hands the text to the gateway. Raises DeliveryError."""
        form = {"Body": letter.body, "StatusCallback": callbacks.receipt(letter.public_id)}
        return await self.order(letter, form)
