"""What the documents say is so: links lead somewhere, settings are listed, the walk of the API works."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from tests import people
from tests.api.test_plans import solve
from tests.doors import client
from tests.flows.callouts import at_ten
from tests.people import PASSWORD
from tests.world import person
from volunteer_hub.app import create_app
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import Settings
from volunteer_hub.volunteers import registry

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CLI = ROOT / "src" / "volunteer_hub" / "cli"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
_SETTING = re.compile(r"\bHUB_[A-Z_]*[A-Z]\b")
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.M | re.S)
_PATH = re.compile(r"/api/v1(?:/[\w{}$.-]*[\w}])*")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_inside_the_project_leads_to_a_file(page: Path) -> None:
    prose = _BLOCK.sub("", page.read_text())
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose)]
    local = [
        target for target in targets if target and "://" not in target and not target.startswith("mailto:")
    ]
    assert [target for target in local if not (page.parent / unquote(target)).exists()] == []


def test_every_document_stands_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if page != DOCS / "README.md"]
    assert [page for page in pages if page.split("/")[0] not in index and f"({page})" not in index] == []


def test_settings_and_their_documentation_name_the_same_variables() -> None:
    settings = {f"HUB_{name.upper()}" for name in Settings.model_fields}
    listed = set(re.findall(r"^\| `(HUB_\w+)` \|", (DOCS / "configuration.md").read_text(), re.M))
    assert listed == settings


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_document_names_a_setting_that_is_not_there(page: Path) -> None:
    settings = {f"HUB_{name.upper()}" for name in Settings.model_fields}
    of_commands = {
        name for file in CLI.glob("*.py") for name in re.findall(r'envvar="(\w+)"', file.read_text())
    }
    assert set(_SETTING.findall(page.read_text())) - settings - of_commands == set()


def test_every_address_named_exists() -> None:
    # Doors for gateways alone stand in no schema: their addresses are given to the gateway with each message.
    served = {context.path for context in iter_route_contexts(create_app().routes)}
    known = {re.sub(r"{[\w:]+}", "{}", path) for path in served} | {"/api/v1"}
    found = {re.sub(r"{\w+}|\$\w+", "{}", path) for page in PAGES for path in _PATH.findall(page.read_text())}
    assert len(found) > 20
    assert found - known == set()


class Shell:
    """Runs the curl lines of a page against a client; ``variables`` are the shell's."""

    def __init__(self, browser: TestClient, variables: dict[str, str]) -> None:
        self._browser, self._variables = browser, variables
        self.last: Any = None
        self.ran = 0

    def run(self, line: str) -> None:
        """One line: a request, what to keep of its answer, what the answer must say."""
        if line.startswith("curl "):
            self._request(line)
        elif kept := re.fullmatch(r"# (\w+) = \.(\w+)", line):
            self._variables[kept[1]] = self.last[kept[2]]
        elif waited := re.fullmatch(r"# until \.(\w+) == (\w+)", line):
            solve()
            self._request(self._repeat)
            assert self.last[waited[1]] == waited[2]
        elif said := re.fullmatch(r"# \.(\w+) == (\w+)", line):
            assert self.last[said[1]] == said[2]
        else:
            raise AssertionError(f"the page holds a line that is neither curl nor a note: {line}")

    def _request(self, line: str) -> None:
        self._repeat = line
        words = [self._filled(word) for word in shlex.split(line)[1:]]
        method, url, headers, body = "", "", {}, []
        rest = iter(words)
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            elif word in ("-d", "--data-urlencode"):
                body.append(next(rest))
            elif word in ("-b", "-c"):
                next(rest)
            else:
                url = word
        if "-b" not in words and "-c" not in words:
            self._browser.cookies.clear()
        answer = self._send(method or ("POST" if body else "GET"), url, headers, body)
        assert answer.status_code < 400, f"{line}\n{answer.text}"
        self.last = answer.json() if answer.content else None
        self.ran += 1

    def _send(self, method: str, url: str, headers: dict[str, str], body: list[str]) -> Any:
        if headers.get("Content-Type") == "application/json":
            return self._browser.request(method, url, headers=headers, json=json.loads(body[0]))
        form = dict(field.split("=", 1) for field in body)
        return self._browser.request(method, url, headers=headers, data=form or None)

    def _filled(self, word: str) -> str:
        return re.sub(r"\$([A-Z]+)", lambda name: self._variables[name[1]], word)


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def test_the_walk_of_a_callout_works_as_written(morning: None, tx: Tx) -> None:
    people.mei(tx)
    for n in range(1, 25):
        registry.register(tx, person(f"Helper {n}", n, skills="sandbagging:2;first_aid:1"))
    shell = Shell(client(), {"HUB": "", "EMAIL": "mei@example.org", "PASSWORD": PASSWORD})
    blocks = [block for block in _BLOCK.findall((DOCS / "api.md").read_text()) if block.startswith("curl ")]
    for block in blocks:
        for line in block.replace("\\\n", " ").strip().splitlines():
            shell.run(line)
    assert shell.ran == 14
