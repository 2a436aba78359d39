"""Lessons: written by the staff, read on the phone, gone on with; files only for who takes part."""

import html
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten
from tests.training import taught
from tests.world import World, world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.flows import take_along
from volunteer_hub.training import courses, own
from volunteer_hub.training import lessons_rules as rules
from volunteer_hub.training.lessons_models import LessonFile
from volunteer_hub.training.lessons_rules import Block, BlockKind
from volunteer_hub.training.models import Completion
from volunteer_hub.training.policy import Lesson, Lessons

PDF = b"%PDF-1.7 what the dyke looks like"
AT = "/training/courses/dyke_watch/lessons"
PHONE = "/learn/courses/dyke_watch"
API = f"/api/v1{AT}"
FIRST = {"do": "add", "title_en": "Seepage", "title_zh": "渗水", "text_en": "Look.\n\n- clear\n- muddy"}


@pytest.fixture
def w(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    standing = at_ten(monkeypatch)
    next(standing)
    yield world(tx, crowd=0)
    next(standing, None)


def two_lessons(mei: TestClient) -> None:
    """A course of Mei's own with two lessons that are read before anything else."""
    course = {"name": "Dyke watch", "code": "dyke_watch", "area": "DQ-ST", "outline": "Seepage", "level": "1"}
    assert mei.post("/training/courses/new", data=course).status_code == 303
    second = {"do": "add", "title_zh": "报告", "text_zh": "说清位置。", "version": "2"}
    rule = {"do": "rule", "read_first": "yes", "version": "3"}
    for form in (FIRST | {"version": "1"}, second, rule):
        assert mei.post(AT, data=form).status_code == 303


def test_lessons_are_read_in_order_gone_on_with_and_counted(tx: Tx, w: World) -> None:
    mei, lin = client(w.mei), client(taught.me(w.lin))
    two_lessons(mei)
    page = html.unescape(lin.get(PHONE).text)
    assert "0 of 2 done" in page
    assert "All lessons have to be read" in page
    lesson = lin.get(f"{PHONE}/lessons/l1").text
    assert "<li>muddy</li>" in lesson
    assert "lesson 1 of 2" in lesson
    assert lin.post(f"{PHONE}/lessons/l1/done").headers["location"] == f"{PHONE}/lessons/l2"
    page = lin.get(PHONE).text
    assert ("1 of 2 done" in page, f'href="{PHONE}/lessons/l2">Go on' in page) == (True, True)
    counted = mei.get(API).json()
    assert (counted["begun"], counted["finished"], [one["read"] for one in counted["lessons"]]) == (
        1,
        0,
        [1, 0],
    )
    assert lin.post(f"{PHONE}/lessons/l2/done").headers["location"] == PHONE
    assert mei.get(API).json()["finished"] == 1
    assert "all lessons read by 1" in mei.get(AT).text
    assert client(people.kai(tx)).get(API).status_code == 404
    assert lin.post(f"{PHONE}/lessons/l9/done").status_code == 404
    held = take_along.everything(tx, w.lin.id)["training"]["lessons"]
    assert [(one["course"], one["lesson"]) for one in held] == [("dyke_watch", "l1"), ("dyke_watch", "l2")]


def test_a_test_waits_until_everything_is_read_and_reading_alone_can_pass(tx: Tx, w: World) -> None:
    mei, lin = client(w.mei), client(taught.me(w.lin))
    two_lessons(mei)
    with db.transaction(SYSTEM, "test.online") as own_tx:
        row = courses.one(own_tx, "dyke_watch").own
        assert row is not None
        row.body = row.body | {"attend": False}
        own_tx.add(row)
    lin.post(f"{PHONE}/lessons/l1/done")
    passed = select(Completion).where(col(Completion.course) == "dyke_watch")
    assert tx.exec(passed).all() == []
    lin.post(f"{PHONE}/lessons/l2/done")
    assert [one.volunteer_id for one in tx.exec(passed)] == [w.lin.id]
    asked = {"do": "add", "version": "4", "text": "Muddy water?", "answers": "Dig\n*Report it"}
    assert mei.post("/training/courses/dyke_watch/questions", data=asked).status_code == 303
    bo = client(taught.me(w.bo))
    early = bo.post(f"{PHONE}/test/begin")
    assert (early.status_code, "Read all lessons first" in early.text) == (409, True)
    assert "Read all lessons first" in bo.get(f"{PHONE}/test").text
    for code in ("l1", "l2"):
        bo.post(f"{PHONE}/lessons/{code}/done")
    assert bo.post(f"{PHONE}/test/begin").status_code == 303


def test_files_open_for_who_takes_part_and_are_never_what_they_claim(tx: Tx, w: World) -> None:
    mei, lin, bo = client(w.mei), client(taught.me(w.lin)), client(taught.me(w.bo))
    two_lessons(mei)
    wrong = mei.post(
        f"{AT}/l1/files", files={"file": ("dyke.pdf", b"<script>alert(1)</script>", "application/pdf")}
    )
    assert (wrong.status_code, "Only PDF, PNG and JPEG" in wrong.text) == (422, True)
    assert mei.post(f"{AT}/l1/files").status_code == 422
    sent = {"file": ("../堤 <b>.exe", PDF, "text/html")}
    assert mei.post(f"{AT}/l1/files", files=sent).status_code == 303
    row = tx.exec(select(LessonFile)).one()
    assert (row.name, row.media_type, row.content) == ("堤 b.pdf", "application/pdf", PDF)
    where = f"/learn/files/{row.public_id}/download"
    assert "opens once you have a place" in lin.get(f"{PHONE}/lessons/l1").text
    assert lin.get(where).status_code == 404
    session = taught.planned(w, "dyke_watch")
    lin.post(f"/learn/sessions/{session.public_id}/enrol")
    assert where in lin.get(f"{PHONE}/lessons/l1").text
    got = lin.get(where)
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")
    assert got.headers["content-disposition"].startswith('attachment; filename="lesson.pdf"')
    assert "sandbox" in got.headers["content-security-policy"]
    assert bo.get(where).status_code == 404
    assert mei.get(f"/training/files/{row.public_id}/download").content == PDF
    assert client(people.kai(tx)).get(f"/training/files/{row.public_id}/download").status_code == 404
    added = mei.post(f"{API}/l2/files?name=map", content=b"\x89PNG\r\n\x1a\n...")
    assert (added.status_code, added.json()["name"]) == (201, "map.png")
    gone = f"{AT}/l1/files/{row.public_id}/remove"
    assert mei.post(gone).status_code == 303
    assert (lin.get(where).status_code, mei.post(gone).status_code) == (404, 404)


def test_the_staff_orders_rewrites_and_takes_out_and_what_ships_stays(tx: Tx, w: World) -> None:
    mei = client(w.mei)
    two_lessons(mei)
    mei.post(f"{API}/l1/files?name=a", content=PDF)
    assert mei.post(AT, data={"do": "up", "lesson": "l2", "version": "4"}).status_code == 303
    assert "报告" in mei.get(f"{AT}/l2", headers={"accept-language": "zh"}).text
    assert "Write it anew" in mei.get(f"{AT}/l2").text
    form = {"title_en": "Report", "text_en": "Say where.", "version": "5"}
    assert mei.post(f"{AT}/l2", data=form).status_code == 303
    stale = mei.post(f"{AT}/l2", data=form)
    assert (stale.status_code, "Say where." in stale.text) == (412, True)
    assert mei.post(AT, data={"do": "add", "version": "6"}).status_code == 422
    assert mei.post(AT, data={"do": "up", "lesson": "l9", "version": "6"}).status_code == 303
    assert mei.post(AT, data={"do": "remove", "lesson": "l1", "version": "7"}).status_code == 303
    left = mei.get(API).json()
    assert [(one["code"], one["title"]["en"]) for one in left["lessons"]] == [("l2", "Report")]
    assert (left["read_first"], tx.exec(select(LessonFile)).all()) == (True, [])
    body = {"lessons": [{"code": "b", "title": {"en": "B", "zh": "乙"}, "text": {"en": "b", "zh": "乙"}}]}
    tag = {"if-match": f'"{left["version"]}"'}
    assert mei.put(API, json=body, headers=tag).json()["lessons"][0]["code"] == "b"
    twice = body["lessons"] * 2
    assert mei.put(API, json={"lessons": twice}, headers={"if-match": '"9"'}).status_code == 422
    shipped = "/training/courses/first_aid/lessons"
    assert "Safety first, then 120" in mei.get(shipped).text
    assert "Add a lesson" not in mei.get(shipped).text
    assert mei.post(shipped, data=FIRST | {"version": "0"}).status_code == 404


def test_of_two_entries_of_one_person_a_lesson_is_read_once(tx: Tx, w: World) -> None:
    at = "/learn/courses/first_aid/lessons"
    for who, codes in ((w.lin, ["safety_and_120"]), (w.bo, ["safety_and_120", "compressions"])):
        for code in codes:
            client(taught.me(who)).post(f"{at}/{code}/done")
    own.move(tx, w.lin.id, w.bo.id)
    assert {one["lesson"] for one in own.everything(tx, w.lin.id)["lessons"]} == {
        "safety_and_120",
        "compressions",
    }


def test_every_shipped_course_has_three_lessons_in_both_languages() -> None:
    for code, course in courses.shipped().courses.items():
        assert len(course.lessons) >= 3, code
        for lesson in course.lessons:
            shapes = [[one.kind for one in rules.blocks(text)] for text in (lesson.text.en, lesson.text.zh)]
            assert shapes[0] == shapes[1], (code, lesson.code)


def test_words_become_paragraphs_lists_and_steps() -> None:
    text = "One\ntwo\n\nthree\n# Head\nafter\n- a\n• b\n1. c\n2、d\n\n- e\n-5 degrees\n1.5 m"
    assert rules.blocks(text) == (
        Block(BlockKind.PARAGRAPH, ("One", "two")),
        Block(BlockKind.PARAGRAPH, ("three",)),
        Block(BlockKind.HEADING, ("Head",)),
        Block(BlockKind.PARAGRAPH, ("after",)),
        Block(BlockKind.LIST, ("a", "b")),
        Block(BlockKind.STEPS, ("c", "d")),
        Block(BlockKind.LIST, ("e",)),
        Block(BlockKind.PARAGRAPH, ("-5 degrees", "1.5 m")),
    )
    assert rules.blocks(" \n\n") == ()
    assert rules.blocks("# a\n# b")[1] == Block(BlockKind.HEADING, ("b",))


def test_reading_takes_a_minute_at_least() -> None:
    pace = Lessons(words_minute=100, signs_minute=200)
    assert [rules.minutes(text, pace) for text in ("", "word " * 101, "汉" * 400, "汉" * 200 + " x")] == [
        1,
        2,
        2,
        2,
    ]


def test_what_was_read_before_the_last_pass_is_read_again() -> None:
    some = [Lesson.model_validate({"code": c, "title": _both(c), "text": _both(c)}) for c in "abc"]
    read = {"a": NOW, "c": NOW - timedelta(days=1), "gone": NOW}
    assert rules.progress(some, read, None) == rules.Progress(frozenset("ac"), 3, "b")
    assert rules.progress(some, read, NOW - timedelta(hours=1)).done == {"a"}
    assert rules.progress(some[:1], read, None).next is None


def test_a_file_is_what_its_first_bytes_say() -> None:
    policy = Lessons(largest_file_kb=1, most_files=1)
    jpeg = b"\xff\xd8\xff\xe0"
    assert rules.check_file("C:\\x\\cat.pdf", jpeg, 0, policy) == ("cat.jpg", "image/jpeg")
    assert rules.check_file("...", PDF, 0, policy)[0] == "file.pdf"
    faults = {}
    for content, others in ((b"", 0), (PDF * 40, 0), (b"GIF89a", 0), (PDF, 1)):
        with pytest.raises(HubError) as error:
            rules.check_file("x", content, others, policy)
        faults[error.value.code] = error.value.status
    assert faults == {
        "training.file_missing": 422,
        "training.file_large": 422,
        "training.file_kind": 422,
        "training.files_enough": 409,
    }
    assert "''%E5%A0%A4%22.pdf" in rules.headers('堤".pdf')["Content-Disposition"]


def test_a_lesson_moves_up_and_gets_a_free_code() -> None:
    assert rules.moved(["a", "b", "c"], "c") == ["a", "c", "b"]
    assert rules.moved(["a", "b"], "a") == ["a", "b"]
    assert (rules.fresh_code([]), rules.fresh_code(["l2", "l1", "l4"])) == ("l1", "l3")


def _both(word: str) -> dict[str, str]:
    return {"en": word, "zh": word}
