"""What a callout costs, before anything is sent."""

from collections.abc import Iterator

import pytest

from tests.flows.callouts import approved, at_ten, planned
from tests.world import world
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import asking, price
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.notify.rules import Channel


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def priced(tx: Tx, *, lang: str = "en", title: str = "") -> price.Price:
    """The price of asking Lin and Bo."""
    w = world(tx, crowd=0)
    for person in (w.lin, w.bo):
        person.lang = lang
    if title:
        tx.get_one(Task, tx.get_one(RoleSlot, w.slots[0]).task_id).title = title
    tx.flush()
    plan = approved(w, planned(tx, w, [(w.slots[0], w.lin), (w.slots[1], w.bo)]))
    return price.of(tx, asking.of_plan(tx, plan))


def test_letters_cost_nothing(tx: Tx) -> None:
    assert priced(tx) == price.Price(0, "CNY", {Channel.EMAIL: 2}, 1)


@pytest.mark.parametrize(
    ("lang", "title", "parts"), [("en", "", 1), ("en", "x" * 200, 3), ("zh", "东门", 2), ("zh", "沙" * 70, 3)]
)
def test_text_messages_cost_by_their_parts(
    tx: Tx, monkeypatch: pytest.MonkeyPatch, lang: str, title: str, parts: int
) -> None:
    monkeypatch.setenv("HUB_SMS_URL", "http://a:b@127.0.0.1:9/?From=1")
    settings.cache_clear()
    assert priced(tx, lang=lang, title=title) == price.Price(90 * parts, "CNY", {Channel.SMS: 2}, parts)
