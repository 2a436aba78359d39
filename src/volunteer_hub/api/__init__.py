"""The door for machines: /api/v1, one file a resource; a new file with a ``router`` is found by itself."""

import importlib
import pkgutil
from collections.abc import Iterator

from fastapi import APIRouter

_NOT_RESOURCES = ("errors", "guard", "health", "pages", "twiml")


def routers() -> Iterator[APIRouter]:
    """The router of every resource in this package, by file name."""
    for found in pkgutil.iter_modules(__path__):
        if found.name not in _NOT_RESOURCES:
            yield importlib.import_module(f"{__name__}.{found.name}").router
