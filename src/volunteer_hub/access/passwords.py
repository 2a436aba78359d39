"""Passwords: Argon2id hashes, and one answer in one time whether or not somebody is known."""

from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# Parameters of OWASP's Password Storage Cheat Sheet for Argon2id: 19 MiB, two passes, one lane.
_HASHES: Final = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


def hashed(password: str) -> str:
    """The hash to store."""
    return _HASHES.hash(password)


def fits(password: str, stored: str | None) -> bool:
    """Whether it is the password. Without a stored one the same work is done, and the answer is no."""
    right = _HASHES.verify(password, stored if stored is not None else _nobodys())
    return right and stored is not None


@cache
def _nobodys() -> str:
    return hashed("the password of an account that does not exist")
