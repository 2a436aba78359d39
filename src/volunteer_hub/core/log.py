"""Logs that say what happened and never to whom: structured lines with personal values taken out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from volunteer_hub.core.settings import settings

_PERSONAL = {"name", "phone", "email", "address", "birthday", "lat", "lon", "position", "body", "text"}
_SECRET = {"password", "token", "secret", "code", "link", "authorization", "cookie"}
SECRET_KEYS: Final = frozenset(_PERSONAL | _SECRET)
_PATTERNS: Final = (
    re.compile(r"(?<=DETAIL:  )[^\n]*"),  # PostgreSQL's words for a row that it refused: the row
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"),
    re.compile(r"\+?\d[\d \-]{6,}\d"),
    re.compile(r"\b\d{1,3}\.\d{3,}\b"),
    re.compile(r"(?<=/c/)[\w-]{16,}|(?<=/s/)[\w-]{16,}"),
    re.compile(r"(?<=token=)[\w-]+|(?<=Bearer )[\w.-]+"),
)
GONE: Final = "[redacted]"


def redact(text: str) -> str:
    """The text without anything that looks like an address, a telephone number, a position or a token."""
    for pattern in _PATTERNS:
        text = pattern.sub(GONE, text)
    return text


def _redacted(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key in ("timestamp", "level", "event_id"):
            continue
        if key in SECRET_KEYS:
            event[key] = GONE
        elif isinstance(value, str):
            event[key] = redact(value)
    return event


class _RedactingFormatter(logging.Formatter):
    """For libraries' own log lines, tracebacks included. The time would look like a telephone number."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return record.asctime + redact(line.removeprefix(record.asctime))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment of writing: who replaces it later, is heeded."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure() -> None:
    """Sets up logging for this process: one line an event, on standard error."""
    level = logging.getLevelNamesMapping()[settings().log_level.upper()]
    handler = _StandardError(sys.stderr)
    handler.setFormatter(_RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("sqlalchemy.engine", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("geopy").setLevel(logging.CRITICAL)  # its warnings print the address asked for
    # A sweep longer than its pulse is no news: the next one takes up whatever is due.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger(area: str) -> Any:
    """A structured logger; ``area`` is the package that speaks."""
    return structlog.get_logger(area=area)
