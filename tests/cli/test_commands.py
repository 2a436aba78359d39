"""Every command by its name, as a person types it, on a fresh database."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import col, func, select
from typer.testing import CliRunner

from tests import areas
from tests.world import person
from volunteer_hub.cli.main import COMMANDS, app
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.engine.tours import solve as tours
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import State
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer

PASSWORD = "seven buckets by the door"
BAD = """name,community,phone,birthday
Bo Li,DQ-ST-001,13912345678,1990-04-01
Lin,DQ-ST-001,13800000001,2000-02-29
,DQ-ST-001,13800000003,1990-01-01
Kai,nowhere,13800000002,1990-01-01
Mo,DQ-ST-001,13912345678,1991-01-01
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


def hub(*arguments: str, **more: str) -> Said:
    """The command as the console script runs it, in this process and in English."""
    done = CliRunner().invoke(app, arguments, env={"LC_ALL": "C.UTF-8", **more})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout, done.stderr)


def process(*arguments: str) -> Said:
    """The same in a process of its own."""
    script = "from volunteer_hub.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return Said(done.returncode, done.stdout, done.stderr)


def people() -> int:
    with db.read(SYSTEM) as tx:
        return tx.exec(select(func.count()).select_from(Volunteer)).one()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_loads_and_explains_itself(name: str) -> None:
    shown = hub(name, "--help")
    assert (shown.returncode, "Usage" in shown.stdout) == (0, True), shown.stderr


def test_the_help_lists_them_all() -> None:
    shown = process("--help").stdout
    assert [name for name in COMMANDS if name not in shown] == []


@pytest.fixture
def planted(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)


def test_an_import_names_the_bad_rows_and_takes_in_nothing_until_told(planted: None, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(BAD, encoding="utf-8")
    refused = process("import", "volunteers", str(file), "--yes")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "3 rows cannot",
        "  Line 4, name: This is needed. Fill it in.",
        "  Line 5, community: There is no community “nowhere” in your area. "
        "Use its code from the list of communities.",
        "  Line 6, phone: This is the same person as in line 2. Keep one of the two rows.",
        "3 rows cannot be taken. Nothing was imported: correct them, or import the others only.",
    ]
    assert people() == 0
    taken = hub("import", "volunteers", str(file), "--yes", "--leave-out-bad")
    assert (taken.returncode, people()) == (0, 2)
    assert "2 volunteers were added." in taken.stdout
    again = hub("import", "volunteers", str(file), "--yes", "--leave-out-bad")
    assert (again.returncode, people()) == (1, 2)
    assert "Line 2: same telephone" in again.stderr
    merged = hub("import", "volunteers", str(file), "--yes", "--leave-out-bad", "--on-twin", "merge")
    assert "2 were merged" in merged.stdout


