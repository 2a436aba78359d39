"""One night from the mail to the meeting place, through a real mail server and plain forms."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.doors import client
from tests.flows.callouts import answer, at_ten, minutes_later, sent
from tests.flows.post import PostOffice, post_office
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import deliver, mobilize, respond
from volunteer_hub.incidents.models import Task
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """Ten o'clock, and a mail server that is up."""
    for _ in at_ten(monkeypatch):
        with post_office(monkeypatch) as opened:
            yield opened


def link_in(office: PostOffice, address: str) -> str:
    """The path of the link in the newest letter to somebody."""
    found = re.search(r"http://127\.0\.0\.1:8000(/c/[\w-]{22})", office.to(address)[-1].get_content())
    assert found is not None
    return found[1]


def press(page: str, words: str) -> tuple[str, dict[str, str]]:
    """What a browser sends when the button with these words is pressed: (address, fields as they stand)."""
    for form in re.findall(r"<form.*?</form>", page, re.S):
        if not re.search(rf"<button[^>]*>[^<]*{re.escape(words)}", unescape(form)):
            continue
        action = re.search(r'action="([^"]+)"', form)
        assert action is not None
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        for name, options in re.findall(r'<select[^>]*name="([^"]+)".*?>(.*?)</select>', form, re.S):
            values = re.findall(r'<option value="([^"]*)"', options)
            chosen = re.findall(r'<option value="([^"]*)" selected', options)
            fields[name] = (chosen or values)[0]
        fields |= dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked', form))
        return action[1], fields
    raise AssertionError(f"no button says {words!r}")


def test_from_the_mail_to_a_place_and_on_to_the_next_in_line(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=11)
    deliver.sweep()
    assert len(office.letters) == 12
    lin, last = "p2@example.org", "p12@example.org"  # Lin, and the tenth of the crowd
    for person in out.world.crowd[:9]:
        answer(respond.accept, out.token(tx, person))

    browser = client()
    for address in (lin, last):
        path = link_in(office, address)
        to, fields = press(browser.get(path).text, "I'm coming")
        taken = browser.post(to, data=fields)
        assert (taken.status_code, taken.headers["location"]) == (303, path)
    assert "You have a place." in browser.get(link_in(office, lin)).text
    assert "You are standing by." in browser.get(link_in(office, last)).text
    deliver.sweep()
    assert office.to(last)[-1]["Subject"].endswith("you are standing by")

    with minutes_later(5):
        to, fields = press(browser.get(link_in(office, lin)).text, "Give my place back")
        assert browser.post(to, data=fields).status_code == 303
        deliver.sweep()
    assert office.to(last)[-1]["Subject"].endswith("a place has come free for you")
    code = re.search(r"check-in code: (\d{6})", office.to(last)[-1].get_content())
    assert code is not None
    assert code[1] in browser.get(link_in(office, last)).text
    assert office.to("mei@example.org")[-1]["Subject"].endswith("late withdrawal")

    with minutes_later(6):
        with transaction(out.world.mei, "callout.cancel") as as_mei:
            told = mobilize.cancel(as_mei, as_mei.get_one(Callout, out.callout.id)).told
        before = len(office.letters)
        deliver.sweep()
    assert len(office.letters) - before == len(told) == 12
    assert {letter["Subject"].split(" – ")[-1] for letter in office.letters[before:]} == {"called off"}


def test_saying_no_and_not_me_from_the_mail(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=2)
    deliver.sweep()
    browser = client(lang="zh")
    path = link_in(office, "p2@example.org")
    to, fields = press(browser.get(f"{path}/decline").text, "提交：来不了")
    assert browser.post(to, data=fields).status_code == 303
    assert "来不了也没关系" in browser.get(path).text
    other = link_in(office, "p3@example.org")
    to, fields = press(browser.get(other).text, "不是我本人")
    assert browser.post(to, data=fields).status_code == 303
    assert out.states(tx) == {"declined": 2, "asked": 1}


def test_the_place_changes_after_nine_have_said_yes(tx: Tx, office: PostOffice) -> None:
    out = sent(tx, helpers=12)
    deliver.sweep()
    nine = [out.world.lin, *out.world.crowd[:8]]
    for person in nine:
        answer(respond.accept, out.token(tx, person))
    mei, browser = client(out.world.mei), client()
    with minutes_later(5):
        at = f"/api/v1/tasks/{tx.get_one(Task, out.task(tx)).public_id}"
        tag = mei.get(at).headers["ETag"]
        told = mei.patch(at, json={"place": "West gate"}, headers={"If-Match": tag}).json()
        assert told["told"] == 9
        before = len(office.letters)
        deliver.sweep()
        assert len(office.letters[before:]) == 9 + 9  # what came of their yes, and the change
        assert sum("West gate" in letter.get_content() for letter in office.letters[before:]) == 18
        for person in (out.world.crowd[8], out.world.bo):  # who says yes now has read the new place
            answer(respond.accept, out.token(tx, person))
        for person in nine[:7]:
            to, fields = press(browser.get(link_in(office, person_mail(person))).text, "I have read it")
            assert browser.post(to, data=fields).status_code == 303
        page = mei.get(f"/callouts/{out.callout.public_id}").text
        assert "9 of 11 people have confirmed the change of place or time" in page


def person_mail(person: Volunteer) -> str:
    """The address of one of the crowd of tests.world."""
    return f"p{int((person.external_id or 'P0')[1:])}@example.org"
