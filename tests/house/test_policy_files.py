"""Every shipped policy file loads, and a mistake in one is answered with file, key and remedy."""

import re
from datetime import date, time
from pathlib import Path

import pytest

from tests.house.policy_mistakes import MISTAKES
from volunteer_hub.core.policy import SHIPPED, Policy, PolicyError, load, read
from volunteer_hub.core.site import Night, Site
from volunteer_hub.drills.policy import Drills
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.mobilization.policy import Answers, Callouts
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.templates import Templates
from volunteer_hub.training.policy import Training
from volunteer_hub.volunteers.policy import Skills

_LATIN, _CHINESE = re.compile("[A-Za-z]"), re.compile("[\u4e00-\u9fff]")
SCHEMAS: dict[str, type[Policy]] = {
    "hub": Site,
    "skills": Skills,
    "hazards": Hazards,
    "callouts": Callouts,
    "answers": Answers,
    "messages": Messages,
    "rewards": Rewards,
    "drills": Drills,
    "sms_templates": Templates,
    "surveys": Surveys,
    "actions": Actions,
    "training": Training,
}


def test_every_shipped_file_has_a_schema():
    assert {path.stem for path in SHIPPED.glob("*.toml")} >= set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_file_loads(name: str):
    assert type(load(name, SCHEMAS[name])) is SCHEMAS[name]


def _names(value: object) -> list[dict[str, str]]:
    """Every {en, zh} anywhere in a dumped policy."""
    if isinstance(value, dict):
        if set(value) == {"en", "zh"}:
            return [
                {
                    language: said if isinstance(said, str) else " ".join(said)
                    for language, said in value.items()
                }
            ]
        return [name for inner in value.values() for name in _names(inner)]
    if isinstance(value, (list, tuple)):
        return [name for inner in value for name in _names(inner)]
    return []


@pytest.mark.parametrize("name", ["hub", "skills", "hazards", "drills", "surveys", "training"])
def test_every_name_is_written_in_both_languages(name: str):
    names = _names(load(name, SCHEMAS[name]).model_dump())
    wrong = [row for row in names if not (_LATIN.search(row["en"]) and _CHINESE.search(row["zh"]))]
    assert names
    assert wrong == []


