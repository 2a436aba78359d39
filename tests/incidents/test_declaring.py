import pytest
from sqlmodel import col, select

from tests.incidents.conftest import POLICY, SKILLS, World, flood
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.errors import Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.incidents import declaring, levels, queries, states, templates
from volunteer_hub.incidents.models import Incident, LogEntry
from volunteer_hub.incidents.rules import LEVELS, IncidentClass, Kind, RaiseState, Source, State


def test_whoever_declares_is_in_command_and_the_log_begins(world: World) -> None:
    incident = world.declared()
    assert (incident.state, incident.level, incident.commander_id) == (State.DECLARED, 4, world.mei.id)
    assert (incident.title, incident.incident_class) == ("Water in Dongfeng", IncidentClass.NATURAL)
    assert (incident.started_at, incident.declared_by) == (world.tx.now, world.mei.id)
    log = world.tx.exec(select(LogEntry).where(col(LogEntry.incident_id) == incident.id)).all()
    assert [(line.event, line.account_id) for line in log] == [("declared", world.mei.id)]


@pytest.mark.parametrize("hazard", list(POLICY.hazards))
def test_every_hazard_declares_with_its_default_tasks(world: World, hazard: str) -> None:
    tx = world.act(world.zhao)
    spec = flood(world.areas["sartu"], hazard=hazard, title=None, level=None)
    incident = declaring.declare_from_template(tx, POLICY, spec, node=world.node("city"), skills=SKILLS)
    template = POLICY.hazards[hazard]
    assert (incident.title, LEVELS[incident.level - 1]) == (template.name.en, template.level)
    stored = queries.whole(tx, incident).tasks
    by_title = {view.task.title: view for view in stored}
    assert set(by_title) == {task.name.en for task in template.tasks.values()}
    for task in template.tasks.values():
        view = by_title[task.name.en]
        assert (view.task.ends_at - view.task.starts_at).total_seconds() == task.minutes * 60
        assert (view.task.lat, view.task.lon, view.task.hazards) == (46.6, 125.0, [hazard])
        assert view.task.hazardous == (template.hazardous if task.hazardous is None else task.hazardous)
        stored_slots = [(v.slot.skill, v.slot.minimum, v.slot.target, v.slot.maximum) for v in view.slots]
        assert stored_slots == [(s.skill, s.minimum, s.target, s.maximum) for s in task.slots]
        nested = [[(m.skill, m.heads, m.may_share) for m in v.minima] for v in view.slots]
        assert nested == [[(m.skill, m.heads, m.may_share) for m in s.minima] for s in task.slots]


def test_a_template_may_bring_only_some_tasks(world: World) -> None:
    tx = world.act(world.mei)
    spec = flood(world.areas["sartu"])
    incident = declaring.declare_from_template(
        tx, POLICY, spec, node=world.node("sartu"), skills=SKILLS, only=["boats"]
    )
    assert [view.task.template for view in queries.whole(tx, incident).tasks] == ["flood.boats"]
    for code, only, error in (
        ("flood", ["dance"], "incident.template"),
        ("dragons", None, "incident.hazard"),
    ):
        with pytest.raises(Malformed) as refused:
            templates.task_specs(POLICY, code, lat=46.6, lon=125.0, starts_at=tx.now, lang="en", only=only)
        assert refused.value.code == error


def test_a_templates_title_is_read_in_each_language_and_a_written_one_as_it_stands(world: World) -> None:
    tx = world.act(world.mei)
    spec = flood(world.areas["sartu"])
    incident = declaring.declare_from_template(
        tx, POLICY, spec, node=world.node("sartu"), skills=SKILLS, only=["boats"]
    )
    task = queries.whole(tx, incident).tasks[0].task
    assert [templates.shown_title(POLICY, task, lang) for lang in ("en", "zh")] == [
        "Fetch people by boat",
        "舟艇转移群众",
    ]
    task.title = "Boats to the school"
    assert templates.shown_title(POLICY, task, "zh") == "Boats to the school"
    task.template = "flood.gone"
    assert templates.task_name(POLICY, task.template) is None
    assert templates.shown_title(POLICY, task, "zh") == "Boats to the school"


