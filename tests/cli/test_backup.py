"""Backing up and restoring: the same rows, the keys apart, and nothing sent again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import databases
from tests.cli.test_commands import Said, process
from tests.invariants import broken
from tests.stories.storm import call_out
from tests.world import person
from volunteer_hub.core import clock, db, embedded
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import deliver, respond
from volunteer_hub.volunteers import registry

EVERY_TABLE = (
    "SELECT table_schema || '.' || table_name FROM information_schema.tables "
    "WHERE table_schema IN ('public', 'vault') AND table_type = 'BASE TABLE' ORDER BY 1"
)


@pytest.fixture
def backed_up(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A dump of a callout that is out, one letter gone, one yes; settings point at the database still."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    tokens = call_out(20)
    with db.transaction(SYSTEM, "volunteer.create") as tx:
        registry.register(tx, person("Bo", 500))  # whose name the trail seals under a key
    with db.transaction(GUEST, "offer.answer") as tx:
        respond.accept(tx, tokens[0], 20)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("UPDATE messages SET state = 'sent', sent_at = created_at WHERE id = 1")
    yield dumped(tmp_path)
    settings.cache_clear()
    clock.follow(lambda: None)


def dumped(folder: Path) -> Path:
    file = folder / "hub.dump"
    said = process("db", "backup", str(file))
    assert said.returncode == 0, said.stderr
    return file


@pytest.fixture
def empty() -> Iterator[str]:
    """A database with nothing in it."""
    name = f"restored_{os.getpid()}"  # the other worker's tests may want one at the same time
    databases.admin(f'CREATE DATABASE "{name}"')
    yield databases.address_of(name)
    db.engine().dispose()
    databases.admin(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(address: str) -> dict[str, list[str]]:
    """Every table's rows as text, in order."""
    with psycopg.connect(address) as connection:
        tables = [name for (name,) in connection.execute(EVERY_TABLE)]
        return {
            name: sorted(str(row) for (row,) in connection.execute(f"SELECT t::text FROM {name} t"))
            for name in tables
        }


def restored(source: Path, address: str, *options: str) -> Said:
    databases.use(address)
    return process("db", "restore", str(source), *options)


def test_a_restore_brings_every_row_back_and_sends_nothing_again(
    backed_up: Path, fresh_database: str, empty: str
) -> None:
    before = rows(fresh_database)
    said = restored(backed_up, empty)
    assert said.returncode == 0, said.stderr
    after = rows(empty)
    messages, kept = before.pop("public.messages"), after.pop("public.messages")
    assert after == before
    assert len(before["vault.person_keys"]) > 0
    waiting = sum(",queued," in message for message in messages)
    assert 0 < waiting < len(messages)
    assert (len(kept), len(set(messages) & set(kept))) == (len(messages), len(messages) - waiting)
    assert f"{waiting} waiting messages were cancelled" in said.stdout
    assert deliver.sweep() == 0
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}


def test_whoever_asks_for_it_has_the_waiting_messages_sent(backed_up: Path, empty: str) -> None:
    assert restored(backed_up, empty, "--send-waiting").returncode == 0
    with psycopg.connect(empty) as connection:
        waiting = connection.execute("SELECT count(*) FROM messages WHERE state = 'queued'").fetchone()
    assert waiting is not None
    assert waiting[0] > 3


def test_the_dump_holds_no_keys_and_nobody_else_may_read_either_file(backed_up: Path) -> None:
    keys = backed_up.with_name("hub.dump.keys")
    assert [oct(file.stat().st_mode & 0o777) for file in (backed_up, keys)] == ["0o600", "0o600"]
    assert keys.stat().st_size > 0
    listing = process_of("pg_restore", "--data-only", "--table=person_keys", "--file=-", str(backed_up))
    assert "COPY vault.person_keys" not in listing


def process_of(program: str, *arguments: str) -> str:
    command = [str(embedded.program(program)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_is_overwritten(backed_up: Path, fresh_database: str) -> None:
    assert process("db", "backup", str(backed_up)).returncode == 2
    said = process("db", "restore", str(backed_up))
    assert (said.returncode, "not empty" in said.stderr) == (2, True)


def test_a_dump_without_its_keys_is_not_restored(backed_up: Path, empty: str) -> None:
    backed_up.with_name("hub.dump.keys").unlink()
    said = restored(backed_up, empty)
    assert (said.returncode, "hub.dump.keys is missing" in said.stderr) == (2, True)
    assert rows(empty) == {}
