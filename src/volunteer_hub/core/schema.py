"""Every table of the program, made at once: what the newest migration amounts to."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import volunteer_hub
from volunteer_hub.core import vault

_CORE_TABLES = ("clock", "vault", "idempotency", "versions")


def load() -> list[ModuleType]:
    """Imports every module that declares tables, by its place and name: ``core``, each column's ``models``,
    and its further files ``..._models``."""
    names = [f"volunteer_hub.core.{name}" for name in _CORE_TABLES]
    for package in pkgutil.iter_modules(volunteer_hub.__path__):
        if package.ispkg:
            column = Path(*volunteer_hub.__path__, package.name)
            found = sorted(module.name for module in pkgutil.iter_modules([str(column)]))
            names += [f"volunteer_hub.{package.name}.{name}" for name in found if name.endswith("models")]
    return [importlib.import_module(name) for name in names]


def create(engine: Engine) -> None:
    """Makes all tables, constraints and triggers in an empty database."""
    load()
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {vault.SCHEMA}"))
        SQLModel.metadata.create_all(connection)
