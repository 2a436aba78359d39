"""The two health addresses under each fault."""

from pathlib import Path

import pytest
from sqlmodel import text

from tests import databases, doors
from volunteer_hub.core import db


def status(address: str) -> int:
    return doors.client().get(address).status_code


def name_of_database() -> str:
    return db.engine().url.database or ""


def test_both_are_green_on_a_sound_installation(fresh_database: str) -> None:
    assert (status("/livez"), status("/readyz")) == (200, 200)


def test_a_database_that_is_away_turns_only_readiness_red_and_its_return_heals(fresh_database: str) -> None:
    name = name_of_database()
    databases.admin(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    databases.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert (status("/livez"), status("/readyz")) == (200, 503)
    databases.admin(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert (status("/livez"), status("/readyz")) == (200, 200)


def test_an_old_schema_is_not_ready_and_says_so(fresh_database: str) -> None:
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = doors.client().get("/readyz")
    assert (answer.status_code, answer.json()["schema"]) == (503, "old")
    assert status("/livez") == 200


def test_connections_all_taken_turn_readiness_red(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = db.engine()
    monkeypatch.setattr(engine.pool, "_timeout", 0.2)
    held = [engine.connect() for _ in range(engine.pool.size())]
    try:
        assert (status("/livez"), status("/readyz")) == (200, 503)
    finally:
        for connection in held:
            connection.close()
    assert status("/readyz") == 200


def test_a_missing_socket_is_answered_within_fifteen_seconds(fresh_database: str, tmp_path: Path) -> None:
    databases.use(f"postgresql://postgres@/none?host={tmp_path}")
    assert (status("/livez"), status("/readyz")) == (200, 503)
