from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlmodel import select

from tests.incidents.cap_documents import SENDER, SENT, document, info, reference
from tests.incidents.conftest import POLICY, SKILLS, World, people
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import HubError, Malformed, NotFound, Refused
from volunteer_hub.incidents import alerts, levels, logbook, queries, states
from volunteer_hub.incidents.alerts import Received
from volunteer_hub.incidents.cap_model import CapArea, Circle
from volunteer_hub.incidents.cap_rules import Kind as Deed
from volunteer_hub.incidents.cap_rules import Why
from volunteer_hub.incidents.models import Alert, Incident
from volunteer_hub.incidents.rules import Colour, Kind, Proposal, Source, State

SOON = SENT + timedelta(minutes=10)
ADVICE = "<headline>暴雪橙色预警信号</headline>"


@pytest.fixture(autouse=True)
def _ten_minutes_after(world: World) -> None:
    world.tx.now = SOON


@pytest.fixture
def world(tx: db.Tx) -> World:
    tx.now = SOON
    return people(tx)


def receive(world: World, data: bytes, area: str = "sartu") -> Received:
    return alerts.receive(world.act(world.mei), POLICY, data, world.areas[area])


def alert_of(outcome: Received) -> Alert:
    assert outcome.alert is not None
    return outcome.alert


def accept(world: World, row: Alert, **wanted: object) -> Incident:
    tx = world.act(world.mei)
    return alerts.declare_from(tx, POLICY, row, node=world.node("sartu"), skills=SKILLS, **wanted)


def incidents(world: World) -> list[Incident]:
    return list(world.tx.exec(select(Incident)).all())


def test_an_alert_proposes_and_a_coordinators_yes_makes_the_incident(world: World) -> None:
    row = alert_of(receive(world, document(info(more=ADVICE))))
    assert (row.decision, row.proposal, row.incident_id) == ("propose", Proposal.WAITING, None)
    assert (row.hazard, row.colour) == ("blizzard", Colour.ORANGE)
    assert incidents(world) == []
    incident = accept(world, row, only=["clearing"])
    assert (incident.title, incident.hazard, incident.source) == ("暴雪橙色预警信号", "blizzard", Source.CAP)
    assert (incident.kind, incident.commander_id, incident.colour) == (Kind.REAL, world.mei.id, Colour.ORANGE)
    assert (round(incident.lat, 6), round(incident.lon, 6)) == (46.6, 125.1)
    assert (row.proposal, row.incident_id) == (Proposal.DECLARED, incident.id)
    assert [view.task.template for view in queries.whole(world.tx, incident).tasks] == ["blizzard.clearing"]


def test_the_colour_sets_the_level_and_what_is_too_grave_is_asked_of_the_node_above(world: World) -> None:
    incident = accept(world, alert_of(receive(world, document(info()))))
    asked = levels.asked(world.tx, incident)
    assert asked is not None
    assert (incident.level, asked.level, asked.area) == (3, 2, world.areas["city"])


def test_a_repeat_changes_nothing(world: World) -> None:
    first = receive(world, document(info()))
    accept(world, alert_of(first))
    again = receive(world, document(info()))
    assert (again.decision.kind, again.alert, again.changed) == (Deed.REPEAT, first.alert, ())
    assert (len(incidents(world)), len(world.tx.exec(select(Alert)).all())) == (1, 1)


def test_one_proposal_is_answered_once(world: World) -> None:
    row = alert_of(receive(world, document(info())))
    accept(world, row)
    with pytest.raises(Refused) as twice:
        accept(world, row)
    assert twice.value.code == "alert.answered"
    with pytest.raises(Refused) as late:
        alerts.dismiss(world.tx, row)
    assert late.value.code == "alert.answered"
    assert len(incidents(world)) == 1


