"""Every page is at most three clicks from where somebody starts, and a count leads to the list behind it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tests.api.grown import Grown
from tests.browser.pages import planted
from tests.flows.callouts import NOW
from tests.house.test_screens import pages
from tests.web.clicks import Routes, walked
from volunteer_hub.core import clock, gate
from volunteer_hub.core.settings import settings

AFTER_A_FORM = {"/counter/{code}", "/imports/{id:uuid}"}
"""A code typed in, a file sent up: the next click is the form's."""
IN_THE_ROOM = {"/learn/sessions/{id:uuid}"}
"""Behind the code on the wall of the room, and a button while the session is on."""
FIGURES = {
    "/areas": {"Residents"},
    "/callouts/{id:uuid}": {"Needed", "Missing"},  # what is wanted, and nobody
    "/drills": {"Share"},
    "/floors": {"Could come today", "Keeps"},  # who could come, by the engine's rules
    "/rewards": {"Points", "Left"},
    "/training/courses": {"Points"},
    "/training/courses/{code}/lessons": {"Minutes", "Have read it"},
    "/volunteers": {"Asked"},  # how often, for who weighs whom to ask
}
"""Columns whose numbers are of no list: amounts, settings, forecasts, needs."""
RECKONINGS = {
    "/drills/answers",
    "/incidents/{id:uuid}/replay",
    "/incidents/{id:uuid}/report",  # who said what is nobody's business
    "/incidents/{id:uuid}/upward/{number}",  # as it was sent
    "/promise",
    "/what-if/{id:uuid}",
}
"""Pages that reckon: what was, or would be, from figures that are kept without names."""


@pytest.fixture(scope="module")
def grown(template: str) -> Iterator[Grown]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
        settings.cache_clear()
        with planted(template) as (_, grown, _), clock.fixed(NOW):
            yield grown
    settings.cache_clear()


def read_by(grown: Grown, role: str) -> set[str]:
    """The pages that somebody may read, without those behind a link sent to somebody."""
    open_to_all = (gate.PUBLIC, gate.LINK, gate.SELF)
    if role == "volunteer":
        return {path for path, right in pages() if right == gate.SELF}
    return {path for path, right in pages() if right not in open_to_all and grown.actors[role].may(right)}


class Numbers(HTMLParser):
    """``bare``: (heading of the column, number) of each whole number in a table that leads nowhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bare: list[tuple[str, str]] = []
        self._tags: list[str] = []
        self._heads: list[str] = []
        self._column, self._text, self._counts = 0, "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag == "table":
            self._heads = []
        elif tag == "tr":
            self._column = 0
        elif tag in ("td", "th"):
            self._text, self._counts = "", "number" in (held.get("class") or "")
        elif tag == "a":
            self._counts = False
        self._tags.append(tag)

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "th" and "thead" in self._tags:
            self._heads.append(" ".join(self._text.split()))
        elif tag == "td":
            head = self._heads[self._column] if self._column < len(self._heads) else ""
            if self._counts and re.fullmatch(r"[1-9][\d,]*( of \d+)?", self._text.strip()):
                self.bare.append((head, self._text.strip()))
        if tag in ("td", "th"):
            self._column += 1
        while self._tags and self._tags.pop() != tag:
            pass


def bare(html: str) -> set[tuple[str, str]]:
    """The counts and coverage bars of a page that lead nowhere."""
    bars = re.findall(r'<div class="coverage-bar[^>]*>\s*<strong>(?!<a)(.*?)</strong>', html)
    return set(Numbers(html).bare) | {("a bar", name) for name in bars}


@pytest.mark.parametrize(
    ("role", "start"), [("coordinator", "/incidents"), ("volunteer", "/me"), ("volunteer", "/today")]
)
def test_every_page_is_three_clicks_away_and_a_count_opens_its_list(
    grown: Grown, role: str, start: str
) -> None:
    walk = walked(grown.who[role], start, Routes(path for path, _ in pages()))
    assert walk.dead == {}
    assert sorted(read_by(grown, role) - set(walk.opened) - AFTER_A_FORM - IN_THE_ROOM) == []
    found = {route: {one for html in opened for one in bare(html)} for route, opened in walk.opened.items()}
    figures = {
        route: {one for one in each if one[0] not in FIGURES.get(route, ())} for route, each in found.items()
    }
    assert {route: each for route, each in figures.items() if each and route not in RECKONINGS} == {}


def test_what_only_the_city_may_read_stands_in_its_menu(grown: Grown) -> None:
    more = read_by(grown, "admin") - read_by(grown, "coordinator")
    start = grown.who["admin"].get("/incidents").text
    assert [path for path in more if f'href="{path}"' not in start] == []
