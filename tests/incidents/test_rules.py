from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from tests.incidents.conftest import CREW, POLICY, SKILLS, flood
from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.core.i18n import LANGUAGES, Text, t
from volunteer_hub.incidents import rules
from volunteer_hub.incidents.rules import ALLOWED, MinimumSpec, SlotSpec, State, TaskSpec

NOW = datetime(2026, 1, 12, 18, 40, tzinfo=UTC)
ROAD = [
    (State.DECLARED, State.MOBILIZING),
    (State.DECLARED, State.CLOSED),
    (State.MOBILIZING, State.ACTIVE),
    (State.MOBILIZING, State.DEMOBILIZING),
    (State.ACTIVE, State.DEMOBILIZING),
    (State.DEMOBILIZING, State.ACTIVE),
    (State.DEMOBILIZING, State.CLOSED),
    (State.CLOSED, State.REVIEWED),
]


def task(**changes: object) -> TaskSpec:
    values = {
        "title": "Sandbag the dyke",
        "lat": 46.6,
        "lon": 125.0,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=4),
        "slots": (CREW,),
    }
    return TaskSpec(**{**values, **changes})


def wrong(spec: TaskSpec) -> list[FieldError]:
    with pytest.raises(Malformed) as error:
        rules.check_task(spec, SKILLS)
    assert error.value.code == error.value.fields[0].code
    assert error.value.params == error.value.fields[0].params
    assert all(said(one) for one in error.value.fields)
    return list(error.value.fields)


def said(error: FieldError) -> bool:
    """Whether every language has words for it that need no more than its parameters."""
    return all(t(lang, f"error.{error.code}", **error.params) for lang in LANGUAGES)


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_a_state_changes_only_along_the_road(before: State, after: State) -> None:
    if (before, after) in ROAD:
        rules.check_move(before, after)
        return
    with pytest.raises(Refused) as error:
        rules.check_move(before, after)
    assert error.value.code == "incident.state"
    assert error.value.params == {
        "before": Text(f"incidents.state.{before}"),
        "after": Text(f"incidents.state.{after}"),
    }


def test_the_road_is_the_whole_table() -> None:
    assert {(a, b) for a, to in ALLOWED.items() for b in to} == set(ROAD)


@pytest.mark.parametrize("state", list(State))
def test_only_closed_and_reviewed_incidents_take_nothing_more(state: State) -> None:
    if state in (State.CLOSED, State.REVIEWED):
        with pytest.raises(Refused) as error:
            rules.check_open(state)
        assert error.value.code == "incident.closed"
    else:
        rules.check_open(state)


def test_levels_have_names_and_no_fifth() -> None:
    assert [rules.level_name(n) for n in (1, 2, 3, 4)] == ["I", "II", "III", "IV"]
    assert [rules.level_number(name) for name in rules.LEVELS] == [1, 2, 3, 4]
    for level in (0, 5):
        with pytest.raises(Malformed) as error:
            rules.level_name(level)
        assert (error.value.code, error.value.params) == ("incident.level", {"level": level})


def test_who_may_start_which_level_is_policy() -> None:
    table = {
        kind: [n for n in (1, 2, 3, 4) if rules.may_start(POLICY, kind, n)]
        for kind in ("city", "district", "county", "township", "village", "community")
    }
    assert table == {
        "city": [1, 2, 3, 4],
        "district": [3, 4],
        "county": [3, 4],
        "township": [4],
        "village": [4],
        "community": [4],
    }
    assert [rules.gravest(POLICY, kind) for kind in ("city", "district", "community")] == [1, 3, 4]


def test_a_kind_of_node_without_a_level_starts_none() -> None:
    none = POLICY.model_copy(update={"highest": {"city": "I"}})
    assert rules.gravest(none, "community") is None
    assert rules.may_start(none, "community", 4) is False


