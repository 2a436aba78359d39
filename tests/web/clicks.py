"""How many clicks a page is away: the links of a page as somebody sees them, followed from the start."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from fastapi.testclient import TestClient

FAR = 3
_DRESS = re.compile(r"\b(lang|theme)=")
_SAME = 3
"""So many pages of one kind are opened: an incident under way has other links than a closed one."""


class Links(HTMLParser):
    """``seen``: address -> clicks, one for what is in sight, and one more for each fold that hides it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}
        self._folds: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link, a form that asks, or a fold."""
        held = dict(attrs)
        to = held.get("href") if tag == "a" else held.get("action", "") if tag == "form" else None
        if tag == "details":
            self._folds.append("open" not in held)
        elif to and (tag == "a" or held.get("method", "get") == "get"):
            clicks = 1 + sum(self._folds)
            self.seen[to] = min(clicks, self.seen.get(to, clicks))

    def handle_endtag(self, tag: str) -> None:
        """A fold ends."""
        if tag == "details":
            self._folds.pop()


class Routes:
    """What the router calls an address."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._known = [
            (re.compile(re.sub(r"\{\w+:uuid\}", "[0-9a-f-]{36}", re.sub(r"\{\w+\}", "[^/]+", one))), one)
            for one in sorted(paths, key=lambda path: path.count("{"))
        ]

    def of(self, path: str) -> str:
        """The route of a path, or "" for none of these."""
        return next((name for shape, name in self._known if shape.fullmatch(path)), "")


@dataclass(frozen=True)
class Walk:
    """``opened``: route -> what its pages look like, the nearest first; ``dead``: address -> the answer where
    a link leads to no page."""

    opened: dict[str, list[str]] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)


def walked(reader: TestClient, start: str, routes: Routes) -> Walk:
    """Every page at most `FAR` clicks from ``start``."""
    ahead: list[set[str]] = [{start}, *(set[str]() for _ in range(FAR))]
    walk, done = Walk(), set[str]()
    for clicks, addresses in enumerate(ahead):
        for address in sorted(addresses - done):
            done.add(address)
            route = routes.of(urlsplit(address).path)
            if not route or len(walk.opened.get(route, ())) >= (_SAME if clicks < FAR else 1):
                continue
            answer = reader.get(address, follow_redirects=True)
            if answer.status_code != 200:
                walk.dead[address] = answer.status_code
                continue
            walk.opened.setdefault(route, []).append(answer.text)
            for to, more in _ahead(address, answer.text).items():
                if clicks + more <= FAR:
                    ahead[clicks + more].add(to)
    return walk


def _ahead(here: str, html: str) -> Mapping[str, int]:
    """The links to other pages of ours: without a place in a page, and the same page in other words."""
    found: dict[str, int] = {}
    for to, clicks in Links(html).seen.items():
        parts = urlsplit(urljoin(f"http://hub{here}", to))
        if parts.netloc == "hub" and not _DRESS.search(parts.query):
            address = parts.path + (f"?{parts.query}" if parts.query else "")
            found[address] = min(clicks, found.get(address, clicks))
    return found
