"""A drill whose hour comes, with several workers at the clock: held once, ended with its figures."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from tests import people
from tests.doors import client
from tests.flows.callouts import approved, at_ten
from tests.flows.callouts import planned as made_plan
from tests.world import brought_in, person, world
from volunteer_hub.boards import drill_result, promises
from volunteer_hub.core import clock, db, policy
from volunteer_hub.core.actor import GUEST, SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.drills import plans as drill_plans
from volunteer_hub.drills import results
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.record import By
from volunteer_hub.drills.rules import Figures, Kind, Misfire, Notice, PlanSpec, RunState
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.models import Survey
from volunteer_hub.flows import (
    call_down,
    drill,
    duty,
    elsewhere,
    feedback,
    mobilize,
    respond,
    waves,
)
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization import attendance, offers, places
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Kind as MessageKind
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.policy import Skills

EVE = datetime(2031, 1, 20, 1, 55, tzinfo=UTC)
"""09:55 in Daqing, five minutes before the drill of the plan below."""
NEVER = threading.Event()
PASSPHRASE = "seven geese over the lake"
pytestmark = pytest.mark.xdist_group("drill")  # what is set up once, one worker sets up


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    with Planner() as one:
        yield one


@pytest.fixture
def pool(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Twenty people of Dongfeng who can be reached, on a moved clock."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    db.follow_clock()
    db.move_clock(EVE)
    with db.transaction(SYSTEM, "test.pool") as tx:
        people.mei(tx)
        skills = "general:2;sandbagging:2;site_leader:2;first_aid:2"
        made = brought_in(tx, [person(f"Helper {n}", n, skills=skills) for n in range(20)])
        return [row.id for row in made]


@pytest.fixture(autouse=True)
def _real_time_again() -> Iterator[None]:
    yield
    settings.cache_clear()
    clock.follow(lambda: None)


def planned(kind: Kind, answer_minutes: int = 30, share: int = 50, misfire: Misfire = Misfire.LATEST) -> int:
    """Mei's plan of a drill at ten on Mondays; its id."""
    mei = people_of_sartu()
    spec = PlanSpec(
        title="Monday check",
        hazard="flood",
        rule="0 10 * * 1",
        zone="Asia/Shanghai",
        kind=kind,
        notice=Notice.NONE,
        share_percent=share,
        answer_minutes=answer_minutes,
        misfire=misfire,
    )
    with db.transaction(mei, "drill.create") as tx:
        hazards, skills = policy.load("hazards", Hazards).hazards, policy.load("skills", Skills).skills
        return drill_plans.create(tx, "/1/2/", spec, hazards=hazards, skills=skills).id


def three_workers(*sweeps: Callable[[], int]) -> list[int]:
    """What each sweep did when three workers ran it at the same moment, added up."""
    return [_together(sweep) for sweep in sweeps]


def _together(sweep: Callable[[], int]) -> int:
    start = threading.Barrier(3)

    def worker(_: int) -> int:
        start.wait()
        return sweep()

    with ThreadPoolExecutor(3) as pool:
        return sum(pool.map(worker, range(3)))


def people_of_sartu() -> Actor:
    with db.transaction(SYSTEM, "test.mei") as tx:
        return people.mei(tx)


def ten(minutes: float) -> str:
    """So many minutes after ten, as a sheet of paper says it."""
    return (EVE + timedelta(minutes=5 + minutes)).isoformat()


def at(minutes: float) -> None:
    """So many minutes after ten."""
    db.move_clock(EVE + timedelta(minutes=5 + minutes))


def asked() -> list[Offer]:
    with db.read(SYSTEM) as tx:
        return list(tx.exec(select(Offer).order_by(col(Offer.id))).all())


def run_of(plan_id: int) -> DrillRun:
    with db.read(SYSTEM) as tx:
        return tx.exec(select(DrillRun).where(col(DrillRun.plan_id) == plan_id)).one()


