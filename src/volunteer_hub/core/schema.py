"""Every table of the program, made at once: what the newest migration amounts to."""

import importlib
import pkgutil
from types import ModuleType

from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import volunteer_hub
from volunteer_hub.core import vault

_CORE_TABLES = ("clock", "vault", "idempotency", "versions")


def load() -> list[ModuleType]:
    """Imports every module that declares tables, by its place: ``core`` and each column's ``models``."""
    names = [f"volunteer_hub.core.{name}" for name in _CORE_TABLES]
    for package in pkgutil.iter_modules(volunteer_hub.__path__):
        name = f"volunteer_hub.{package.name}.models"
        if package.ispkg and importlib.util.find_spec(name) is not None:
            names.append(name)
    return [importlib.import_module(name) for name in names]


def create(engine: Engine) -> None:
    """Makes all tables, constraints and triggers in an empty database."""
    load()
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {vault.SCHEMA}"))
        SQLModel.metadata.create_all(connection)
