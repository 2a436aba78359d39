"""What is printed of an incident: every sheet in both languages, in as many queries for one as for many."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from tests.flows.test_field import check_in, coming
from tests.web.test_duty_pages import text
from volunteer_hub.boards import sheets as board
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.flows import respond
from volunteer_hub.incidents.models import Incident
from volunteer_hub.web.console.sheets import BLANKS, SHEETS


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return coming(tx)


def at(sent: Sent) -> str:
    return f"/incidents/{sent.world.incident.public_id}"


def test_every_sheet_names_who_it_is_about_and_is_two_clicks_from_the_board(tx: Tx, sent: Sent) -> None:
    bo, lin = sent.world.bo, sent.world.lin
    check_in(tx, sent, bo, 60)
    for lang in LANGUAGES:
        mei = client(sent.world.mei, lang=lang)
        assert f'href="{at(sent)}/print"' in mei.get(at(sent)).text
        menu = mei.get(f"{at(sent)}/print").text
        for name in SHEETS:
            assert f'href="{at(sent)}/print/{name}"' in menu
            page = mei.get(f"{at(sent)}/print/{name}")
            assert (page.status_code, t(lang, f"sheet.{name}.title") in text(page.text)) == (200, True)
            assert (name, "Bo" in text(page.text)) == (name, name != "briefing")
    mei = client(sent.world.mei)
    sign_in = mei.get(f"{at(sent)}/print/sign-in").text
    assert sign_in.count('<tr aria-hidden="true">') == BLANKS
    shown = text(sign_in)
    wanted = (bo.phone or "?", lin.phone or "?", "First aid")
    assert [words for words in wanted if words not in shown] == []
    gone = text(mei.get(f"{at(sent)}/print/check-out").text)
    assert ("Bo" in gone, "Lin" in gone) == (True, False)  # Lin has not come yet


def test_names_are_for_whoever_may_know_people_there(tx: Tx, sent: Sent) -> None:
    assert client(people.kai(tx)).get(f"{at(sent)}/print/badges").status_code == 404
    pia = people.staff(tx, "pia", "Pia", people.Role.PARTNER, "sartu")
    shown = text(client(pia).get(f"{at(sent)}/print/sign-in").text)
    assert ("Bo" in shown, t("en", "callouts.name_hidden") in shown) == (False, True)


def test_the_number_of_queries_does_not_grow_with_the_people(tx: Tx, sent: Sent) -> None:
    statements: list[str] = []

    def queries() -> int:
        statements.clear()
        with transaction(sent.world.mei, "read") as mei:
            board.sheets(mei, mei.get_one(Incident, sent.world.incident.id))
        return len(statements)

    event.listen(db.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    some = queries()
    with minutes_later(5):
        for person in sent.world.crowd[:2]:
            made.answer(respond.accept, sent.token(tx, person))
    assert (queries(), some > 3) == (some, True)