def test_a_community_starts_level_four_and_no_graver_one(world: World) -> None:
    tx = world.act(world.wang)
    own = world.node("dongfeng")
    spec = flood(world.areas["dongfeng"])
    incident = declaring.declare(tx, POLICY, spec, node=own, skills=SKILLS)
    assert incident.level == 4
    for level in (1, 2, 3):
        graver = flood(world.areas["dongfeng"], level=level)
        with pytest.raises(Refused) as error:
            declaring.declare(tx, POLICY, graver, node=own, skills=SKILLS)
        assert (error.value.code, error.value.params["highest"]) == ("incident.level_above", "IV")


def test_a_graver_template_starts_as_grave_as_it_may_and_asks_the_node_above(world: World) -> None:
    tx = world.act(world.wang)
    spec = flood(world.areas["dongfeng"], level=None)  # a flood is of level III
    incident = declaring.declare_from_template(
        tx, POLICY, spec, node=world.node("dongfeng"), skills=SKILLS, only=["boats"]
    )
    asked = levels.asked(tx, incident)
    assert asked is not None
    assert (incident.level, asked.level, asked.state) == (4, 3, RaiseState.ASKED)
    assert asked.area == world.areas["sartu"]


def test_a_drill_may_practise_any_level_and_needs_no_account_in_command(world: World) -> None:
    tx = world.act(SYSTEM)
    spec = flood(world.areas["dongfeng"], level=1, kind=Kind.DRILL, source=Source.DRILL)
    incident = declaring.declare(tx, POLICY, spec, node=world.node("dongfeng"), skills=SKILLS)
    assert (incident.level, incident.commander_id, levels.asked(tx, incident)) == (1, None, None)


def test_a_real_incident_without_anybody_in_command_is_refused(world: World) -> None:
    tx = world.act(SYSTEM)
    spec = flood(world.areas["sartu"])
    with pytest.raises(Refused) as error:
        declaring.declare(tx, POLICY, spec, node=world.node("sartu"), skills=SKILLS)
    assert error.value.code == "incident.no_commander"
    incident = declaring.declare(
        tx, POLICY, spec, node=world.node("sartu"), skills=SKILLS, commander_id=world.mei.id
    )
    assert incident.commander_id == world.mei.id


def test_nobody_declares_in_a_foreign_area_or_with_a_higher_nodes_powers(world: World) -> None:
    tx = world.act(world.kai)
    with pytest.raises(NotFound):
        declaring.declare(tx, POLICY, flood(world.areas["sartu"]), node=world.node("sartu"), skills=SKILLS)
    with pytest.raises(NotFound):
        declaring.declare(
            tx, POLICY, flood(world.areas["datong"], level=1), node=world.node("city"), skills=SKILLS
        )
    tx = world.act(world.zhao)
    with pytest.raises(Refused) as error:
        declaring.declare(tx, POLICY, flood(world.areas["datong"]), node=world.node("sartu"), skills=SKILLS)
    assert error.value.code == "incident.node"


def test_a_wrong_task_leaves_no_incident_behind(world: World) -> None:
    tx = world.act(world.mei)
    with pytest.raises(Malformed):
        declaring.declare(
            tx,
            POLICY,
            flood(world.areas["sartu"]),
            node=world.node("sartu"),
            skills=SKILLS,
            tasks_wanted=[world.task(priority=9)],
        )
    assert tx.exec(select(Incident)).all() == []


def test_two_editors_of_an_incident_conflict_and_the_first_wins(world: World) -> None:
    incident = world.declared()
    assert declaring.change(world.tx, POLICY, incident, 1, title="Dyke broken", lat=46.6) == {"title"}
    with pytest.raises(PreconditionFailed) as error:
        declaring.change(world.tx, POLICY, incident, 1, title="Dyke holds")
    assert (error.value.code, incident.title, incident.version) == ("version", "Dyke broken", 2)
    assert declaring.change(world.tx, POLICY, incident, 2, title="Dyke broken") == frozenset()
    with pytest.raises(Malformed):
        declaring.change(world.tx, POLICY, incident, 2, lat=91.0)
    states.move(world.tx, incident, State.CLOSED)
    with pytest.raises(Refused):
        declaring.change(world.tx, POLICY, incident, incident.version, title="Late")