def test_an_import_asks_first_and_what_is_exported_can_be_imported(planted: None, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,community,phone\nBo,DQ-ST-001,13912345678\n", encoding="utf-8")
    assert hub("import", "volunteers", str(file)).returncode == 1
    assert people() == 0
    hub("import", "volunteers", str(file), "--yes")
    out = tmp_path / "out.xlsx"
    assert "1 volunteer written" in hub("export", str(out)).stdout
    assert "Line 2: same telephone" in hub("import", "volunteers", str(out), "--yes").stderr
    assert hub("export", str(tmp_path / "out.txt")).returncode == 2
    assert not (tmp_path / "out.txt").exists()


def test_the_first_account_is_made_and_then_acts(planted: None, tmp_path: Path) -> None:
    made = hub(
        "account", "create", "mei@example.org", "--name", "Mei", "--area", "DQ-ST", "--role", "coordinator",
        HUB_NEW_PASSWORD=PASSWORD,
    )  # fmt: skip
    assert (made.returncode, made.stdout.strip()) == (0, "mei@example.org can sign in.")
    short = hub("account", "password", "mei@example.org", HUB_NEW_PASSWORD="short")
    assert (short.returncode, "10" in short.stderr) == (1, True)
    assert hub("account", "grant", "mei@example.org", "clerk", "--area", "DQ-DT").returncode == 0
    assert "coordinator Sartu, clerk Datong" in hub("account", "list").stdout
    assert hub("account", "grant", "nobody@example.org", "clerk", "--area", "DQ").returncode == 1
    kept = tmp_path / "people.csv"
    kept.write_text("name,community\nBo,DQ-DT-001\n", encoding="utf-8")
    assert hub("import", "volunteers", str(kept), "--yes", "--as", "mei@example.org").returncode == 0


def test_a_drill_is_made_previewed_paused_and_held(planted: None) -> None:
    hub(
        "account", "create", "mei@example.org", "--name", "Mei", "--area", "DQ-ST", "--role", "coordinator",
        HUB_NEW_PASSWORD=PASSWORD,
    )  # fmt: skip
    mei = ("--as", "mei@example.org")
    unknown = hub("drill", "make", "picnic", "--area", "DQ-ST", *mei)
    assert (unknown.returncode, "monthly_reachability" in unknown.stderr) == (1, True)
    key = hub("drill", "make", "monthly_reachability", "--area", "DQ-ST", *mei).stdout.strip()
    assert f"{key}  active  " in hub("drill", "list", *mei).stdout
    assert re.findall(r"^\d{4}-\d\d-\d\d 10:00", hub("drill", "next", key, *mei).stdout, re.M)[4:]
    assert hub("drill", "propose", *mei) == Said(0, "", "")
    assert "not proposed any more" in hub("drill", "accept", "DQ-ST-001", *mei).stderr
    assert hub("drill", "pause", key, *mei).returncode == 0
    assert hub("drill", "next", key, *mei).stdout == ""
    assert hub("drill", "resume", key, *mei).returncode == 0
    nobody = hub("drill", "run", key, *mei)
    assert (nobody.returncode, hub("drill", "results", key, *mei).stdout) == (1, "")


def test_an_incident_is_declared_listed_planned_without_a_worker_and_closed(
    planted: None, tmp_path: Path
) -> None:
    hub(
        "account", "create", "mei@example.org", "--name", "Mei", "--area", "DQ-ST", "--role", "coordinator",
        HUB_NEW_PASSWORD=PASSWORD,
    )  # fmt: skip
    mei = ("--as", "mei@example.org")
    declared = hub("incident", "declare", "flood", "--area", "DQ-ST", "--title", "Flood at the gate", *mei)
    assert declared.returncode == 0, declared.stderr
    key = declared.stdout.strip()
    assert f"{key}  " in hub("incident", "list", *mei).stdout
    foreign = hub("incident", "declare", "flood", "--area", "DQ-DT", *mei)
    assert foreign.returncode == 1
    unknown = hub("incident", "declare", "dragon", "--area", "DQ-ST", *mei)
    assert (unknown.returncode, unknown.stderr.strip() != "") == (1, True)
    early = hub("incident", "mobilize", key, *mei)
    assert (early.returncode, early.stderr.strip()) == (
        1,
        "The plan is not approved yet. Approve it first, then send it.",
    )
    with db.read(SYSTEM) as tx:
        row = tx.exec(select(Incident)).one()
        assert (row.title, row.source.value) == ("Flood at the gate", "cli")
        assert tx.exec(select(func.count()).select_from(Task)).one() > 0
    closed = hub("incident", "close", key, *mei)
    with db.read(SYSTEM) as tx:
        row = tx.exec(select(Incident)).one()
        assert (closed.returncode, row.state) == (0, State.CLOSED)
    replay, file = hub("incident", "replay", key, *mei).stdout.splitlines(), tmp_path / "replay.pdf"
    assert (replay[0], "Nobody was called out." in replay) == ("REAL: Replay: Flood at the gate", True)
    assert hub("incident", "replay", key, "--out", str(file), *mei) == Said(0, "", "")
    assert file.read_bytes().startswith(b"%PDF-")
    said = hub("incident", "report", key, *mei).stdout.splitlines()
    assert said[0] == "Form,Question,Answer,People"
    assert hub("incident", "list", *mei).stdout == ""
    lamps = ("Lamps", "--words", "One each", "--finding", "It was dark", "--area", "DQ-ST")
    action = hub("action", "add", *lamps, *mei).stdout.strip()
    assert hub("action", "take", action, "--due", "2099-01-01", *mei).stdout == "Open\n"
    assert hub("action", "list", *mei).stdout == f"{action}  Open  2099-01-01  Mei  Lamps\n"
    shown = ("--reference", "Receipt 114", "--changed", "There are lamps now.")
    assert hub("action", "close", action, "--evidence", " ", *shown, *mei).returncode == 1
    assert hub("action", "close", action, "--evidence", "Bought", *shown, *mei).stdout == "Done\n"


@pytest.mark.slow
def test_a_plan_is_waited_for_approved_and_sent(planted: None) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        for number in range(1, 41):
            registry.register(tx, person(f"Helper {number}", number, skills="first_aid:2;general:2"))
    hub(
        "account", "create", "mei@example.org", "--name", "Mei", "--area", "DQ-ST", "--role", "coordinator",
        HUB_NEW_PASSWORD=PASSWORD,
    )  # fmt: skip
    mei = ("--as", "mei@example.org")
    key = hub("incident", "declare", "flood", "--area", "DQ-ST", *mei).stdout.strip()
    worker = subprocess.Popen([sys.executable, "-m", "volunteer_hub.worker"], env=os.environ.copy())
    try:
        planned = hub("incident", "plan", key, "--approve", "--reason", "a test", *mei)
        assert planned.returncode == 0, planned.stderr
        assert "people chosen" in planned.stdout
        assert planned.stdout.endswith("Approved.\n")
        plan = planned.stdout.split()[0]
        asked = hub("incident", "why", plan, _somebody(), *mei)
        assert asked.returncode == 0, asked.stderr
        assert asked.stdout.splitlines()[0] in (
            "Is in this plan.",
            "Could come, and is not in this plan.",
            "Is not in this plan: something stands in the way of every place.",
        )
        sent = hub("incident", "mobilize", key, *mei)
        assert (sent.returncode, sent.stderr) == (0, "")
        again = hub("incident", "replan", key, "--apply", "--reason", "a test", *mei)
        assert (again.returncode, again.stderr) == (0, "")
        assert "0 people change, 0 gaps close" in again.stdout
        assert again.stdout.endswith("Approved and applied: the people who change are asked.\n")
        rule = "at most 3 orders and move nobody who has said yes are applied by themselves."
        told = hub("incident", "replan-rule", key, "--at-most", "3", "--reason", "flood night", *mei)
        assert told.stdout.strip().endswith(rule)
        assert hub("incident", "replan-rule", key, *mei).stdout == told.stdout
        off = hub("incident", "replan-rule", key, "--off", *mei)
        assert off.stdout.strip() == "Off: every re-plan waits for somebody to approve it."
    finally:
        worker.terminate()
        worker.wait(20)


def _somebody() -> str:
    with db.read(SYSTEM) as tx:
        return str(tx.exec(select(Volunteer.public_id).order_by(col(Volunteer.id))).first())


def test_a_plan_from_files_needs_no_service(tmp_path: Path) -> None:
    people, slots, out = (tmp_path / name for name in ("people.csv", "slots.csv", "plan.csv"))
    people.write_text("id,lat,lon,skills\nBo,46.6,125.1,medic\nLin,46.6,125.1,\n", encoding="utf-8")
    slots.write_text("id,lat,lon,start,end,target,skill\npost,46.6,125.1,0,60,2,medic\n", encoding="utf-8")
    told = hub("plan", str(people), str(slots), "--out", str(out), HUB_DATABASE_URL="postgresql:///nowhere")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Proven best")
    assert "Bo to post: 0 min." in told.stdout
    assert out.read_text(encoding="utf-8-sig").splitlines()[1].startswith("Bo,post,0.0,0,")
    people.write_text("id,lat,lon\nBo,460,125.1\n", encoding="utf-8")
    refused = hub("plan", str(people), str(slots))
    assert refused.returncode == 1
    assert "people.csv, line 2, column lat: “460” cannot be read here." in refused.stderr


def test_tours_from_files_need_no_service(tmp_path: Path) -> None:
    tours.warm()
    people, stops, out = (tmp_path / name for name in ("people.csv", "stops.csv", "tours.json"))
    people.write_text("id,lat,lon,since,until\nBo,46.6,125.1,0,120\n", encoding="utf-8")
    stops.write_text("id,lat,lon\nMrs Wang,46.6,125.1\n", encoding="utf-8")
    told = hub("tours", str(people), str(stops), "--seconds", "1", "--out", str(out))
    assert (told.returncode, told.stderr) == (0, "")
    assert "Bo, one stop: Mrs Wang" in told.stdout
    assert json.loads(out.read_text(encoding="utf-8"))["state"] == "covered"
    stops.write_text("id,lat,lon\nMrs Wang,46.6,east\n", encoding="utf-8")
    refused = hub("tours", str(people), str(stops))
    assert refused.returncode == 1
    assert "stops.csv, line 2, column lon: “east” cannot be read here." in refused.stderr


def test_a_plan_in_which_people_serve_twice_comes_from_the_same_tables(tmp_path: Path) -> None:
    people, slots = tmp_path / "people.csv", tmp_path / "slots.csv"
    people.write_text("id,lat,lon\nBo,46.6,125.1\n", encoding="utf-8")
    rows = "early,46.6,125.1,0,60,1\nlate,46.6,125.1,60,120,1\n"
    slots.write_text("id,lat,lon,start,end,target\n" + rows, encoding="utf-8")
    told = hub("plan", str(people), str(slots), "--duties", "2", "--rest-hours", "0")
    assert (told.returncode, told.stderr) == (0, "")
    assert "2 places filled; people and organisations called: 1." in told.stdout
