"""kill -9 amid a callout of 1,000: what was acknowledged stands, nobody is promised or paid twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.invariants import broken
from tests.server import Server, free_port
from tests.stories.storm import ON_SITE, Storm, call_out, lost
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation import mailbox

OFFERS, KILLS = 1_000, (2, 1)
pytestmark = pytest.mark.slow


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mail server that outlives the kills; its letters."""
    port = free_port()
    serving = mailbox.server(port, tmp_path / "mail")
    serving.start()
    monkeypatch.setenv("HUB_SMTP_URL", f"smtp://127.0.0.1:{port}")
    settings.cache_clear()
    yield tmp_path / "mail"
    serving.stop()
    monkeypatch.undo()
    settings.cache_clear()
    clock.follow(lambda: None)


def test_processes_killed_in_a_callout_lose_and_double_nothing(
    fresh_database: str, mail: Path, tmp_path: Path
) -> None:
    tokens = call_out(OFFERS)
    assert len(tokens) == OFFERS
    with Server(fresh_database, tmp_path) as server:
        server.wait_until_ready()
        storm = Storm(server, tokens)
        storm.answer(KILLS[0])
        with db.read(SYSTEM) as tx:
            halfway = tx.now
        db.move_clock(halfway + ON_SITE)
        storm.leave(KILLS[1])
        assert len(server.kills) == sum(KILLS)
        assert server.stop() < 30
    deeds = [deed for deed, _ in storm.acknowledged]
    assert deeds.count("accept") > OFFERS * 0.7
    assert deeds.count("check-out") > OFFERS * 0.1
    assert deeds.count("withdraw") > 0
    assert storm.repeated > OFFERS * 0.2
    assert storm.other_answers == []
    with db.read(SYSTEM) as tx:
        assert lost(tx, storm) == {}
        assert broken(tx) == {}
    assert sum(1 for _ in mail.iterdir()) > 0
