import pytest

from tests.incidents.conftest import POLICY, World
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.incidents import levels, queries, states
from volunteer_hub.incidents.models import Incident, RaiseRequest
from volunteer_hub.incidents.rules import Kind, Node, RaiseState, State


def asked(world: World, level: int = 3) -> tuple[Incident, RaiseRequest]:
    """Wang's incident in Dongfeng, for which the district is asked."""
    incident = world.declared("dongfeng")
    tx = world.act(world.wang)
    request = levels.set_level(tx, POLICY, incident, level, world.node("dongfeng"), reason="Two dykes")
    assert request is not None
    return incident, request


def test_the_district_grants_what_the_community_asked(world: World) -> None:
    incident, request = asked(world)
    assert (incident.level, request.area, request.reason) == (4, world.areas["sartu"], "Two dykes")
    tx = world.act(world.mei)
    assert [(r.id, i.id) for r, i in queries.raises_asked(tx)] == [(request.id, incident.id)]
    levels.grant(tx, POLICY, request, world.node("sartu"))
    assert (incident.level, incident.version, request.state) == (3, 2, RaiseState.GRANTED)
    assert (request.answered_by, request.answered_at) == (world.mei.id, tx.now)
    assert queries.raises_asked(tx) == []


def test_a_refusal_gives_its_reason_and_leaves_the_level(world: World) -> None:
    incident, request = asked(world)
    tx = world.act(world.mei)
    with pytest.raises(Malformed):
        levels.refuse(tx, request, world.node("sartu"), "  ")
    levels.refuse(tx, request, world.node("sartu"), "One dyke holds")
    assert (incident.level, request.state) == (4, RaiseState.REFUSED)
    with pytest.raises(Refused) as error:
        levels.grant(tx, POLICY, request, world.node("sartu"))
    assert error.value.code == "incident.raise_answered"


def test_what_the_district_may_not_grant_it_passes_on_to_the_city(world: World) -> None:
    incident, request = asked(world, level=1)
    tx = world.act(world.mei)
    with pytest.raises(Refused) as error:
        levels.grant(tx, POLICY, request, world.node("sartu"))
    assert (error.value.code, error.value.params) == (
        "incident.grant_above",
        {"level": "I", "highest": "III"},
    )
    levels.pass_on(tx, request, world.node("sartu"))
    assert request.area == world.areas["city"]
    with pytest.raises(NotFound):
        levels.grant(tx, POLICY, request, world.node("sartu"))
    tx = world.act(world.zhao)
    with pytest.raises(Refused) as nobody:
        levels.pass_on(tx, request, world.node("city"))
    assert nobody.value.code == "incident.nobody_above"
    levels.grant(tx, POLICY, request, world.node("city"))
    assert (incident.level, request.state) == (1, RaiseState.GRANTED)


def test_the_asking_community_and_a_foreign_district_cannot_answer(world: World) -> None:
    _, request = asked(world)
    for actor in (world.kai, world.mei):
        tx = world.act(actor)
        with pytest.raises(NotFound):
            levels.grant(tx, POLICY, request, world.node("datong" if actor is world.kai else "city"))
    assert queries.raises_asked(world.act(world.kai)) == []


def test_one_question_at_a_time(world: World) -> None:
    incident, _ = asked(world)
    with pytest.raises(Refused) as error:
        levels.set_level(world.tx, POLICY, incident, 2, world.node("dongfeng"))
    assert error.value.code == "incident.raise_asked"


def test_a_district_sets_its_own_levels_and_asks_for_graver_ones(world: World) -> None:
    incident = world.declared()
    sartu = world.node("sartu")
    assert levels.set_level(world.tx, POLICY, incident, 3, sartu) is None
    assert incident.level == 3
    with pytest.raises(Refused) as same:
        levels.set_level(world.tx, POLICY, incident, 3, sartu)
    assert same.value.code == "incident.same_level"
    request = levels.set_level(world.tx, POLICY, incident, 2, sartu)
    assert request is not None
    assert request.area == world.areas["city"]


def test_a_community_cannot_lower_what_the_district_raised(world: World) -> None:
    incident = world.declared("dongfeng", level=3)
    tx = world.act(world.wang)
    request = levels.set_level(tx, POLICY, incident, 4, world.node("dongfeng"))
    assert request is not None
    levels.grant(world.act(world.mei), POLICY, request, world.node("sartu"))
    assert incident.level == 4


def test_a_drill_takes_any_level(world: World) -> None:
    incident = world.declared("dongfeng", kind=Kind.DRILL)
    assert levels.set_level(world.act(world.wang), POLICY, incident, 1, world.node("dongfeng")) is None
    assert incident.level == 1


def test_a_level_that_does_not_exist_and_a_closed_incident_are_refused(world: World) -> None:
    incident = world.declared()
    for level in (0, 5):
        with pytest.raises(Malformed):
            levels.set_level(world.tx, POLICY, incident, level, world.node("sartu"))
    states.move(world.tx, incident, State.CLOSED)
    with pytest.raises(Refused) as error:
        levels.set_level(world.tx, POLICY, incident, 3, world.node("sartu"))
    assert error.value.code == "incident.closed"


def test_closing_ends_the_open_question(world: World) -> None:
    incident, request = asked(world)
    states.move(world.act(world.mei), incident, State.CLOSED)
    assert (request.state, levels.asked(world.tx, incident)) == (RaiseState.REFUSED, None)


def test_nobody_stands_above_the_root(world: World) -> None:
    incident = world.declared(by=world.zhao)
    odd = Node(world.areas["city"], "district")
    with pytest.raises(Refused) as error:
        levels.set_level(world.act(world.zhao), POLICY, incident, 1, odd)
    assert error.value.code == "incident.nobody_above"