def test_the_node_above_is_the_path_without_its_last_part() -> None:
    assert [rules.above(path) for path in ("/1/2/3/", "/1/2/", "/1/", "/")] == ["/1/2/", "/1/", None, None]


TITLE, TEXT = {"longest": 200}, {"longest": 4000}


@pytest.mark.parametrize(
    ("changes", "where", "code", "params"),
    [
        ({"title": "  "}, "title", "incident.text.missing", {}),
        ({"title": "a" * 201}, "title", "incident.text.too_long", TITLE),
        ({"title": "a\0b"}, "title", "text.nul", {}),
        ({"place": "a" * 4001}, "place", "incident.text.too_long", TEXT),
        ({"pickup": "a" * 4001}, "pickup", "incident.text.too_long", TEXT),
        ({"lat": 91.0}, "position", "geo.latitude", {"lat": 91.0}),
        ({"lat": 125.0, "lon": 46.6}, "position", "geo.swapped", {"lat": 125.0, "lon": 46.6}),
        ({"lon": float("nan")}, "position", "geo.not_a_number", {}),
        ({"pickup_lat": 46.6, "pickup": "School"}, "pickup_lon", "task.pickup", {}),
        ({"pickup_lon": 125.0}, "pickup_lat", "task.pickup", {}),
        ({"pickup_lat": 46.6, "pickup_lon": 125.0}, "pickup", "incident.text.missing", {}),
        (
            {"pickup": "School", "pickup_lat": 46.6, "pickup_lon": 181.0},
            "pickup_position",
            "geo.longitude",
            {"lon": 181.0},
        ),
        ({"ends_at": NOW}, "ends_at", "task.window", {}),
        ({"ends_at": NOW - timedelta(minutes=1)}, "ends_at", "task.window", {}),
        ({"ends_at": NOW + timedelta(days=31, seconds=1)}, "ends_at", "task.too_long", {"days": 31}),
        ({"starts_at": NOW.replace(tzinfo=None)}, "starts_at", "task.zone", {}),
        ({"ends_at": NOW.replace(tzinfo=None)}, "starts_at", "task.zone", {}),
        ({"priority": 0}, "priority", "task.priority", {"priority": 0}),
        ({"priority": 6}, "priority", "task.priority", {"priority": 6}),
        ({"slots": (CREW,) * 51}, "slots", "task.slots", {"most": 50}),
    ],
)
def test_a_wrong_field_of_a_task_is_named(
    changes: dict[str, object], where: str, code: str, params: dict[str, object]
) -> None:
    assert wrong(task(**changes)) == [FieldError(where, code, params)]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "a" * 200, "place": "a" * 4000, "pickup": "a" * 4000},
        {"ends_at": NOW + timedelta(days=31)},
        {"priority": 1},
        {"priority": 5},
        {"pickup": "School", "pickup_lat": 46.6, "pickup_lon": 125.0},
        {"slots": ()},
        {"slots": (CREW,) * 50},
    ],
)
def test_a_task_at_the_edge_of_what_may_be_passes(changes: dict[str, object]) -> None:
    rules.check_task(task(**changes), SKILLS)


def order(minimum: int, target: int, maximum: int) -> dict[str, object]:
    return {"minimum": minimum, "target": target, "maximum": maximum}


HEADS = {"most": 10_000}


