"""How a route says who may use it: a mark on its dependency, which a test reads back from every route."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from starlette.requests import Request

from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import Forbidden

PUBLIC: Final = "public"
LINK: Final = "link"
SELF: Final = "self"
SIGNED_IN: Final = "signed-in"
GATEWAY: Final = "gateway"

F = TypeVar("F", bound=Callable[..., Any])


def marked(dependency: F, policy: str) -> F:
    """The dependency, bearing its policy: a permission, or one of the words above."""
    dependency.__policy__ = policy  # type: ignore[attr-defined]  # a mark of ours on a function
    return dependency


def holding(actor_at: Callable[[Request], Actor], permission: str) -> Callable[[Request], Actor]:
    """Who comes, and holds a permission somewhere; the door's transaction narrows it to an area."""

    def dependency(request: Request) -> Actor:
        actor = actor_at(request)
        actor.must(permission)
        return actor

    return marked(dependency, permission)


def signed_in(actor_at: Callable[[Request], Actor]) -> Callable[[Request], Actor]:
    """Who comes, whoever it is."""

    def dependency(request: Request) -> Actor:
        return actor_at(request)

    return marked(dependency, SIGNED_IN)


def volunteer(actor_at: Callable[[Request], Actor]) -> Callable[[Request], Actor]:
    """Who comes, for their own rows. Raises Forbidden for the staff."""

    def dependency(request: Request) -> Actor:
        actor = actor_at(request)
        if actor.kind != "volunteer":
            raise Forbidden("forbidden", permission=SELF)
        return actor

    return marked(dependency, SELF)


def policies(dependant: Any) -> Iterable[str]:
    """The policies a route asks for, from its FastAPI dependant, nested ones included."""
    found = getattr(dependant.call, "__policy__", None)
    if found is not None:
        yield found
    for below in dependant.dependencies:
        yield from policies(below)