@pytest.mark.parametrize(("name", "right", "wrong", "key", "remedy"), MISTAKES)
def test_a_mistake_is_answered_with_file_key_and_remedy(
    tmp_path: Path, name: str, right: str, wrong: str, key: str, remedy: str
):
    shipped = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    assert right in shipped
    path = tmp_path / f"{name}.toml"
    path.write_text(shipped.replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(PolicyError) as refusal:
        read(path, SCHEMAS[name])

    lines = [line for line in str(refusal.value).splitlines() if key in line and remedy in line]
    assert len(lines) >= 1, str(refusal.value)
    assert lines[0].startswith(f"{path}: ")


def test_hazards_name_only_skills_of_the_taxonomy():
    skills = load("skills", Skills).skills
    assert [row for row in load("hazards", Hazards).skills_named() if row[1] not in skills] == []


def test_drill_templates_name_only_shipped_hazards():
    hazards = load("hazards", Hazards).hazards
    assert {plan.hazard for plan in load("drills", Drills).templates.values()} - set(hazards) == set()


def test_the_hazards_asked_for_ship():
    assert set(load("hazards", Hazards).hazards) == {
        "flood",
        "blizzard",
        "epidemic",
        "mass_testing",
        "gas_leak",
        "plant_fire",
        "winter_power_cut",
        "missing_person",
        "heat",
        "earthquake",
    }


def test_wider_skills_stand_in_for_narrower_ones_and_never_the_other_way():
    skills = load("skills", Skills)
    assert skills.stands_in("first_aid") == {"first_aid", "nursing", "doctor", "paramedic"}
    assert skills.stands_in("driver.car") == {"driver.car", "driver.truck", "driver.bus"}
    assert skills.stands_in("doctor") == {"doctor"}
    with pytest.raises(KeyError):
        skills.stands_in("sorcery")


def test_a_community_starts_level_four_and_asks_for_more():
    hazards = load("hazards", Hazards)
    allowed = {
        kind: [level for level in ("IV", "III", "II", "I") if hazards.may_start(kind, level)]
        for kind in ("community", "district", "county", "city")
    }
    assert allowed == {
        "community": ["IV"],
        "district": ["IV", "III"],
        "county": ["IV", "III"],
        "city": ["IV", "III", "II", "I"],
    }


def test_a_kind_of_node_the_policy_leaves_out_starts_nothing():
    hazards = load("hazards", Hazards)
    shorter = hazards.model_copy(update={"highest": {"city": "I"}})
    assert shorter.may_start("community", "IV") is False


@pytest.mark.parametrize(
    ("event", "categories", "hazard"),
    [
        ("Flash Flood Warning", ("Met",), "flood"),
        ("暴雨橙色预警", ("Met",), "flood"),
        ("大雪蓝色预警", (), "blizzard"),
        ("Gas leak", ("Safety",), "gas_leak"),
        ("gas explosion in a plant", ("Fire",), "gas_leak"),
        ("Earthquake", ("Geo",), "earthquake"),
        ("Earthquake", ("Met",), None),
        ("Heat Advisory", ("Met",), "heat"),
        ("Theatre closed", (), None),
        ("Volcano", ("Geo",), None),
    ],
)
def test_an_alert_finds_its_hazard_by_words_and_category(event, categories, hazard):
    assert load("hazards", Hazards).match(event, categories) == hazard


@pytest.mark.parametrize(
    ("headline", "colour"),
    [("暴雨橙色预警", "orange"), ("Red warning for snow", "red"), ("Visibility reduced", None)],
)
def test_a_headline_names_its_colour(headline, colour):
    assert load("hazards", Hazards).colour_of(headline) == colour


def test_each_severity_stands_for_one_colour():
    hazards = load("hazards", Hazards)
    found = {word: hazards.colour_for(word) for word in ("Extreme", "Severe", "Moderate", "Minor", "Unknown")}
    assert found == {
        "Extreme": "red",
        "Severe": "orange",
        "Moderate": "yellow",
        "Minor": "blue",
        "Unknown": "blue",
    }


def test_a_way_of_asking_without_its_own_row_uses_the_default():
    answers = load("answers", Answers)
    own, other = answers.prior("sms", "night", "real"), answers.prior("robot", "night", "real")
    assert (own.accept, own.strength, own.measured) == (0.28, 36.0, False)
    assert (other.accept, other.strength) == (0.35, 36.0)


def test_answers_go_together_as_the_first_row_says_that_fits_the_hour_and_the_hazard():
    answers = load("answers", Answers)
    assert answers.together("day", "flood") == 0.02
    assert answers.together("night", "flood") == 0.03
    assert answers.together("night", "blizzard") == 0.05


def test_a_channel_without_its_own_delays_is_answered_as_any():
    answers = load("answers", Answers)
    assert answers.delay_of("sms", "real") == answers.delay
    assert answers.delay_of("voice", "drill").minutes("day") == (1, 2, 6, 60)


def test_the_night_runs_over_midnight():
    night = load("hub", Site).night
    hours = [hour for hour in range(24) if night.covers(time(hour))]
    assert hours == [0, 1, 2, 3, 4, 5, 22, 23]
    early = Night(starts=time(1), ends=time(5))
    assert [hour for hour in range(24) if early.covers(time(hour))] == [1, 2, 3, 4]


def test_travel_takes_the_road_and_the_weather():
    travel = load("callouts", Callouts).travel
    assert travel.minutes(3.2, "car") == pytest.approx(60 * 3.2 * 1.35 / 32)
    assert travel.minutes(3.2, "car", slow_down=2.0) == pytest.approx(2 * 60 * 3.2 * 1.35 / 32)


def test_no_drill_starts_in_a_blackout_even_over_new_year():
    drills = load("drills", Drills)
    days = ("10-01", "10-08", "12-31", "01-02", "01-03")
    found = {day: drills.blackout(date.fromisoformat(f"2031-{day}")) for day in days}
    assert {day: row.name.en if row else None for day, row in found.items()} == {
        "10-01": "National Day",
        "10-08": None,
        "12-31": "New Year",
        "01-02": "New Year",
        "01-03": None,
    }


def test_paid_and_compulsory_time_earns_no_volunteer_hours():
    assert set(load("rewards", Rewards).hours_for) == {"voluntary", "election", "coordination"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_documentation_names_every_key(name: str):
    text = (SHIPPED.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {name}\.toml:.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    missing = [key for key in SCHEMAS[name].model_fields if not re.search(rf"`{key}\b", section[0])]
    assert missing == []


def _toml_after(heading: str) -> str:
    text = (SHIPPED.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(line[4:] for line in section.splitlines() if line.startswith("    ") or not line)


@pytest.mark.parametrize(
    ("heading", "name", "code"),
    [("Add a skill", "skills", "solar"), ("Add a hazard", "hazards", "dust_storm")],
)
def test_the_documented_way_of_adding_works(tmp_path: Path, heading: str, name: str, code: str):
    path = tmp_path / f"{name}.toml"
    shipped = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    path.write_text(f"{shipped}\n{_toml_after(heading)}", encoding="utf-8")
    assert code in getattr(read(path, SCHEMAS[name]), name)