@pytest.mark.parametrize(
    ("slot", "where", "code", "params"),
    [
        (SlotSpec(5, 4, 6), "minimum", "slot.order", order(5, 4, 6)),
        (SlotSpec(1, 4, 3), "minimum", "slot.order", order(1, 4, 3)),
        (SlotSpec(-1, 4, 6), "minimum", "slot.order", order(-1, 4, 6)),
        (SlotSpec(0, 0, 0), "maximum", "slot.heads", HEADS),
        (SlotSpec(1, 1, 10_001), "maximum", "slot.heads", HEADS),
        (SlotSpec(1, 1, 1, useful_minutes=1_441), "useful_minutes", "slot.useful", {"most": 1_440}),
        (SlotSpec(1, 1, 1, useful_minutes=-1), "useful_minutes", "slot.useful", {"most": 1_440}),
        (SlotSpec(1, 1, 1, skill="juggling"), "skill", "slot.skill", {"skill": "juggling"}),
        (SlotSpec(1, 1, 1, level=0), "level", "slot.level", {"level": 0}),
        (SlotSpec(1, 1, 1, level=4), "level", "slot.level", {"level": 4}),
        (SlotSpec(1, 1, 1, name="a" * 201), "name", "incident.text.too_long", TITLE),
        (
            SlotSpec(1, 1, 1, minima=(MinimumSpec("juggling", 1),)),
            "minima.0.skill",
            "slot.skill",
            {"skill": "juggling"},
        ),
        (
            SlotSpec(1, 1, 1, minima=(MinimumSpec("boat", 1, level=0),)),
            "minima.0.level",
            "slot.level",
            {"level": 0},
        ),
        (SlotSpec(1, 1, 1, minima=(MinimumSpec("boat", 0),)), "minima.0.heads", "slot.heads", HEADS),
    ],
)
def test_a_wrong_field_of_a_slot_is_named(
    slot: SlotSpec, where: str, code: str, params: dict[str, object]
) -> None:
    with pytest.raises(Malformed) as error:
        rules.check_slot(slot, SKILLS)
    assert list(error.value.fields) == [FieldError(where, code, params)]
    assert wrong(task(slots=(CREW, slot))) == [FieldError(f"slots.1.{where}", code, params)]
    assert said(error.value.fields[0])


@pytest.mark.parametrize(
    "slot",
    [
        SlotSpec(0, 0, 1),
        SlotSpec(1, 1, 1, name="a" * 200, level=3),
        SlotSpec(0, 10_000, 10_000, minima=(MinimumSpec("boat", 10_000, level=3),)),
    ],
)
def test_a_slot_at_the_edge_of_what_may_be_passes(slot: SlotSpec) -> None:
    rules.check_slot(slot, SKILLS)


def test_minima_that_stand_apart_add_up_and_those_that_share_overlap() -> None:
    apart = (MinimumSpec("boat", 2), MinimumSpec("first_aid", 3))
    shared = (MinimumSpec("boat", 2, may_share=True), MinimumSpec("first_aid", 3, may_share=True))
    assert [rules.heads_needed(minima) for minima in ((), apart, shared, (*apart, *shared))] == [0, 5, 3, 8]


def test_minima_fit_into_the_target_or_are_refused_with_the_number_needed() -> None:
    minima = (MinimumSpec("boat", 2), MinimumSpec("first_aid", 3))
    rules.check_slot(SlotSpec(1, 5, 5, minima=minima), SKILLS)
    with pytest.raises(Malformed) as error:
        rules.check_slot(SlotSpec(1, 4, 5, minima=minima), SKILLS)
    assert error.value.fields == (FieldError("minima", "slot.minima", {"needed": 5, "target": 4}),)


def test_of_several_tasks_every_wrong_one_is_named() -> None:
    with pytest.raises(Malformed) as error:
        rules.check_tasks([task(), task(priority=9), task(title="")], SKILLS)
    assert [f.where for f in error.value.fields] == ["tasks.1.priority", "tasks.2.title"]
    assert error.value.code == "task.priority"


@pytest.mark.parametrize(("count", "where"), [(1, "title"), (2, "tasks.1.title")])
def test_a_task_alone_has_no_number(count: int, where: str) -> None:
    with pytest.raises(Malformed) as error:
        rules.check_tasks([task()] * (count - 1) + [task(title="")], SKILLS)
    assert [f.where for f in error.value.fields] == [where]


def test_no_tasks_at_all_are_no_fault() -> None:
    rules.check_tasks([], SKILLS)


