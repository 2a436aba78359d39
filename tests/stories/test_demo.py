"""The demo from its command to its end: the story is told, the pages answer, and nothing is left running."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from volunteer_hub.simulation import mailbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]  # one worker: one demo
SECONDS = 900  # two minutes on two idle cores; a slow machine may have the engine to compile first
COMMAND = [sys.executable, "-c", "from volunteer_hub.cli.main import main; main()", "demo"]
TOLD = [
    r"02:4\d  The city's command system sends a CAP alert to the API: blizzard at .+, orange\.",
    r"02:4\d  Mei Lin accepts it\. Incident “.+”, response level II:",
    r"Clear paths and entrances: Snow crew 10–40; Machine operator 1–3",
    r"registered 2,000 → ",
    r"Mei Lin approves\. It is night, so a second person must\.",
    r"Jun Zhao approves as the second person\.",
    r"The callout goes out: \d+ people are asked by e-mail\.",
    r"[1-9]\d* checked in, [1-9]\d* checked out; hours and points are booked",
    r"Mei Lin closes the incident\.",
    r"\d+ of [1-9]\d* have told how it was\.",
    r"minutes on duty, [1-9]\d* points in all\.",
    r"Mei Lin plans a drill: “Monthly reachability check”",
    r"│ Called +│ +[1-9]\d* │",
    r"│ Answered within 60 minutes +│ +\d+ % │",
    r"2 courses are planned; 8 people are put down for 6 places each",
    r"2 rewards can be had for points",
]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Nothing of the test run's own installation: the demo makes its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    environment |= {"HUB_DATA_DIR": str(folder), "COLUMNS": "200", "LANG": "C.UTF-8"}
    environment.pop("LC_ALL", None)
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def living(folder: Path) -> list[str]:
    """The processes that know this folder, where the system tells."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told and process.name != str(os.getpid()):
            found.append((process / "cmdline").read_text())
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("city")
    yield made
    demo(made, "--stop")


@pytest.fixture(scope="module")
def played(folder: Path) -> str:
    done = demo(folder, "--people", "2000", "--lang", "en")
    assert (done.returncode, done.stderr[-2000:] if done.returncode else "") == (0, ""), done.stdout[-3000:]
    return done.stdout


def test_the_story_is_told_to_its_end(played: str) -> None:
    assert [line for line in TOLD if re.search(line, played) is None] == []


def test_every_printed_login_opens_the_console(played: str) -> None:
    address = re.search(r"Sign in at (http://127\.0\.0\.1:\d+)/login", played)
    assert address is not None
    logins = re.findall(r"│ (\S+@daqing\.example) +│ (\S+) +│", played)
    assert [email.partition("@")[0] for email, _ in logins] == [
        "coordinator",
        "second",
        "clerk",
        "council",
        "admin",
    ]
    pages = {}
    for email, password in logins:
        with httpx2.Client(base_url=address.group(1), follow_redirects=True, trust_env=False) as web:
            first = web.post("/login", data={"email": email, "password": password})
            pages[email.partition("@")[0]] = (first.status_code, web.get("/incidents").status_code)
    assert pages == dict.fromkeys(("coordinator", "second", "clerk", "council", "admin"), (200, 200))


def test_a_volunteer_enters_by_the_printed_link(played: str) -> None:
    link = re.search(r"http://127\.0\.0\.1:\d+/s/[\w-]{22}", played)
    assert link is not None
    assert httpx2.get(link.group(), trust_env=False).status_code == 200


def test_letters_about_a_callout_say_real_or_drill_first(played: str, folder: Path) -> None:
    boxes = [box.name for box in (folder / "mail").iterdir() if box.name.endswith("@example.org")]
    letters = [letter for box in boxes for letter in mailbox.letters(folder / "mail", box)]
    about = [letter.subject for letter in letters if "/c/" in letter.text]
    assert [s for s in about if not s.startswith(("【实战】", "【演练】", "REAL CALLOUT: ", "DRILL: "))] == []
    assert {subject.startswith(("【演练】", "DRILL: ")) for subject in about} == {True, False}


def test_a_second_demo_on_the_folder_is_refused_with_the_address_of_the_first(
    played: str, folder: Path
) -> None:
    second = demo(folder, "--lang", "en")
    assert second.returncode == 1
    assert "The demo is running already: http://127.0.0.1:" in second.stdout


def test_stopping_leaves_no_process(played: str, folder: Path) -> None:
    before = living(folder)
    assert len(before) == 0 or any("mailbox" in command for command in before)
    assert demo(folder, "--stop", "--lang", "en").returncode == 0
    assert living(folder) == []
    again = demo(folder, "--stop", "--lang", "en")
    assert (again.returncode, again.stdout.strip()) == (0, "No demo was running.")
