"""The door for people, one file a page, by audience; a new file with a ``router`` is found by itself."""

import importlib
import pkgutil
from collections.abc import Iterator

from fastapi import APIRouter

AUDIENCES = ("phone", "public", "console")


def routers() -> Iterator[APIRouter]:
    """The router of every page, by audience and file name: what thousands open in a rush is matched first."""
    for audience in AUDIENCES:
        package = importlib.import_module(f"{__name__}.{audience}")
        for found in pkgutil.iter_modules(package.__path__):
            router = getattr(importlib.import_module(f"{package.__name__}.{found.name}"), "router", None)
            if router is not None:
                yield router
