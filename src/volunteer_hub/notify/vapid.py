"""The key pair by which push services know this installation (VAPID, RFC 8292).

It needs no keeping: it is derived from HUB_SECRET_KEY, the same on every machine, unless HUB_PUSH_KEY is set.
Browsers tie a subscription to the public key, so a new secret means that everybody turns it on again.
"""

import base64
import hashlib
import hmac
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from volunteer_hub.core.settings import settings

_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256: a private key is a number from 1 to this less one."""


def public() -> str:
    """The public key as browsers take it: the uncompressed point in base64url."""
    point = (
        _private()
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    return base64.urlsafe_b64encode(point).decode().rstrip("=")


def signed(audience: str, contact: str) -> str:
    """The Authorization of a request to a push service, good for a day. ``contact``: mailto: or https:."""
    claims = {"aud": audience, "sub": contact}
    return str(Vapid02(private_key=_private()).sign(claims)["Authorization"])


@cache
def _private() -> ec.EllipticCurvePrivateKey:
    given = settings().push_key
    if given is not None:
        text = given.get_secret_value()
        number = int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    else:
        digest = hmac.digest(settings().secret(), b"web push: private key", hashlib.sha512)
        number = int.from_bytes(digest) % (_ORDER - 1) + 1
    return ec.derive_private_key(number, _CURVE)
