"""How a route says who may use it: a mark on its dependency, which a test reads back from every route."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

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


def policies(dependant: Any) -> Iterable[str]:
    """The policies a route asks for, from its FastAPI dependant, nested ones included."""
    found = getattr(dependant.call, "__policy__", None)
    if found is not None:
        yield found
    for below in dependant.dependencies:
        yield from policies(below)
