"""Bo reads his statement: every entry with its sum, what is missing to the next level, as a file too."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import policies
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import minutes_later
from tests.flows.test_duty import come, go
from tests.web.test_duty_pages import text
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.policy import SHIPPED
from volunteer_hub.flows import settle


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def test_bo_reads_how_each_point_came_about_and_takes_it_along(tx: Tx) -> None:
    sent = made.coming(tx, helpers=1, crowd=0)
    bo = client(Actor("volunteer", sent.world.bo.id))
    assert "Nothing has been earned yet." in text(bo.get("/me/points").text)
    come(tx, sent, sent.world.bo)
    go(tx, sent, sent.world.bo, 190)
    with minutes_later(200), transaction(sent.world.mei, "points.adjust") as mei:
        settle.adjust(mei, sent.world.bo.public_id, 3, "=1+1")
    with minutes_later(210):
        page = text(bo.get("/me/points").text)
        table = bo.get("/me/points/csv")
    assert "23 points" in page
    assert '98 h more to "One star", which begins at 100 h' in page
    assert "Duty: +20" in page
    assert "evidence A: you checked in yourself" in page
    assert "Whole hours on duty: 2 × 10 = 20" in page
    assert table.headers["content-disposition"] == 'attachment; filename="my-points.csv"'
    rows = list(csv.reader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert [(row[1], row[2], row[3]) for row in rows[1:]] == [("Adjustment", "3", ""), ("Duty", "20", "A")]
    assert rows[1][4] == "Changed by hand: 3; =1+1"
    assert client(Actor("volunteer", sent.world.lin.id)).get("/me/points/csv").text.count("\n") == 1


def test_an_old_entry_keeps_its_own_sum_when_the_rules_change(
    tx: Tx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = made.coming(tx, helpers=1, crowd=0)
    bo, lin = sent.world.bo, sent.world.lin
    come(tx, sent, bo)
    come(tx, sent, lin)
    go(tx, sent, bo, 190)
    dearer = (SHIPPED / "rewards.toml").read_text(encoding="utf-8")
    dearer = dearer.replace("\nversion = 1\n", "\nversion = 2\n").replace("\nhour = 10", "\nhour = 30")
    (tmp_path / "rewards.toml").write_text(dearer, encoding="utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(tmp_path))
    with policies.read_anew():
        go(tx, sent, lin, 195)
        for person, rate in ((bo, 10), (lin, 30)):
            who = Actor("volunteer", person.id)
            in_words = {
                "en": f"Whole hours on duty: 2 × {rate} = {2 * rate}",
                "zh": f"执勤整小时数：2 × {rate} = {2 * rate}",
            }
            for lang, words in in_words.items():
                browser = client(who, lang=lang)
                assert words in text(browser.get("/me/points").text)
                [entry] = browser.get("/api/v1/volunteers/me/points").json()["items"]
                assert words in " ".join(entry["why"])