@pytest.mark.parametrize(
    ("changes", "where", "code", "params"),
    [
        (
            {"hazard": "dragons"},
            "hazard",
            "incident.hazard",
            {"hazard": "dragons", "known": ", ".join(POLICY.hazards)},
        ),
        ({"level": 0}, "level", "incident.level", {"level": 0}),
        ({"level": 5}, "level", "incident.level", {"level": 5}),
        ({"title": ""}, "title", "incident.text.missing", {}),
        ({"title": "a" * 201}, "title", "incident.text.too_long", TITLE),
        ({"lat": -91.0}, "position", "geo.latitude", {"lat": -91.0}),
        ({"started_at": NOW + timedelta(minutes=5, seconds=1)}, "started_at", "incident.starts_later", {}),
    ],
)
def test_a_wrong_field_of_an_incident_is_named(
    changes: dict[str, object], where: str, code: str, params: dict[str, object]
) -> None:
    with pytest.raises(Malformed) as error:
        rules.check_incident(flood("/1/2/", **changes), POLICY, NOW)
    assert list(error.value.fields) == [FieldError(where, code, params)]
    assert (error.value.code, error.value.params) == (code, params)
    assert said(error.value.fields[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None, "level": None, "started_at": NOW},
        {"title": "a" * 200, "level": 1, "started_at": NOW + timedelta(minutes=5)},
        {"level": 4, "started_at": None},
    ],
)
def test_a_sound_incident_passes(changes: dict[str, object]) -> None:
    rules.check_incident(flood("/1/2/", **changes), POLICY, NOW)


def test_a_note_has_words_and_is_kept_trimmed() -> None:
    assert rules.check_note("  the pump is back \n", "note") == "the pump is back"
    assert rules.check_note("a" * 4000, "note") == "a" * 4000
    for text, code in (
        (" \n", "incident.text.missing"),
        ("a" * 4001, "incident.text.too_long"),
        ("a\0", "text.nul"),
    ):
        with pytest.raises(Malformed) as error:
            rules.check_note(text, "note")
        assert [(f.where, f.code) for f in error.value.fields] == [("note", code)]


def test_a_change_of_place_or_time_is_told_again_a_change_of_title_is_not() -> None:
    told = {name for name in TaskSpec.__dataclass_fields__ if rules.told_again({name})}
    assert told == {"place", "lat", "lon", "starts_at", "ends_at", "pickup", "pickup_lat", "pickup_lon"}
    assert rules.told_again(frozenset()) is False


def test_operational_periods_cover_the_window_and_overlap_for_the_relief() -> None:
    hours = [NOW + timedelta(hours=n) for n in range(31)]
    quarter = timedelta(minutes=15)
    assert rules.periods(hours[0], hours[30], timedelta(hours=12), quarter) == [
        (hours[0], hours[12] + quarter),
        (hours[12], hours[24] + quarter),
        (hours[24], hours[30]),
    ]
    assert rules.periods(hours[0], hours[12], timedelta(hours=12), quarter) == [(hours[0], hours[12])]


@pytest.mark.parametrize(
    ("window", "length", "overlap", "code", "params"),
    [
        (0, 60, 0, "task.window", {}),
        (600, 0, 0, "task.period", {}),
        (600, 60, 60, "task.period", {}),
        (600, 60, -1, "task.period", {}),
        (101, 1, 0, "task.periods", {"most": 100}),
    ],
)
def test_periods_that_cannot_be_are_refused(
    window: int, length: int, overlap: int, code: str, params: dict[str, object]
) -> None:
    ends = NOW + timedelta(minutes=window)
    with pytest.raises(Malformed) as error:
        rules.periods(NOW, ends, timedelta(minutes=length), timedelta(minutes=overlap))
    assert (error.value.code, error.value.params) == (code, params)


def test_a_hundred_periods_are_not_too_many() -> None:
    minute = timedelta(minutes=1)
    assert len(rules.periods(NOW, NOW + 100 * minute, minute)) == 100