def test_a_dismissed_proposal_stays_dismissed(world: World) -> None:
    row = alert_of(receive(world, document(info())))
    assert queries.alerts(world.tx, proposal=Proposal.WAITING) == [row]
    alerts.dismiss(world.tx, row)
    assert queries.alerts(world.tx, proposal=Proposal.WAITING) == []
    with pytest.raises(Refused):
        accept(world, row)


def test_an_exercise_makes_only_a_drill_and_a_test_nothing(world: World) -> None:
    drill = accept(world, alert_of(receive(world, document(info(), status="Exercise"))))
    assert drill.kind is Kind.DRILL
    row = alert_of(receive(world, document(info(), status="Test", identifier="snow-2")))
    assert (row.decision, row.proposal) == ("ignore_test", Proposal.NONE)
    with pytest.raises(Refused):
        accept(world, row)


def test_an_update_replaces_a_proposal_that_waits(world: World) -> None:
    first = alert_of(receive(world, document(info())))
    update = document(info(), identifier="snow-2", msg_type="Update", references=reference(), sent=SOON)
    second = alert_of(receive(world, update))
    assert (first.proposal, second.proposal) == (Proposal.REPLACED, Proposal.WAITING)
    with pytest.raises(Refused):
        accept(world, first)
    accept(world, second)
    assert len(incidents(world)) == 1


def test_an_update_acts_on_the_incident_and_makes_no_second_one(world: World) -> None:
    incident = accept(world, alert_of(receive(world, document(info()))))
    before = incident.version
    worse = info(event="暴雪红色预警", severity="Extreme", more="<headline>暴雪升级为红色</headline>")
    outcome = receive(
        world, document(worse, identifier="snow-2", msg_type="Update", references=reference(), sent=SOON)
    )
    assert (outcome.decision.kind, outcome.changed) == (Deed.UPDATE, (incident,))
    assert (incident.colour, incident.version) == (Colour.RED, before + 1)
    assert alert_of(outcome).incident_id == incident.id
    assert logbook.entries(world.tx, incident)[-1].text == "暴雪升级为红色"
    third = document(
        info(),
        identifier="snow-3",
        msg_type="Update",
        references=reference("snow-2", sent=SOON),
        sent=SOON + timedelta(minutes=1),
    )
    assert receive(world, third).changed == (incident,)
    assert len(incidents(world)) == 1


def test_a_cancel_closes_what_nobody_was_asked_for(world: World) -> None:
    incident = accept(world, alert_of(receive(world, document(info()))))
    cancel = document(identifier="snow-2", msg_type="Cancel", references=reference(), sent=SOON)
    outcome = receive(world, cancel)
    assert (outcome.changed, outcome.to_decide) == ((incident,), ())
    assert (incident.state, incident.closed_at) == (State.CLOSED, SOON)


def test_a_cancel_leaves_people_under_way_to_whoever_is_in_command(world: World) -> None:
    incident = accept(world, alert_of(receive(world, document(info()))))
    states.move(world.tx, incident, State.MOBILIZING)
    cancel = document(identifier="snow-2", msg_type="Cancel", references=reference(), sent=SOON)
    outcome = receive(world, cancel)
    assert (outcome.changed, outcome.to_decide) == ((), (incident,))
    assert (incident.state, logbook.entries(world.tx, incident)[-1].event) == (
        State.MOBILIZING,
        "alert_cancelled",
    )


def test_a_cancel_withdraws_a_proposal(world: World) -> None:
    row = alert_of(receive(world, document(info())))
    receive(world, document(identifier="snow-2", msg_type="Cancel", references=reference(), sent=SOON))
    assert row.proposal is Proposal.WITHDRAWN
    with pytest.raises(Refused):
        accept(world, row)