def called_out(planner: Planner) -> None:
    """From the hour to people asked."""
    assert three_workers(drill.sweep) == [1]
    assert planner.work_one(NEVER) is True
    assert three_workers(drill.progress) == [1]


def test_a_reachability_check_is_held_once_and_ends_with_its_figures(
    pool: list[int], planner: Planner
) -> None:
    plan_id = planned(Kind.REACHABILITY)
    assert three_workers(drill.sweep, drill.progress) == [0, 0]
    at(0.05)
    called_out(planner)
    assert three_workers(drill.sweep, drill.progress) == [0, 0]
    with db.read(SYSTEM) as tx:
        incident = tx.exec(select(Incident)).one()
        run, callout = tx.exec(select(PlanRun)).one(), tx.exec(select(Callout)).one()
        assert (incident.kind.value, incident.state, incident.title) == (
            "drill",
            State.MOBILIZING,
            "Monday check",
        )
        assert (run.override_reason, run.approved_by, callout.kind.value) == ("drill plan", None, "drill")
        out = tx.exec(select(Message.kind, func.count()).group_by(col(Message.kind))).all()
        assert [kind for kind, _ in out] == [MessageKind.DRILL]
    offered = asked()
    assert len(offered) == 10
    yes, no = offered[0], offered[1]
    at(4)
    with db.transaction(GUEST, "offer.accept") as tx:
        respond.accept(tx, offers.link_token(yes.public_id))
    at(12)
    with db.transaction(GUEST, "offer.decline") as tx:
        respond.decline(tx, offers.link_token(no.public_id))
    assert three_workers(drill.progress) == [0]
    at(31)
    assert three_workers(drill.progress) == [1]
    assert three_workers(drill.sweep, drill.progress) == [0, 0]
    record = results.result(run_of(plan_id)).record
    assert record is not None
    assert record.figures == Figures(10, 0, 2, 1, 0, {5: 1, 15: 2, 30: 2, 60: 2})
    assert record.curve == ((4, 1), (12, 2))
    assert (record.last_acknowledged or EVE).replace(second=0, microsecond=0) == EVE + timedelta(minutes=17)
    assert record.first_notified == record.last_notified
    assert record.groups[By.HOUR] == {"10": record.figures}
    assert record.groups[By.CHANNEL] == {"": record.figures}
    assert set(record.groups[By.SKILL]) == {"general", "sandbagging", "site_leader", "first_aid"}
    assert sum(group.notified for group in record.groups[By.COMMUNITY].values()) == 10
    with db.read(SYSTEM) as tx:
        assert tx.exec(select(Incident.state)).one() is State.CLOSED
        assert points.balances(tx, [yes.volunteer_id, no.volunteer_id, offered[2].volunteer_id]) == {
            yes.volunteer_id: 15,
            no.volunteer_id: 15,
            offered[2].volunteer_id: 0,
        }
        assert {offer.state for offer in tx.exec(select(Offer))} == {OfferState.RELEASED, OfferState.DECLINED}
        mine = drill_result.own(tx, tx.get_one(Volunteer, yes.volunteer_id))
        assert [(one.title, (one.seconds or 0) // 60) for one in mine] == [("Monday check", 3)]
        opened = tx.exec(select(Survey)).all()
        assert {survey.volunteer_id for survey in opened} == {offer.volunteer_id for offer in offered}
        assert {survey.form.value for survey in opened} == {"drill"}


def test_a_drill_that_lasts_long_keeps_no_other_waiting(
    pool: list[int], planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "_BATCH", 1)
    muster, check = planned(Kind.ASSEMBLY), planned(Kind.REACHABILITY)
    at(0.05)
    assert drill.sweep() == 2
    assert [planner.work_one(NEVER) for _ in range(2)] == [True, True]
    assert drill.progress() == 2
    at(31)
    assert drill.progress() == 1
    assert (run_of(muster).figures, run_of(check).figures is None) == (None, False)


def test_a_survey_answered_by_its_link_pays_once(pool: list[int], planner: Planner) -> None:
    planned(Kind.REACHABILITY)
    at(0.05)
    called_out(planner)
    at(31)
    assert drill.progress() == 1
    with db.read(SYSTEM) as tx:
        survey = tx.exec(select(Survey).order_by(col(Survey.id))).first()
    assert survey is not None
    link = surveys.token(survey.public_id)
    for _ in range(2):
        with db.transaction(GUEST, "survey.answer") as tx:
            assert feedback.answer(tx, link, {"clear": "yes"}).points == 3
    with db.read(SYSTEM) as tx:
        assert points.balance(tx, survey.volunteer_id) == 3
        assert sum(entry.points for entry in tx.exec(select(LedgerEntry))) == 0


def test_reminders_go_to_who_is_silent_and_not_to_who_answered_or_stopped(
    pool: list[int], planner: Planner
) -> None:
    planned(Kind.REACHABILITY)
    at(0.05)
    called_out(planner)
    at(31)
    assert drill.progress() == 1
    with db.read(SYSTEM) as tx:
        first, second, *others = tx.exec(select(Survey).order_by(col(Survey.id))).all()
    with db.transaction(GUEST, "survey.answer") as tx:
        feedback.answer(tx, surveys.token(first.public_id), {"clear": "no"})
    with db.transaction(GUEST, "survey.stop") as tx:
        feedback.stop(tx, surveys.token(second.public_id))
    at(31 + 24 * 60 + 1)
    assert three_workers(feedback.remind) == [8]
    with db.read(SYSTEM) as tx:
        wanted = select(Message.volunteer_id).where(col(Message.purpose) == "survey_reminder")
        assert sorted(who or 0 for who in tx.exec(wanted)) == sorted(s.volunteer_id for s in others)


def test_a_muster_is_attended_and_ends_after_its_work(pool: list[int], planner: Planner) -> None:
    plan_id = planned(Kind.ASSEMBLY, share=100)
    at(0.05)
    called_out(planner)
    offer = asked()[0]
    link, code = offers.link_token(offer.public_id), places.duty_code(offer)
    with db.transaction(GUEST, "offer.accept") as tx:
        respond.accept(tx, link)
    at(35)
    with db.transaction(GUEST, "duty.check_in") as tx:
        duty.check_in(tx, duty.by_link(tx, link), code)
    assert drill.progress() == 0
    with db.read(SYSTEM) as tx:
        last = max(tx.exec(select(Task.ends_at)).all())
    db.move_clock(last)
    assert three_workers(drill.progress) == [1]
    figures = run_of(plan_id).figures
    assert figures is not None
    assert (figures["acknowledged"], figures["accepted"], figures["assembled"]) == (1, 1, 1)
    with db.read(SYSTEM) as tx:
        found = attendance.of_offer(tx, tx.get_one(Offer, offer.id))
        assert found is not None
        assert (found.state.value, found.grade and found.grade.value) == ("done", "B")
        assert points.balance(tx, offer.volunteer_id) == 15


def test_a_drill_with_the_network_down_runs_on_paper(
    pool: list[int], planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    mei = client(people_of_sartu())
    spec = {"area": "DQ-ST", "title": "Dark Monday", "hazard": "flood", "rule": "0 10 * * 1"}
    spec |= {"kind": "reachability", "share_percent": 100, "answer_minutes": 30, "on_paper": True}
    plan = mei.post("/api/v1/drills", json=spec).json()
    # The evening before, the list by building; at the hour, it is opened and people are knocked at.
    node = re.search(r'href="(/call-downs/[0-9a-f-]{36})">Dongfeng', mei.get("/call-downs").text)
    assert node is not None
    mei.post(f"{node[1]}/passphrase", data={"passphrase": PASSPHRASE})
    assert call_down.sweep() == 1
    at(0.05)
    called_out(planner)
    sealed = next(tmp_path.glob("call-down/*/*.calldown"))
    sheet = mei.post(f"{node[1]}/open", data={"day": sealed.stem, "passphrase": PASSPHRASE}).text
    phones = re.findall(r"\+86139\d{8}", sheet)
    assert len(phones) == 20
    with db.read(SYSTEM) as tx:
        callout = tx.exec(select(Callout)).one()
    page = f"/callouts/{callout.public_id}"
    assert "On paper: nobody is written to" in mei.get(page).text
    assert mei.post(f"/api/v1{page}/waves", json={}).json()["code"] == "callout.on_paper"
    # The time to answer passes without a message or a wave; the day after, the sheets are keyed in.
    at(31)
    for sweep in (waves.top_up, elsewhere.sweep, mobilize.expire, drill.progress):
        assert sweep() == 0
    with db.read(SYSTEM) as tx:
        assert {one.code for one in promises.broken(tx)}.isdisjoint({"offers_untold", "waves_unsent"})
    at(20 * 60)
    mei = client(people_of_sartu())
    lines = [{"phone": phones[0], "answer": "accept", "at": ten(minutes=4)}]
    lines += [{"phone": number, "answer": "decline", "at": ten(minutes=14)} for number in phones[1:5]]
    assert mei.post(f"/api/v1{page}/paper", json={"lines": lines}).json()["taken"] == 5
    at(24 * 60 + 31)
    assert drill.progress() == 1
    mei = client(people_of_sartu())
    with db.read(SYSTEM) as tx:
        before = select(Message.purpose).where(col(Message.volunteer_id).is_not(None))
        assert set(tx.exec(before)) <= {"survey"}  # which comes when the drill is over
    (run,) = mei.get(f"/api/v1/drills/{plan['id']}/runs").json()["items"]
    assert run["figures"] == {
        "notified": 20,
        "delivered": 0,
        "acknowledged": 5,
        "accepted": 1,
        "assembled": 0,
        "on_paper": True,
        "shares": {"5": 5, "15": 25, "30": 25, "60": 25},
    }
    assert "on paper" in mei.get(f"/drills/{plan['id']}").text


def test_no_real_callout_runs_on_paper(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in at_ten(monkeypatch):
        w = world(tx, crowd=3)
        plan = approved(w, made_plan(tx, w, [(w.slots[0], w.lin)]))
        refused = client(w.mei).post(f"/api/v1/plans/{plan.public_id}/callout", json={"on_paper": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "callout.paper_real")
        assert tx.exec(select(Callout)).all() == []


def test_people_called_lately_are_left_in_peace(pool: list[int], planner: Planner) -> None:
    planned(Kind.REACHABILITY, share=100)
    at(0.05)
    called_out(planner)
    assert len(asked()) == 20
    at(31)
    assert drill.progress() == 1
    at(7 * 24 * 60 + 0.05)
    assert three_workers(drill.sweep) == [1]
    with db.read(SYSTEM) as tx:
        runs = tx.exec(select(DrillRun).order_by(col(DrillRun.id))).all()
        assert [(run.state, run.reason and run.reason.value) for run in runs] == [
            (RunState.RUN, None),
            (RunState.SKIPPED, "nobody"),
        ]


def test_after_a_long_stop_only_the_latest_is_held(pool: list[int]) -> None:
    planned(Kind.REACHABILITY)
    at(14 * 24 * 60 + 300)
    assert three_workers(drill.sweep) == [3]
    with db.read(SYSTEM) as tx:
        runs = tx.exec(select(DrillRun).order_by(col(DrillRun.occurrence))).all()
        assert [run.state for run in runs] == [RunState.SKIPPED, RunState.SKIPPED, RunState.RUN]
        assert tx.exec(select(func.count()).select_from(Incident)).one() == 1
        plan = tx.exec(select(DrillPlan)).one()
        assert plan.next_at == EVE + timedelta(days=21, minutes=5)
