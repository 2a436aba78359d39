"""`callout watch`: what a terminal shows of a running callout."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tests.flows.callouts import answer, at_ten, sent
from volunteer_hub.cli.callout import callout as commands
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import mobilize, respond


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    yield from at_ten(monkeypatch)


def watched(tx: Tx, callout: object, *more: str) -> str:
    done = CliRunner().invoke(commands, ["watch", str(callout), "--as", "mei@example.org", *more])
    assert done.exit_code == 0, done.output
    return done.output


def test_once_prints_the_figures_of_every_role_and_the_forecast(tx: Tx) -> None:
    out = sent(tx, helpers=4)
    answer(respond.accept, out.token(tx, out.world.lin))
    shown = watched(tx, out.callout.public_id, "--once")
    [helpers] = [line for line in shown.splitlines() if "1/" in line]
    cells = [cell.strip() for cell in helpers.split("│")[2:8]]
    assert cells[1:4] == ["4", "1", "0"]
    assert "10:00" not in shown
    assert "02:00:00Z" in shown


def test_it_ends_by_itself_when_the_callout_has(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    mobilize.close(tx, out.callout)
    tx.flush()
    assert "Sandbags" in watched(tx, out.callout.public_id)