def test_what_came_before_what_it_refers_to_is_decided_when_that_comes(world: World) -> None:
    cancel = document(identifier="snow-2", msg_type="Cancel", references=reference(), sent=SOON)
    early = receive(world, cancel)
    assert (early.decision.kind, early.decision.why) == (Deed.KEEP, Why.REFERENCE_UNSEEN)
    late = receive(world, document(info()))
    assert (alert_of(late).decision, alert_of(late).why) == ("keep", "cancelled_before")
    assert alert_of(early).decision == "cancel"
    assert [row.proposal for row in queries.alerts(world.tx)] == [Proposal.NONE, Proposal.NONE]


def test_an_update_accepted_before_its_alert_came_leaves_no_second_proposal(world: World) -> None:
    update = document(info(), identifier="snow-2", references=reference(), sent=SOON)
    incident = accept(world, alert_of(receive(world, update)))
    first = alert_of(receive(world, document(info())))
    assert (first.decision, first.proposal) == ("stale", Proposal.NONE)
    assert incidents(world) == [incident]


def test_a_no_to_an_update_stands_for_its_alert_that_comes_later(world: World) -> None:
    update = document(info(), identifier="snow-2", references=reference(), sent=SOON)
    later = alert_of(receive(world, update))
    alerts.dismiss(world.tx, later)
    first = alert_of(receive(world, document(info())))
    assert (first.proposal, later.proposal) == (Proposal.REPLACED, Proposal.DISMISSED)


def test_a_stranger_cannot_cancel_anothers_incident(world: World) -> None:
    incident = accept(world, alert_of(receive(world, document(info()))))
    forged = document(
        identifier="snow-2", msg_type="Cancel", references=reference(), sent=SOON, sender="x@evil.example"
    )
    assert receive(world, forged).decision.why is Why.OTHER_SENDER
    kais = document(identifier="snow-3", msg_type="Cancel", references=reference(), sent=SOON)
    outcome = alerts.receive(world.act(world.kai), POLICY, kais, world.areas["datong"])
    assert outcome.decision.why is Why.REFERENCE_UNSEEN
    assert incident.state is State.DECLARED


def test_a_repeat_from_another_area_shows_nothing_of_the_first(world: World) -> None:
    receive(world, document(info()))
    outcome = alerts.receive(world.act(world.kai), POLICY, document(info()), world.areas["datong"])
    assert (outcome.decision.kind, outcome.alert) == (Deed.REPEAT, None)
    assert queries.alerts(world.tx) == []
    with pytest.raises(NotFound):
        alerts.receive(world.tx, POLICY, document(info()), world.areas["sartu"])


def test_an_expired_alert_proposes_only_when_replayed_as_of_its_time(world: World) -> None:
    world.tx.now = SENT + timedelta(days=30)
    row = alert_of(receive(world, document(info())))
    assert (row.decision, row.expired, row.proposal) == ("expired", True, Proposal.NONE)
    outcome = alerts.replay(world.tx, POLICY, row, SOON)
    assert (row.decision, row.expired, row.proposal) == ("propose", False, Proposal.WAITING)
    assert (outcome.alert, row.decided_as_of) == (row, SOON)
    incident = accept(world, row)
    assert (incident.started_at, incident.declared_at) == (world.tx.now, world.tx.now)
    with pytest.raises(Refused) as error:
        alerts.replay(world.tx, POLICY, row, SOON)
    assert error.value.code == "alert.declared"


def test_a_new_alert_can_be_received_as_of_its_own_time(world: World) -> None:
    world.tx.now = SENT + timedelta(days=30)
    outcome = alerts.receive(world.tx, POLICY, document(info()), world.areas["sartu"], as_of=SENT)
    assert alert_of(outcome).proposal is Proposal.WAITING


def test_an_alert_without_place_or_hazard_asks_for_them(world: World) -> None:
    vague = info(event="Something", area="<geocode><valueName>adcode</valueName><value>1</value></geocode>")
    row = alert_of(receive(world, document(vague)))
    with pytest.raises(Malformed) as hazard:
        accept(world, row)
    assert hazard.value.code == "alert.hazard"
    with pytest.raises(Malformed) as place:
        accept(world, row, hazard="flood")
    assert place.value.code == "alert.place"
    incident = accept(world, row, hazard="flood", place=(46.6, 125.0), area=world.areas["dongfeng"])
    assert (incident.hazard, incident.area, incident.shape) == ("flood", world.areas["dongfeng"], None)


