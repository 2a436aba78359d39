"""TwiML, in which a gateway is told what to say or write. https://www.twilio.com/docs/messaging/twiml"""

import re
from typing import Final
from xml.etree.ElementTree import Element, tostring

from fastapi import Response

_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(words: str) -> str:
    """Words without the characters that XML cannot hold."""
    return _NO_XML.sub("", words)


def response(document: Element) -> Response:
    """A document as the answer to a gateway."""
    return Response(tostring(document, encoding="utf-8", xml_declaration=True), media_type="application/xml")
