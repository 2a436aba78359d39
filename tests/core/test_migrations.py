"""The schema's history: up from nothing, down one and up again on a filled database, equal to the models."""

import os
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel, select, text

from tests import databases, people
from volunteer_hub.core import db, schema, vault
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.migrations import runner
from volunteer_hub.notify import replies
from volunteer_hub.notify.models import InboundText

TRIGGERS = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"


def counts() -> dict[str, int]:
    """Table -> rows, over the whole database."""
    found = ask(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema IN ('public', 'vault') AND table_name <> 'alembic_version'"
    )
    return {str(name): int(str(ask(f"SELECT count(*) FROM {name}")[0][0])) for (name,) in found}


@pytest.fixture
def empty_database() -> Iterator[str]:
    name = f"migrated_{os.getpid()}"
    databases.admin(f'CREATE DATABASE "{name}"')
    databases.use(databases.address_of(name))
    yield name
    db.engine().dispose()
    databases.admin(f'DROP DATABASE "{name}" WITH (FORCE)')


def ask(statement: str) -> list[tuple[object, ...]]:
    with db.engine().connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_models_and_migrations_agree(empty_database: str) -> None:
    schema.load()
    runner.upgrade(db.engine())
    assert runner.current(db.engine()) == runner.head()
    with db.engine().connect() as connection:
        options = {
            "compare_type": True,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name in (None, vault.SCHEMA),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrations_make_the_same_triggers_as_the_models(empty_database: str, template: str) -> None:
    databases.use(databases.address_of(empty_database))
    runner.upgrade(db.engine())
    migrated = ask(TRIGGERS)
    with databases.cloned(template) as address:
        databases.use(address)
        assert ask(TRIGGERS) == migrated
    databases.use(databases.address_of(empty_database))
    assert len(migrated) > 5


def test_a_filled_database_keeps_its_rows_through_one_step_down_and_up(empty_database: str) -> None:
    runner.upgrade(db.engine())
    with db.transaction(SYSTEM, "test") as tx:
        people.mei(tx)
        vault.seal(tx, 1, "Bo")
    before = counts()
    runner.downgrade(db.engine(), "-1")
    runner.upgrade(db.engine())
    assert counts() == before
    assert before["public.accounts"] == 1


def test_texts_of_before_are_sealed_on_the_way_up_and_readable_again_on_the_way_down(
    empty_database: str,
) -> None:
    runner.upgrade(db.engine(), "0014")
    with db.engine().begin() as connection:
        connection.execute(
            text(
                "INSERT INTO jurisdictions (id, public_id, path, kind, name, zone, code, lat, lon, "
                "residents) "
                "VALUES (1, gen_random_uuid(), '/1/', 'city', '{}', 'Asia/Shanghai', 'DQ', 46, 125, 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO inbound_texts (public_id, sid, at, area, number_hash, number, words, state, "
                "told_params) VALUES (gen_random_uuid(), 'SM1', '2031-01-20', '/1/', '', '+8613900000002', "
                "'来不了', 'done', '{}')"
            )
        )
    runner.upgrade(db.engine())
    with db.read(SYSTEM) as tx:
        (row,) = tx.exec(select(InboundText)).all()
        assert "139" not in (row.sealed or "")
        assert replies.read(tx, [row]) == {row.id: replies.Written("+8613900000002", "来不了")}
    runner.downgrade(db.engine(), "0014")
    assert ask("SELECT number, words FROM inbound_texts") == [("+8613900000002", "来不了")]
    assert ask("SELECT count(*) FROM vault.person_keys") == [(0,)]