def test_the_incident_lies_in_the_alerts_area(world: World) -> None:
    row = alert_of(receive(world, document(info())))
    with pytest.raises(Refused) as error:
        accept(world, row, area=world.areas["datong"])
    assert error.value.code == "alert.area"


def test_a_broken_document_is_refused_and_not_stored(world: World) -> None:
    with pytest.raises(Malformed):
        receive(world, b"<alert/>")
    assert queries.alerts(world.tx) == []


def test_shapes_are_geojson_with_longitude_first() -> None:
    ring = ((46.5, 125.0), (46.5, 125.2), (46.7, 125.2), (46.5, 125.0))
    area = CapArea("x", polygons=(ring,), circles=(Circle((46.6, 125.1), 1.0), Circle((0.0, 0.0), 0.0)))
    drawn = alerts.shape([area])
    assert drawn is not None
    assert drawn["coordinates"][0] == [[[125.0, 46.5], [125.2, 46.5], [125.2, 46.7], [125.0, 46.5]]]
    assert (drawn["type"], len(drawn["coordinates"])) == ("MultiPolygon", 2)
    assert alerts.shape([CapArea("only a name")]) is None


def test_alerts_are_listed_in_pages_newest_first(world: World) -> None:
    rows = [alert_of(receive(world, document(info(), identifier=f"snow-{n}"))) for n in range(3)]
    assert queries.alerts(world.tx, limit=1) == [rows[2], rows[1]]
    assert queries.alerts(world.tx, after=rows[1].id) == [rows[0]]
    assert queries.find_alert(world.tx, "alert.read", rows[0].public_id) == rows[0]


class TestManyAtOnce:
    """Several connections; the clock stands ten minutes after the alert was sent."""

    @pytest.fixture(autouse=True)
    def _ten_minutes_after(self) -> None:
        """Here every transaction takes its own moment."""

    def test_the_same_alert_and_the_same_yes_from_eight_connections_make_one_incident(
        self, fresh_database: str
    ) -> None:
        with clock.fixed(SOON), db.transaction(SYSTEM, "test") as tx:
            world = people(tx)
        received = self.at_once(8, lambda tx: self.receive_one(tx, world), world)
        assert sorted(received) == ["propose"] + ["repeat"] * 7
        answered = self.at_once(8, lambda tx: self.accept_one(tx, world), world)
        assert sorted(answered) == ["alert.answered"] * 7 + ["declared"]
        with db.read(SYSTEM) as tx:
            assert len(tx.exec(select(Alert)).all()) == 1
            assert [i.origin for i in tx.exec(select(Incident))] == [
                f"cap:{SENDER},snow-1,2026-01-12T18:30:00+00:00"
            ]

    @staticmethod
    def receive_one(tx: db.Tx, world: World) -> str:
        return alerts.receive(tx, POLICY, document(info()), world.areas["sartu"]).decision.kind.value

    @staticmethod
    def accept_one(tx: db.Tx, world: World) -> str:
        row = tx.exec(select(Alert)).one()
        alerts.declare_from(tx, POLICY, row, node=world.node("sartu"), skills=SKILLS)
        return "declared"

    @staticmethod
    def at_once(count: int, deed: object, world: World) -> list[str]:
        start = Barrier(count)
        outcomes: list[str] = []

        def run() -> None:
            start.wait()
            try:
                with clock.fixed(SOON), db.transaction(world.mei, "alert") as tx:
                    outcome = deed(tx)
                outcomes.append(outcome)
            except HubError as error:
                outcomes.append(error.code)

        threads = [Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes
