"""Opaque tokens for links, sessions and API keys: random outside, only a keyed hash inside."""

import base64
import hashlib
import hmac
import secrets

from volunteer_hub.core.settings import settings


def new_token() -> str:
    """128 random bits in 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def token_hash(token: str) -> bytes:
    """What is stored of a token: 32 bytes, useless without HUB_SECRET_KEY."""
    return hmac.digest(settings().secret(), token.encode(), hashlib.sha256)


def short_code(digits: int = 6) -> str:
    """A code a person types: uniform over all codes of that length."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def same(a: bytes, b: bytes) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(a, b)


def derived_token(purpose: str, subject: object) -> str:
    """A token that needs no keeping: the same for the same subject, opaque to all without the key.

    A message in the outbox can so carry a link while it holds nothing but ids; 128 bits in 22 characters.
    """
    digest = hmac.digest(settings().secret(), f"{purpose}:{subject}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def derived_code(purpose: str, subject: object, digits: int = 6) -> str:
    """A code to be typed that needs no keeping either."""
    digest = hmac.digest(settings().secret(), f"code:{purpose}:{subject}".encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:8]) % 10**digits:0{digits}d}"
