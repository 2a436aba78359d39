"""After a check-out: leader and volunteer say how it was, whoever is rated reads all of it and answers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent, minutes_later
from tests.training.taught import me
from tests.world import world
from volunteer_hub.boards import slots
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.flows import duty, evaluate, forget, merge, respond
from volunteer_hub.incidents.models import RoleSlot
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import Evidence
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def served(tx: Tx, out: Sent, who: Volunteer, *, leaves: bool = True) -> Duty:
    """On site from 11 to 12, confirmed by Mei."""
    row = made.duty_of(tx, out, who)
    with minutes_later(60) as moment, db.transaction(out.world.mei, "duty.check_in") as mei:
        duty.confirm_in(mei, mei.get_one(Duty, row.id), Evidence.LEADER, moment)
    if leaves:
        with minutes_later(120) as moment, db.transaction(out.world.mei, "duty.check_out") as mei:
            duty.confirm_out(mei, mei.get_one(Duty, row.id), Evidence.LEADER, moment)
    return made.duty_of(tx, out, who)


def test_leader_and_volunteer_say_how_it_was_and_each_reads_and_answers_it(tx: Tx) -> None:
    out = made.coming(tx, crowd=0)
    bo, lin = out.world.bo, out.world.lin
    tx.get_one(RoleSlot, out.aid).skill = slots.LEADER
    tx.flush()
    leader, hers = f"/c/{out.token(tx, bo)}/people", f"/c/{out.token(tx, lin)}/duty"
    phone = client()
    served(tx, out, bo, leaves=False)
    row = served(tx, out, lin, leaves=False)
    with minutes_later(100):
        said = {"duty": str(row.public_id), "mark.safety": "not_yet", "words": "Wear the helmet."}
        early = phone.post(f"{leader}/evaluate", data=said)
        assert (early.status_code, "once they have checked out" in early.text) == (409, True)
    row = served(tx, out, lin)
    with minutes_later(130):
        assert "How did they do?" in phone.get(leader).text
        assert phone.post(f"{leader}/evaluate", data=said | {"mark.safety": "5"}).status_code == 422
        assert phone.post(f"{leader}/evaluate", data=said).status_code == 303
        page = phone.get(hers).text
        assert all(words in page for words in ("Kept the safety rules", "Not yet", "Wear the helmet."))
        assert "by Bo" in page
        stored = tx.exec(select(EvaluationRow)).one()
        seen = client(out.world.mei).get(f"/incidents/{out.world.incident.public_id}/evaluations").text
        assert ("Somebody else who led has written it" in seen, "Wear the helmet." in seen) == (True, False)
        reply = {"evaluation": str(stored.public_id), "words": "There was none left."}
        assert phone.post(f"/c/{out.token(tx, bo)}/duty/reply", data=reply).status_code == 404
        assert phone.post(f"{hers}/reply", data=reply).status_code == 303
        assert phone.post(f"{leader}/evaluate", data=said).status_code == 409  # answered: it stays
        of_bo = {"mark.briefing": "yes", "words": "Clear from the start."}
        assert phone.post(f"{hers}/evaluation", data=of_bo).status_code == 303
        his = client(me(bo))
        assert "Clear from the start." in his.get("/me").text
        [told] = his.get("/api/v1/volunteers/me/evaluations").json()["items"]
        assert (told["side"], told["marks"], told["by"]) == ("leader", {"briefing": "yes"}, "Lin")
        answer = his.put(f"/api/v1/volunteers/me/evaluations/{told['id']}/reply", json={"words": "Thanks."})
        assert answer.json()["reply"] == "Thanks."
        assert "Whoever led answered: Thanks." in " ".join(phone.get(hers).text.split())


def test_the_staff_that_led_says_it_too_and_two_not_yet_on_safety_suggest_a_course(tx: Tx) -> None:
    w = world(tx, crowd=0)
    mei, hers = client(w.mei), client(me(w.lin))
    page = f"/incidents/{w.incident.public_id}/evaluations"
    for number in range(2):
        out = made.send(tx, w, [(w.slots[number], w.lin)])
        made.answer(respond.accept, out.token(tx, w.lin))
        row = served(tx, out, w.lin)
        with minutes_later(130):
            assert str(row.public_id) in mei.get(page).text
            assert mei.post(page, data={"duty": str(row.public_id)}).status_code == 422
            said = {"duty": str(row.public_id), "mark.safety": "not_yet"}
            assert "Crowd safety" not in hers.get("/me").text
            assert mei.post(page, data=said).headers["location"] == page
    with minutes_later(140):
        assert "/learn/courses/crowd_safety" in hers.get("/me").text
        assert "because of 2 evaluations within 180 days" in mei.get(f"/volunteers/{w.lin.public_id}").text
        assert hers.get("/api/v1/volunteers/me/suggestions").json()["items"][0]["course"] == "crowd_safety"
        at = f"/api/v1/volunteers/me/duties/{row.public_id}/evaluation"
        assert hers.put(at, json={"marks": {"briefing": "partly"}}).status_code == 200
        assert "Partly" in mei.get(page).text  # Mei is in command, so it is said of her
        [mine] = tx.exec(select(EvaluationRow).where(col(EvaluationRow.side) == Side.LEADER))
        assert mei.post(
            f"{page}/reply", data={"evaluation": str(mine.public_id), "words": "Noted."}
        ).is_redirect
    with clock.fixed(NOW + timedelta(days=15)):
        late = client(me(w.lin)).put(at, json={"marks": {"briefing": "yes"}})
        assert (late.status_code, late.json()["code"]) == (410, "evaluation.late")


def test_evaluations_go_along_with_the_person_and_end_with_who_is_forgotten(tx: Tx) -> None:
    out = made.coming(tx, crowd=0)
    bo, lin = out.world.bo, out.world.lin
    row = served(tx, out, lin)
    with minutes_later(130):
        with db.transaction(out.world.mei, "evaluation.write") as mei:
            evaluate.by_staff(mei, row.public_id, {"safety": "yes"}, "Well done.")
        with db.transaction(me(lin), "evaluation.write") as own:
            evaluate.by_volunteer(own, own.get_one(Duty, row.id), {"briefing": "yes"}, "Clear.")
        with db.transaction(out.world.mei, "volunteer.merge") as mei:
            merge.merge(mei, bo.public_id, lin.public_id)
        held = client(me(bo)).get("/me/download").json()["evaluations"]
        assert [one["words"] for one in held["of_me"] + held["by_me"]] == ["Well done.", "Clear."]
        with db.transaction(SYSTEM, "forget") as own:
            forget.erase(own, registry.one(own, bo.id, lock=True))
    left = tx.exec(select(EvaluationRow).execution_options(populate_existing=True)).all()
    assert [(one.side, one.words) for one in left] == [(Side.LEADER, None)]
