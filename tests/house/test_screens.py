"""Every page there is, who reads it, and its picture; the committed table is docs/screens.md."""

import re
import runpy
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi.routing import iter_route_contexts

from tests.house.test_doors import routes
from volunteer_hub.access.rules import PERMISSIONS
from volunteer_hub.app import create_app
from volunteer_hub.core import gate

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "screens.md"
# "/" leads on; then what is for machines, a part of a page, a picture, a file.
NO_PAGE: Final = re.compile(
    r"^/$|/(livez|readyz|live|stream|rest|parts/\{name\})$|^/(worker\.js|app\.webmanifest)$|/qr$|qr\.svg$"
    r"|(/text|/csv|/html|/pdf|/download|\.csv|\.xlsx|\.calldown)$"
)
SHORT: Final = 40  # letters: fewer say little without what the whole file is about
READERS: Final = {gate.PUBLIC: "anybody", gate.LINK: "whoever holds the link", gate.SELF: "volunteer"}


def pages() -> list[tuple[str, str]]:
    """(path, policy) of every page, in the order of their paths."""
    return [
        (path, policy)
        for method, path, (policy,) in routes()
        if method == "GET" and not path.startswith("/api/") and not NO_PAGE.search(path)
    ]


def shown(path: str) -> str:
    """What the page shows, as its door says it."""
    endpoint = _endpoints()[path]
    words, house = (_sentence(each.__doc__) for each in (endpoint, sys.modules[endpoint.__module__]))
    return words if len(words) > SHORT else f"{house} {words}"


@cache
def _endpoints() -> dict[str, Any]:
    """What answers a GET, by its path."""
    contexts = [one for one in iter_route_contexts(create_app().routes) if "GET" in (one.methods or ())]
    return {context.path: context.endpoint for context in reversed(contexts)}  # of two the first answers


def _taken(name: str) -> bool:
    return (ROOT / f"docs/screens/{name}-en-1280.png").is_file()


def _sentence(text: str | None) -> str:
    words = " ".join((text or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", words)[0].replace("``", "`")


def readers(policy: str) -> str:
    """The roles that hold a right, or who needs none."""
    roles = [role.value for role, rights in PERMISSIONS.items() if policy in rights]
    return READERS.get(policy) or ", ".join(roles)


def pictures() -> dict[str, list[str]]:
    """Path -> names of its pictures."""
    known = runpy.run_path(str(ROOT / "scripts/screens_list.py"))
    every = [path for path, _ in pages()]
    found: dict[str, list[str]] = {}
    for name, _, where in known["SHOTS"]:
        found.setdefault(known["pattern"](where, every), []).append(name)
    return {path: [known["named"](path)] for path in every} | found


def rendered() -> str:
    lines = [
        "# Every screen",
        "",
        "What each page shows, who reads it (roles in an area, docs/permissions.md), and its picture in",
        "English at 1280 px; beside each stand those at 390 px and in Chinese. The table is made from the",
        "router and held against it by a test: `python -m tests.house.test_screens` writes it, and",
        "`make screens` takes the pictures.",
        "",
        "From the situation (or, for a volunteer, from their day or their data) each is at most three clicks",
        "away, a fold that hides a link counted as one; what a link sent to somebody opens is left out.",
        "`tests/web/test_clicks.py` walks them, and finds a count that does not open its list.",
        "",
        "| screen | address | role | picture |",
        "|---|---|---|---|",
    ]
    taken = pictures()
    for path, policy in pages():
        drawn = " ".join(
            f"[{name}](screens/{name}-en-1280.png)" for name in taken.get(path, ()) if _taken(name)
        )
        lines.append(f"| {shown(path)} | `{path}` | {readers(policy)} | {drawn or '–'} |")
    return "\n".join(lines) + "\n"


def test_the_committed_table_is_the_router() -> None:
    assert TABLE.read_text(encoding="utf-8") == rendered()


if __name__ == "__main__":
    TABLE.write_text(rendered(), encoding="utf-8")
