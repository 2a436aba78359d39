"""Who is acting, with which rights, where. An area is a jurisdiction's path such as ``/1/7/31/``."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, false, or_
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import col

from volunteer_hub.core.errors import Forbidden, NotFound

EVERYTHING: Final = "*"
Kind = Literal["account", "volunteer", "token", "system", "guest"]


@dataclass(frozen=True)
class Grant:
    """Rights that hold in an area and everything below it."""

    area: str
    permissions: frozenset[str]

    def gives(self, permission: str) -> bool:
        """Whether this grant holds the right, wherever its area is."""
        return permission in self.permissions or EVERYTHING in self.permissions


@dataclass(frozen=True)
class Actor:
    """Somebody at a door. ``id`` is the account's, volunteer's or token's; None for system and guests."""

    kind: Kind
    id: int | None
    name: str = ""
    lang: str = "zh"
    grants: tuple[Grant, ...] = ()

    def may(self, permission: str, area: str | None = None) -> bool:
        """Whether the right is held in that area, or anywhere at all when no area is given."""
        return any(g.gives(permission) and (area is None or area.startswith(g.area)) for g in self.grants)

    def areas(self, permission: str) -> tuple[str, ...]:
        """The areas in which the right is held."""
        return tuple(g.area for g in self.grants if g.gives(permission))

    def scope(self, permission: str, area: InstrumentedAttribute[str] | str | Any) -> ColumnElement[bool]:
        """The WHERE clause that keeps a query inside the actor's areas; false where there are none."""
        clauses = [col(area).like(path + "%") for path in self.areas(permission)]
        return or_(*clauses) if clauses else false()

    def must(self, permission: str) -> None:
        """Raises Forbidden when the right is held nowhere."""
        if not self.may(permission):
            raise Forbidden("forbidden", permission=permission)

    def must_cover(self, permission: str, area: str) -> None:
        """Raises Forbidden without the right, NotFound outside its area: a foreign thing looks absent."""
        self.must(permission)
        if not self.may(permission, area):
            raise NotFound("not_found")

    def narrowed(self, permissions: Iterable[str]) -> "Actor":
        """The same actor with no more than these rights: what an API token's scopes leave."""
        allowed = frozenset(permissions)
        grants = tuple(
            Grant(g.area, allowed if EVERYTHING in g.permissions else g.permissions & allowed)
            for g in self.grants
        )
        return replace(self, grants=grants)


SYSTEM: Final = Actor("system", None, "system", grants=(Grant("/", frozenset({EVERYTHING})),))
GUEST: Final = Actor("guest", None)
