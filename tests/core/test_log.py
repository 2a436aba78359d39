"""Logs never say to whom."""

import logging
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from volunteer_hub.core import log

SEEDED = (
    "Wang Xiaobo",
    "13912345678",
    "+86 139 1234 5678",
    "bo@example.org",
    "46.58921",
    "dGhpc2lzYXRva2VuMTIz",
)


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_nothing_seeded_comes_through_a_structured_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    log.logger("test").info(
        "told 13912345678 or bo@example.org at 46.58921",
        name="Wang Xiaobo",
        phone="+86 139 1234 5678",
        path="/c/dGhpc2lzYXRva2VuMTIz/accept",
        token="dGhpc2lzYXRva2VuMTIz",
    )
    said = capsys.readouterr().err
    assert "told" in said
    assert [word for word in SEEDED if word in said] == []


def test_nothing_seeded_comes_through_a_library_or_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    try:
        raise ValueError("cannot send to bo@example.org, 13912345678")
    except ValueError:
        logging.getLogger("some.library").exception("failed for %s", "+86 139 1234 5678")
        log.logger("test").error("failed", exc_info=sys.exc_info())
    said = capsys.readouterr().err
    assert "failed for" in said
    assert [word for word in SEEDED if word in said] == []


def test_a_librarys_line_keeps_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    logging.getLogger("some.library").error("rang 13912345678")
    said = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR some\.library rang \[redacted\]\n", said)
