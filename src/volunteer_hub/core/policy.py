"""Policy as data: config/*.toml read and validated at start, with errors that say what to mend."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from volunteer_hub.core.settings import settings

_PACKAGE: Final = Path(__file__).resolve().parent.parent
SHIPPED: Final = next(p for p in (_PACKAGE / "config", _PACKAGE.parent.parent / "config") if p.is_dir())


class Policy(BaseModel):
    """Base of every policy schema: frozen, and a key nobody reads is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Name(Policy):
    """What people call a thing, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class PolicyError(ValueError):
    """A configuration file that cannot be used; the message names file, key and remedy, a line each."""


P = TypeVar("P", bound=Policy)


def path_of(name: str) -> Path:
    """The file in force: the operator's own in HUB_CONFIG, else the one that ships with the program."""
    own = settings().config
    if own is not None and (own / f"{name}.toml").is_file():
        return own / f"{name}.toml"
    return SHIPPED / f"{name}.toml"


@cache
def load(name: str, schema: type[P]) -> P:
    """``config/<name>.toml`` as a validated policy. Raises PolicyError."""
    return read(path_of(name), schema)


def read(path: Path, schema: type[P]) -> P:
    """A policy from one file. Raises PolicyError naming the file, each key and what to do."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PolicyError(f"{path}: the file is missing; copy it from {SHIPPED}") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: not valid TOML: {error}; mend that line") from None
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        lines = [_line(path, dict(problem)) for problem in error.errors()]
        raise PolicyError("\n".join(lines)) from None


def _line(path: Path, problem: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
    remedy = {
        "extra_forbidden": "remove this key or correct its spelling",
        "missing": "add this key",
    }.get(problem["type"], f"{problem['msg'].removeprefix('Value error, ')}; found {problem['input']!r:.80}")
    return f"{path}: {key}: {remedy}"


def digest(names: tuple[str, ...]) -> str:
    """A hash over the files in force, so that every plan and ledger entry can name the policy it used."""
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(name.encode() + b"\0" + path_of(name).read_bytes() + b"\0")
    return total.hexdigest()
