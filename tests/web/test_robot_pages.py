"""The robots of chat groups as An, the administrator, keeps them: added, listed, taken away, never shown."""

import re

from tests import people
from tests.doors import client
from tests.web.test_duty_pages import text
from volunteer_hub.core.db import Tx

SECRET = "dingtalk://abcdef0123456789"
ROBOT = {"area": "DQ", "name": "Duty group", "url": SECRET, "lang": "zh"}


def test_a_robot_is_added_listed_and_taken_away_and_its_address_is_never_shown(tx: Tx) -> None:
    an = client(people.an(tx))
    assert "No chat robots yet" in an.get("/robots").text
    assert an.post("/robots", data=ROBOT).status_code == 303
    page = an.get("/robots").text
    assert ("Duty group" in text(page), SECRET in page) == (True, False)
    assert client(people.mei(tx)).get("/robots").status_code == 403
    remove = re.search(r'action="(/robots/[0-9a-f-]{36}/remove)"', page)
    assert remove is not None
    assert an.post(remove[1]).status_code == 303
    assert "No chat robots yet" in an.get("/robots").text


def test_what_is_wrong_stands_beside_its_field_and_the_secret_does_not_come_back(tx: Tx) -> None:
    an = client(people.an(tx))
    empty = an.post("/robots", data=ROBOT | {"name": "", "url": ""})
    assert (empty.status_code, text(empty.text).count("Fill this in.") >= 2) == (422, True)
    wrong = an.post("/robots", data=ROBOT | {"url": "telegraph://secret"})
    assert (wrong.status_code, "telegraph" in wrong.text) == (422, False)
    assert "This is no robot’s address." in text(wrong.text)
    assert 'value="Duty group"' in wrong.text
