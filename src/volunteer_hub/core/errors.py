"""The one family of errors: a code, its parameters, and the HTTP status each door answers with.

A code is the catalogue key ``error.<code>``; doors translate it once (page, toast, problem+json).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one place of an input: a form field, or line and column of a file."""

    where: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


class HubError(Exception):
    """Base of all errors a person may see. Raise a subclass as ``Refused("offer.closed", incident=...)``."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, *, fields: Sequence[FieldError] = (), **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
        self.fields = tuple(fields)

    @property
    def bars(self) -> bool:
        """Whether it ends the visit: who may not be here, or what is not there, is no fault of a form."""
        return self.status in (401, 403, 404)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        places = "; ".join(f"{f.where}: {f.code}" for f in self.fields)
        return " | ".join(part for part in (self.code, details, places) if part)


class Malformed(HubError):
    """The input cannot be read as what it should be."""

    status = 422


class Refused(HubError):
    """The input is well formed, but a rule or the present state says no."""

    status = 409


class NotFound(HubError):
    """Not there, or not in the actor's area: the two look the same from outside."""

    status = 404


class Forbidden(HubError):
    """The actor has no such right anywhere."""

    status = 403


class Unauthenticated(HubError):
    """Nobody is signed in, or the session has ended."""

    status = 401


class Gone(HubError):
    """It was there and has ended: an expired link, an erased person."""

    status = 410


class TooLarge(HubError):
    """The body is larger than the door takes."""

    status = 413


class PreconditionFailed(HubError):
    """Somebody else changed it first: the version sent is not the version stored."""

    status = 412


class TooMany(HubError):
    """A limit was reached; ``retry_after`` is in seconds."""

    status = 429

    def __init__(self, code: str, *, retry_after: int, **params: Any) -> None:
        super().__init__(code, retry_after=retry_after, **params)
        self.retry_after = retry_after


class Unavailable(HubError):
    """Something this needs is down; trying again later is right."""

    status = 503
