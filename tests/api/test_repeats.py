"""A telephone that got no answer asks again: one deed under one key is done once, for each person."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import col, func, select

from tests.doors import client
from tests.flows.callouts import Sent, at_ten, messages, sent
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.mobilization.models import AnswerEvent

KEY = {"Idempotency-Key": "1"}  # as a simple program would number its requests


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def flood(tx: Tx) -> Sent:
    return sent(tx, helpers=3, crowd=4)


def twice(path: str, body: dict[str, Any], key: str = "1") -> Any:
    """The first answer, once the second is seen to be the same one."""
    headers = {"Idempotency-Key": key}
    first, second = (client().post(f"/api/v1/{path}", json=body, headers=headers) for _ in range(2))
    assert first.is_success, first.text
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    replayed = [answer.headers.get("idempotency-replayed") for answer in (first, second)]
    assert replayed == [None, "true"]
    return first.json()


def test_a_yes_repeated_is_one_yes(tx: Tx, flood: Sent) -> None:
    twice(f"offers/link/{flood.token(tx, flood.world.bo)}/accept", {"minutes_there": 20})
    assert tx.exec(select(func.count()).where(col(AnswerEvent.kind) == "accept")).one() == 1
    assert len(messages(tx, "accepted")) == 1


def test_two_people_may_use_the_same_key(tx: Tx, flood: Sent) -> None:
    for person in (flood.world.bo, flood.world.lin):
        token = flood.token(tx, person)
        answer = client().post(f"/api/v1/offers/link/{token}/accept", json={}, headers=KEY)
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (200, None)


def test_checking_in_and_out_repeated_is_paid_once(tx: Tx, flood: Sent) -> None:
    token = flood.token(tx, flood.world.bo)
    code = client().post(f"/api/v1/offers/link/{token}/accept", json={}).json()["code"]
    for deed, key in (("check-in", "2"), ("check-out", "3")):
        twice(f"duties/{deed}", {"link": token, "code": code}, key)
    assert tx.exec(select(func.count()).select_from(ServiceHours)).one() == 1


def test_a_key_used_for_another_deed_is_refused(tx: Tx, flood: Sent) -> None:
    token = flood.token(tx, flood.world.bo)
    client().post(f"/api/v1/offers/link/{token}/accept", json={}, headers=KEY)
    answer = client().post(f"/api/v1/offers/link/{token}/withdraw", json={}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.other_body")


def test_a_survey_answered_twice_is_answered_once(tx: Tx, flood: Sent) -> None:
    rules, lin = policy.load("surveys", Surveys), flood.world.lin
    incident = flood.world.incident.id
    opened = surveys.open_for(tx, incident, "/1/2/", [lin.id], rules, kind=Kind.REAL, form=Form.VOLUNTEER)
    token = surveys.token(opened[0].public_id)
    twice(f"surveys/link/{token}/answer", {"answers": {"overall": 4, "safe": "yes"}})


def test_a_survey_stopped_twice_is_stopped_once(tx: Tx, flood: Sent) -> None:
    rules, lin = policy.load("surveys", Surveys), flood.world.lin
    incident = flood.world.incident.id
    opened = surveys.open_for(tx, incident, "/1/2/", [lin.id], rules, kind=Kind.REAL, form=Form.VOLUNTEER)
    twice(f"surveys/link/{surveys.token(opened[0].public_id)}/stop", {})
