from datetime import timedelta

import pytest

from tests.incidents.conftest import POLICY, SKILLS, World
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.core.i18n import catalogue
from volunteer_hub.incidents import command, declaring, levels, logbook, rules, states, tasks
from volunteer_hub.incidents.rules import LogKind, State


def test_the_log_is_in_the_order_of_what_happened(world: World) -> None:
    incident = world.declared()
    logbook.note(world.tx, incident, "Second dyke checked")
    early = world.tx.now - timedelta(minutes=9)
    logbook.note(world.tx, incident, "First call from Dongfeng", at=early, kind=LogKind.SAFETY)
    logbook.note(world.tx, incident, "Written with a wrong clock", at=world.tx.now + timedelta(hours=1))
    lines = logbook.entries(world.tx, incident)
    assert [(line.kind, logbook.words("en", line)) for line in lines] == [
        (LogKind.SAFETY, "First call from Dongfeng"),
        (LogKind.DECLARED, "Declared at level IV: Water in Dongfeng."),
        (LogKind.NOTE, "Second dyke checked"),
        (LogKind.NOTE, "Written with a wrong clock"),
    ]
    assert [line.at for line in lines] == [early, *[world.tx.now] * 3]


def test_a_foreign_coordinator_neither_reads_nor_writes_the_log(world: World) -> None:
    incident = world.declared()
    tx = world.act(world.kai)
    with pytest.raises(NotFound):
        logbook.entries(tx, incident)
    with pytest.raises(NotFound):
        logbook.note(tx, incident, "Kai was here")
    with pytest.raises(Malformed):
        logbook.note(world.act(world.mei), incident, "\n")


def test_every_line_reads_in_both_languages(world: World) -> None:
    incident = world.declared("dongfeng")
    tx = world.tx
    task = tasks.add(tx, incident, world.task(), SKILLS)
    tasks.change(tx, task, 1, SKILLS, title="Two dykes", priority=1)
    tasks.add_slot(tx, task, 2, rules.SlotSpec(1, 1, 1), SKILLS)
    tasks.cancel(tx, task, "water fell")
    tasks.finish(tx, tasks.add(tx, incident, world.task(), SKILLS))
    tasks.add_many(tx, incident, [world.task()] * 21, SKILLS)
    declaring.change(tx, POLICY, incident, 1, title="Water", lat=46.7)
    request = levels.set_level(tx, POLICY, incident, 1, world.node("sartu"))
    assert request is not None
    levels.refuse(world.act(world.zhao), request, world.node("city"), "not yet")
    levels.set_level(tx, POLICY, incident, 3, world.node("city"), reason="second dyke")
    command.offer(tx, incident, world.zhao.id or 0, "none")
    command.take(tx, incident, "no answer")
    states.move(tx, incident, State.MOBILIZING)
    lines = logbook.entries(tx, incident)
    assert [logbook.words("en", line) for line in lines] == [
        "Declared at level IV: Water in Dongfeng.",
        "Task added: Sandbag the dyke.",
        "Task Two dykes changed: priority, title.",
        "Roles of task Two dykes changed.",
        "Task Two dykes cancelled: water fell",
        "Task added: Sandbag the dyke.",
        "Task Sandbag the dyke done.",
        "21 tasks added.",
        "Changed: latitude, title.",
        "Asked the node above for level I.",
        "The node above refused level I. not yet",
        "Level IV became III. second dyke",
        "Command offered, with these open questions: none",
        "Command taken without a handover: no answer",
        "From declared to mobilizing.",
    ]
    assert [logbook.words("zh", line) for line in lines][2] == "任务“Two dykes”修改了优先级、标题。"
    assert [logbook.words("zh", line) for line in lines][-1] == "由“已宣布”转为“动员中”。"


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("state", rules.State),
        ("kind", rules.Kind),
        ("class", rules.IncidentClass),
        ("source", rules.Source),
        ("task_state", rules.TaskState),
        ("raise", rules.RaiseState),
        ("proposal", rules.Proposal),
    ],
)
def test_every_code_has_a_name_in_both_languages(table: str, codes: type[rules.State]) -> None:
    for lang in ("en", "zh"):
        assert [code for code in codes if f"incidents.{table}.{code.value}" not in catalogue(lang)] == []


def test_every_changeable_field_has_a_name(world: World) -> None:
    fields = {*tasks.CHANGEABLE, "title", "lat", "lon", "shape", "colour", "incident_class"}
    assert {field for field in fields if f"incidents.field.{field}" not in catalogue("en")} == set()
