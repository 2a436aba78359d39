"""Words of one's own to everybody who is coming or on site, and to one person who wrote."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from tests import people
from tests.doors import client
from tests.flows.callouts import Sent, answer, messages, sent
from tests.flows.texting import LIN, by_text
from tests.world import person
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.cli.callout import callout as commands
from volunteer_hub.core import vault
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import deliver, forget, respond
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.note_models import Note
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.volunteers import registry

BO, THIRD = "+8613900000001", "+8613900000003"
WORDS = "The bridge is closed, use the north gate."


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield from by_text(monkeypatch, LC_ALL="C.UTF-8")


@pytest.fixture
def out(tx: Tx, gateway: Gateway) -> Sent:
    """Lin and Bo are coming, the third helper is not."""
    made = sent(tx, helpers=2, crowd=1)
    deliver.sweep()
    answer(respond.accept, made.token(tx, made.world.lin))
    answer(respond.accept, made.token(tx, made.world.bo))
    answer(respond.decline, made.token(tx, made.world.crowd[0]))
    deliver.sweep()
    gateway.settle()
    return made


def post(out: Sent, end: str = "", *, key: str | None = None, **body: Any) -> Any:
    at = f"/api/v1/incidents/{out.world.incident.public_id}/notes{end}"
    return client(out.world.mei).post(
        at, json={"words": WORDS} | body, headers={"Idempotency-Key": key} if key else {}
    )


def test_everybody_coming_reads_it_real_first_once_and_the_outbox_holds_no_word(
    tx: Tx, gateway: Gateway, out: Sent
) -> None:
    ahead = post(out, "/preview").json()
    assert (ahead["people"], ahead["by"], ahead["unreachable"]) == (2, {"sms": 2}, 0)
    assert (ahead["parts"], ahead["cost"], ahead["currency"]) == (1, 90, "CNY")
    assert ahead["read_as"]["en"].startswith(f"REAL CALLOUT: {WORDS} http")
    assert messages(tx, "note") == []
    made = [post(out, key="one").json(), post(out, key="one").json()]
    assert made[0] == made[1]
    assert (made[0]["people"], made[0]["words"]) == (2, WORDS)
    deliver.sweep()
    gateway.settle()
    link = f"http://127.0.0.1:8000/c/{out.token(tx, out.world.lin)}"
    assert gateway.phones[LIN].inbox[-1].body == f"REAL CALLOUT: {WORDS} {link}"
    assert gateway.phones[BO].inbox[-1].body.startswith(f"REAL CALLOUT: {WORDS}")
    assert WORDS not in gateway.phones[THIRD].inbox[-1].body
    note = tx.exec(select(Note)).one()
    lines = tx.exec(select(AuditLine).where(col(AuditLine.table_name) == "notes")).all()
    for stored in (*[m.params for m in messages(tx)], note.model_dump(), *[line.changes for line in lines]):
        assert "bridge" not in str(stored)
    assert lines[0].actor_id == out.world.mei.id
    page = client().get(f"/c/{out.token(tx, out.world.lin)}").text
    assert WORDS in page
    board = client(out.world.mei).get(f"/incidents/{out.world.incident.public_id}").text
    assert "Written to 2 people who are coming or on site" in board


def test_one_role_those_on_site_nobody_and_whoever_may_not(tx: Tx, out: Sent) -> None:
    slot = client(out.world.mei).get(f"/api/v1/callouts/{out.callout.public_id}").json()["slots"]
    aid = next(one["slot"] for one in slot if one["maximum"] == 2)
    assert post(out, "/preview", slot=aid).json()["people"] == 1
    assert post(out, "/preview", callout=str(out.callout.public_id)).json()["people"] == 2
    assert post(out, who="on_site").status_code == 409
    assert (post(out, words=" \n ").status_code, tx.exec(select(Note)).all()) == (422, [])
    at = f"/api/v1/incidents/{out.world.incident.public_id}/notes"
    assert [
        client(who(tx)).post(at, json={"words": "x"}).status_code for who in (people.kai, people.wen)
    ] == [
        404,
        403,
    ]
    assert (
        client(out.world.mei).post(at, json={"words": "x", "slot": str(out.callout.public_id)}).status_code
        == 404
    )


def test_the_page_says_who_gets_it_before_it_is_sent(tx: Tx, gateway: Gateway, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/incidents/{out.world.incident.public_id}/tell"
    assert at in mei.get(f"/callouts/{out.callout.public_id}").text
    form = {"to": f"callout:{out.callout.public_id}", "who": "coming", "words": WORDS, "once": "k"}
    looked = mei.post(at, data=form | {"do": "look"}).text
    assert "2 people get it" in looked
    assert "SMS 2" in looked
    assert "Send to 2 people" in looked
    gone = [mei.post(at, data=form | {"do": "send"}).headers["location"] for _ in range(2)]
    assert gone == [f"{at}?sent=2"] * 2
    assert len(messages(tx, "note")) == 2
    assert WORDS in mei.get(gone[0]).text
    assert (
        "先写内容"
        in client(out.world.mei, lang="zh")
        .post(at, data=form | {"words": "", "do": "send", "once": "k2"})
        .text
    )


def test_the_command_says_the_same_and_asks_first(tx: Tx, out: Sent) -> None:
    asked = ["tell", str(out.callout.public_id), WORDS, "--as", "mei@example.org"]
    refused = CliRunner().invoke(commands, asked, input="n\n")
    assert (refused.exit_code, messages(tx, "note")) == (1, [])
    assert "2 people get it: SMS 2" in refused.output
    done = CliRunner().invoke(commands, [*asked, "--yes"])
    assert (done.exit_code, len(messages(tx, "note"))) == (0, 2), done.output


def test_a_clerk_writes_back_and_what_was_written_goes_with_the_person(
    tx: Tx, gateway: Gateway, out: Sent
) -> None:
    third = out.world.crowd[0]
    gateway.phones[THIRD].reply("which gate was it again?")
    wen = client(people.wen(tx))
    text = tx.exec(select(InboundText)).one()
    form = {"do": "write", "person": str(third.public_id), "words": "The north gate."}
    text.area = "/1/2/3/"
    tx.flush()
    assert "Write back" in wen.get("/unclear-replies").text
    assert (
        wen.post(
            f"/unclear-replies/{text.public_id}", data=form | {"person": str(out.world.bo.public_id)}
        ).status_code
        == 404
    )
    assert wen.post(f"/unclear-replies/{text.public_id}", data=form).status_code == 303
    deliver.sweep()
    gateway.settle()
    assert gateway.phones[THIRD].inbox[-1].body == "The north gate. http://127.0.0.1:8000/me"
    tx.refresh(text)
    assert (text.state.value, text.volunteer_id) == ("answered", third.id)
    at = f"/volunteers/{third.public_id}/conversation"
    talk = wen.get(at).text
    assert "which gate was it again?" in talk
    assert "The north gate. ••••" in talk
    assert "1 person gets it" in wen.post(at, data={"do": "look", "words": "Bring boots."}).text
    assert wen.post(at, data={"do": "send", "words": "Bring boots."}).status_code == 303
    twin = registry.register(tx, person("Third once more", 90))
    drop = {"drop": str(third.public_id)}
    assert wen.post(f"/api/v1/volunteers/{twin.public_id}/merge", json=drop).status_code == 200
    held = client(Actor("volunteer", twin.id)).get("/me/download").json()
    assert [note["words"] for note in held["notes"]] == ["The north gate.", "Bring boots."]
    assert [text["words"] for text in held["texts"]] == ["which gate was it again?"]
    keys = len(tx.exec(select(vault.PersonKey)).all())
    with transaction(out.world.mei, "volunteer.erase") as as_mei:
        forget.by_staff(as_mei, twin.public_id)
    tx.expire_all()
    assert [note.sealed for note in tx.exec(select(Note))] == [None, None]
    assert len(tx.exec(select(vault.PersonKey)).all()) <= keys - 3
    assert [m.state.value for m in messages(tx, "note")] == ["delivered", "cancelled"]
    assert [m.params.get("note") for m in messages(tx, "note")] == [None, None]
