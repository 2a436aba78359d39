"""Every route says who may use it; the committed table is docs/permissions.md."""

from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts

from volunteer_hub.access.rules import ALL_PERMISSIONS
from volunteer_hub.app import API, create_app
from volunteer_hub.core import gate

TABLE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
WITHOUT = {f"{API}/openapi.json", "/static"}
WORDS = {gate.PUBLIC, gate.LINK, gate.SELF, gate.SIGNED_IN, gate.GATEWAY}


def routes() -> list[tuple[str, str, tuple[str, ...]]]:
    """(method, path, policies) of every route, in the order of their paths."""
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for context in iter_route_contexts(create_app().routes):
        route: Any = getattr(context, "route", context)
        path = context.path
        if path in WITHOUT:
            continue
        dependant = getattr(context, "dependant", None) or getattr(route, "dependant", None)
        policies = tuple(sorted(set(gate.policies(dependant)))) if dependant is not None else ()
        found += [(method, path, policies) for method in sorted(context.methods or ()) if method != "HEAD"]
    return sorted(found, key=lambda r: (r[1], r[0]))


def rendered() -> str:
    lines = [
        "# Who may use which address",
        "",
        "A permission is held in an area (docs/decisions/0004). `public`: anybody; `link`: whoever holds",
        "the link of an offer, survey or certificate; `self`: a signed-in volunteer, for their own rows;",
        "`signed-in`: any account; `gateway`: the gateway of messages and calls, by its signature.",
        "The table is made from the routes and held against them by a test:",
        "`python -m tests.house.test_doors` writes it.",
        "",
        "| method | address | who |",
        "|---|---|---|",
    ]
    lines += [f"| {method} | `{path}` | {', '.join(policies)} |" for method, path, policies in routes()]
    return "\n".join(lines) + "\n"


def test_every_route_has_exactly_one_policy() -> None:
    every = routes()
    assert len(every) > 50
    assert [(method, path) for method, path, policies in every if len(policies) != 1] == []


def test_every_policy_is_a_permission_or_one_of_the_words() -> None:
    assert {p for _, _, policies in routes() for p in policies} - WORDS - ALL_PERMISSIONS == set()


def test_nothing_that_writes_is_public_but_signing_in_joining_and_complaining() -> None:
    open_writes = {path for method, path, who in routes() if gate.PUBLIC in who and method != "GET"}
    allowed = ("/login", "/logout", "/join", f"{API}/complaints")
    assert {path for path in open_writes if not path.startswith(allowed)} == set()


def test_the_committed_table_is_the_routes() -> None:
    assert TABLE.read_text(encoding="utf-8") == rendered()


if __name__ == "__main__":
    TABLE.write_text(rendered(), encoding="utf-8")
