"""What every resource shares: pages by cursor, entity tags, and writes that happen once."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Header, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from volunteer_hub.core import idempotency
from volunteer_hub.core.cursor import encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed

T = TypeVar("T")


class In(BaseModel):
    """Base of every body that comes in: unknown keys are refused, text holds no NUL."""

    model_config = ConfigDict(extra="forbid", str_max_length=10_000, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        texts = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise ValueError("text holds a character that cannot be stored (NUL)")
        return value


class Out(BaseModel):
    """Base of every body that goes out."""

    model_config = ConfigDict(from_attributes=True)


class Page(Out, Generic[T]):
    """One page of a list; ``next`` is the cursor of the following one, null at the end."""

    items: list[T]
    next: str | None = None


def page(rows: Sequence[Any], limit: int, view: Callable[[Any], T], key: Callable[[Any], int]) -> Page[T]:
    """A page from ``limit + 1`` rows: the last one only tells that there is more."""
    shown = rows[:limit]
    more = encode_cursor(key(shown[-1])) if len(rows) > limit else None
    return Page(items=[view(row) for row in shown], next=more)


Limit = Annotated[int, Query(ge=1, le=200, description="rows a page")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next` of the page before")]


def etag(version: int) -> str:
    """The entity tag of a row's version."""
    return f'"{version}"'


def if_match(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """The version a writer has seen, from If-Match. Raises Malformed for a tag we did not make."""
    if if_match is None:
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not tag.isascii() or not tag.isdigit() or len(tag) > 18:
        raise Malformed("if_match")
    return int(tag)


Version = Annotated[int | None, Depends(if_match)]


class Once:
    """Makes a write under an Idempotency-Key happen once; without the header it just happens."""

    def __init__(self, key: str | None, body_hash: bytes) -> None:
        self.key = key
        self.body_hash = body_hash

    def run(self, tx: Tx, deed: Callable[[], Any], status: int = 200) -> JSONResponse:
        """The deed's answer, or the stored one of the first request under this key."""
        if self.key is None:
            return JSONResponse(jsonable_encoder(deed()), status)
        before = idempotency.earlier(tx, self.key, self.body_hash)
        if before is not None:
            return JSONResponse(before.response, before.status, {"Idempotency-Replayed": "true"})
        answer = jsonable_encoder(deed())
        idempotency.remember(tx, self.key, self.body_hash, status, answer)
        return JSONResponse(answer, status)


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="repeat a write safely: the same key acts once")
    ] = None,
) -> Once:
    body = await request.body()
    return Once(idempotency_key, idempotency.fingerprint(request.method, request.url.path, body))


OnceOnly = Annotated[Once, Depends(_once)]
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
