"""A sheet of paper keyed in: true hours, grade C, bad lines named, twice as good as once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, func, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, Sent, answer, at_ten, messages, minutes_later, sent
from volunteer_hub.boards import replies
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import mobilize, respond
from volunteer_hub.incidents.models import LogEntry
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Duty, Offer
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def key_in(out: Sent, *lines: dict[str, Any]) -> dict[str, Any]:
    where = f"/api/v1/callouts/{out.callout.public_id}/paper"
    told = client(out.world.mei).post(where, json={"lines": lines})
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


def duty_of(tx: Tx, out: Sent, person: Volunteer) -> Duty:
    duty = attendance.of_offer(tx, out.offer(tx, person))
    assert duty is not None
    tx.refresh(duty)
    return duty


def events(tx: Tx, offer: Offer) -> list[tuple[str, datetime, dict[str, Any]]]:
    wanted = select(AnswerEvent).where(col(AnswerEvent.offer_id) == offer.id).order_by(col(AnswerEvent.id))
    return [(one.kind.value, one.at, one.data) for one in tx.exec(wanted)]


def test_answers_and_hours_count_as_they_were_and_a_second_keying_changes_nothing(tx: Tx) -> None:
    out = sent(tx, helpers=3, crowd=3)
    bo, lin, one = out.world.bo, out.world.lin, out.world.crowd[0]
    sheet = (
        {"phone": str(bo.phone), "answer": "accept", "at": at(20), "came_at": at(65), "left_at": at(185)},
        {"phone": "139 0000 0002", "answer": "decline", "at": at(25)},
        {"offer": str(out.offer(tx, one).public_id), "came_at": at(70)},
    )
    with minutes_later(300):
        told = key_in(out, *sheet)
        assert [(line["outcome"], line["new"], line["code"]) for line in told["lines"]] == [
            ("accepted", True, None),
            ("declined", True, None),
            ("accepted", True, None),
        ]
        again = key_in(out, *sheet)
        assert (again["taken"], [line["outcome"] for line in again["lines"]]) == (0, ["stands"] * 3)
        assert again["lines"][0]["code"] is None

    assert out.offer(tx, bo).answered_at == NOW + timedelta(minutes=20)
    served = duty_of(tx, out, bo)
    assert (served.state.value, served.grade and served.grade.value, served.minutes) == ("done", "C", 120)
    assert served.checked_in_at == NOW + timedelta(minutes=65)
    assert (duty_of(tx, out, one).state.value, out.offer(tx, lin).state.value) == ("on_site", "declined")
    assert [(kind, when) for kind, when, _ in events(tx, out.offer(tx, lin))] == [
        ("decline", NOW + timedelta(minutes=25))
    ]
    data = events(tx, out.offer(tx, lin))[0][2]
    assert (data["on_paper"], data["by"]) == (True, out.world.mei.id)
    said = select(LogEntry.event, LogEntry.data).where(col(LogEntry.event) == "paper_keyed")
    assert tx.exec(said).all() == [("paper_keyed", {"n": 3})]
    assert [m.state.value for m in messages(tx, "accepted")] == ["cancelled", "cancelled"]
    assert list(replies.teaching(tx, [out.callout.id])) == []


def test_bad_lines_are_named_and_the_others_are_taken(tx: Tx) -> None:
    out = sent(tx, helpers=2, crowd=1)
    lin = str(out.world.lin.phone)
    with minutes_later(90):
        told = key_in(
            out,
            {"phone": lin, "answer": "accept", "at": at(-1)},
            {"phone": lin, "answer": "accept", "at": at(91)},
            {"phone": "13977777777", "answer": "accept", "at": at(5)},
            {"phone": "twelve", "came_at": at(5)},
            {"phone": lin, "answer": "decline", "at": at(5), "came_at": at(60)},
            {"phone": lin, "came_at": at(60), "left_at": at(50)},
            {"phone": str(out.world.bo.phone), "came_at": at(61)},
        )
    codes = [line["code"] for line in told["lines"]]
    assert codes == [
        "paper.before_asked",
        "paper.future",
        "paper.unknown",
        "form",
        "paper.came_and_declined",
        "duty.times",
        None,
    ]
    assert told["lines"][3]["problem"].startswith("This is not a telephone number.")
    assert (told["taken"], out.offer(tx, out.world.lin).state.value) == (1, "asked")


def test_an_answer_given_in_time_counts_though_the_question_has_ended_since(tx: Tx) -> None:
    out = sent(tx, helpers=4, crowd=4)
    lin, first, second, third = out.world.lin, *out.world.crowd[:3]
    with minutes_later(150), transaction(out.world.mei, "callout.close") as as_mei:
        mobilize.close(as_mei, as_mei.get_one(Callout, out.callout.id))
    tx.expire_all()
    with minutes_later(400):
        told = key_in(
            out,
            {
                "phone": str(lin.phone),
                "answer": "accept",
                "at": at(10),
                "came_at": at(60),
                "left_at": at(240),
            },
            {"phone": str(first.phone), "answer": "decline", "at": at(12)},
            {"phone": str(second.phone), "answer": "accept", "at": at(151)},
            {"phone": str(third.phone), "answer": "accept", "at": at(15)},
        )
    assert [(line["outcome"], line["code"]) for line in told["lines"]] == [
        ("accepted", None),
        ("declined", None),
        (None, "offer.closed"),
        ("accepted", None),
    ]
    assert duty_of(tx, out, lin).minutes == 180
    assert out.offer(tx, second).state.value == "released"


def test_a_later_answer_by_link_overtakes_the_sheet_and_a_full_role_stands_by(tx: Tx) -> None:
    out = sent(tx, helpers=12, crowd=12)
    everybody = [out.world.lin, *out.world.crowd[:11]]
    with minutes_later(30):
        answer(respond.decline, out.token(tx, everybody[0]))
    with minutes_later(61):
        told = key_in(
            out,
            {"phone": str(everybody[0].phone), "answer": "accept", "at": at(29)},
            *({"phone": str(one.phone), "came_at": at(60)} for one in everybody[1:]),
        )
    assert [line["outcome"] for line in told["lines"]] == ["stands", *["accepted"] * 10, "standing_by"]
    assert [line["code"] for line in told["lines"]] == [*[None] * 11, "paper.no_place"]
    tx.expire_all()
    on_site = select(func.count()).where(
        col(Offer.callout_id) == out.callout.id, col(Offer.state) == "on_site"
    )
    assert tx.exec(on_site).one() == 10


def test_another_district_keys_nothing_in(tx: Tx) -> None:
    out = sent(tx, helpers=1, crowd=0)
    where = f"/callouts/{out.callout.public_id}/paper"
    body = {"lines": [{"phone": str(out.world.lin.phone), "answer": "accept", "at": at(0)}]}
    assert client(people.kai(tx)).post(f"/api/v1{where}", json=body).status_code == 404
    assert client(people.kai(tx)).get(where).status_code == 404


def test_the_page_takes_good_lines_and_shows_bad_ones_as_typed(tx: Tx) -> None:
    out = sent(tx, helpers=2, crowd=1)
    mei, where = client(out.world.mei), f"/callouts/{out.callout.public_id}/paper"
    lin, bo = out.offer(tx, out.world.lin).public_id, out.offer(tx, out.world.bo).public_id
    with minutes_later(120):
        page = mei.get(where, params={"search": "Lin"}).text
        assert (str(lin) in page, str(bo) in page) == (True, False)
        form = {"day": "2031-01-20", "offer": [str(lin), str(bo)]}
        form |= {f"answer.{lin}": "accept", f"at.{lin}": "10:20", f"came.{lin}": "11:05"}
        form |= {f"answer.{bo}": "decline", f"at.{bo}": "13:00"}
        told = mei.post(where, data=form)
        assert told.status_code == 422
        assert "1 line could not be taken." in told.text
        assert "1 line taken." in told.text
        assert "This is still to come." in told.text
        assert f'name="at.{bo}" type="time" value="13:00"' in told.text
        assert f'name="at.{lin}" type="time" value=""' in told.text
        form[f"at.{bo}"] = "half past"
        assert mei.post(where, data=form).status_code == 422
        form[f"at.{bo}"] = "11:30"
        done = mei.post(where, data=form)
        assert done.status_code == 303
        page = client(out.world.mei, lang="zh").get(done.headers["location"]).text
        assert "已录入1行。" in page
        assert "11:05到达" in page
