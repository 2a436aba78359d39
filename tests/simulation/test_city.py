"""The made-up city has Daqing's figures exactly, its shapes partition, its people fit the import format."""

import tracemalloc
from collections import Counter
from datetime import date, timedelta
from itertools import islice

import numpy as np
import phonenumbers
import pytest

from volunteer_hub.core.geo import area_km2, haversine_km, in_polygon
from volunteer_hub.core.policy import load
from volunteer_hub.simulation.city import AGE_BANDS, EDUCATION, RESIDENTS, build_city, largest_remainder
from volunteer_hub.simulation.organisations import organisations
from volunteer_hub.simulation.people import COLUMNS, age_shares, on_call, people
from volunteer_hub.volunteers.checking import Home, Known, check
from volunteer_hub.volunteers.policy import Skills

TODAY = date(2026, 1, 1)
# Seats of government to two decimals, WGS-84: facts of the map.
SEATS = {
    "DQ-ST": (46.60, 125.11),
    "DQ-LF": (46.57, 125.14),
    "DQ-RH": (46.65, 124.86),
    "DQ-HG": (46.40, 124.88),
    "DQ-DT": (46.03, 124.81),
    "DQ-ZZ": (45.71, 125.27),
    "DQ-ZY": (45.52, 125.08),
    "DQ-LD": (47.18, 124.87),
    "DQ-DB": (46.86, 124.44),
}


@pytest.fixture(scope="module")
def city():
    return build_city(1)


@pytest.fixture(scope="module")
def crowd(city):
    return list(people(city, 6_000, 7, today=TODAY))


def test_the_city_has_the_numbers_of_places_the_paper_counts(city):
    assert Counter(node.kind for node in city.nodes) == {
        "city": 1,
        "district": 5,
        "county": 4,
        "township": 19,
        "community": 258,
    }
    assert len({node.street for node in city.nodes if node.street}) == 33


def test_codes_and_names_are_unique_and_parents_come_first(city):
    codes = [node.code for node in city.nodes]
    assert len(set(codes)) == len(codes)
    assert len({node.name.en for node in city.nodes}) == len(codes)
    assert len({node.name.zh for node in city.nodes}) == len(codes)
    assert all(node.parent in codes[:place] for place, node in enumerate(city.nodes) if place)
    assert codes[:3] == ["DQ", "DQ-ST", "DQ-ST-001"]


def test_residents_sum_exactly_at_every_level(city):
    assert sum(node.residents for node in city.communities) == RESIDENTS == 2_781_562
    for node in city.nodes:
        if node.kind != "community":
            assert sum(child.residents for child in city.children(node.code)) == node.residents


def test_rescaled_age_bands_add_up_and_the_oldest_is_what_is_left():
    assert sum(AGE_BANDS.values()) == RESIDENTS
    assert AGE_BANDS["60+"] == RESIDENTS - 310_589 - 1_884_133 == 586_840
    assert round(100 * AGE_BANDS["60+"] / RESIDENTS, 1) == 21.1
    assert sum(EDUCATION.values()) == 2_623_188


def test_largest_remainder_gives_whole_numbers_that_sum():
    assert largest_remainder(10, np.array([1.0, 1.0, 1.0])) == [4, 3, 3]
    assert largest_remainder(7, np.array([3.0, 2.0, 1.5])) == [3, 2, 2]
    assert largest_remainder(0, np.array([3.0, 2.0])) == [0, 0]


def test_districts_stand_where_the_real_ones_do(city):
    far = {
        code: float(haversine_km(city.node(code).lat, city.node(code).lon, *seat))
        for code, seat in SEATS.items()
    }
    assert {code: km for code, km in far.items() if km > 6} == {}


def test_shapes_partition_their_parent(city):
    for node in city.nodes:
        children = city.children(node.code)
        if children:
            assert sum(area_km2(child.outline) for child in children) == pytest.approx(
                area_km2(node.outline), rel=0.002
            )
    random = np.random.default_rng(3)
    lats, lons = random.uniform(45.4, 47.4, 400), random.uniform(124.0, 125.7, 400)
    inside = in_polygon(lats, lons, city.root.outline)
    hits = sum(in_polygon(lats, lons, node.outline).astype(int) for node in city.communities)
    assert inside.sum() > 200
    assert hits[inside].tolist() == [1] * int(inside.sum())
    assert hits[~inside].tolist() == [0] * int((~inside).sum())


def test_every_centre_lies_inside_its_own_outline(city):
    outside = [
        node.code
        for node in city.nodes
        if not in_polygon(node.lat, node.lon, node.outline) or node.reach_km <= 0
    ]
    assert outside == []


def test_the_same_seed_builds_the_same_city_and_another_seed_another(city):
    assert build_city(1) == city
    assert build_city(2) != city
    assert sum(node.residents for node in build_city(2).communities) == RESIDENTS


def test_an_unknown_code_is_no_node(city):
    with pytest.raises(KeyError):
        city.node("DQ-XX")


def test_rows_have_the_columns_of_the_import_format(crowd):
    assert {tuple(row) for row in crowd} == {COLUMNS}
    assert {type(value) for row in crowd for value in row.values()} == {str}


def test_asking_for_more_people_changes_nobody(city, crowd):
    assert list(people(city, 2_500, 7, today=TODAY)) == crowd[:2_500]
    assert list(people(city, 3, 8, today=TODAY)) != crowd[:3]


def test_nobody_shares_a_number_an_address_or_a_registration(crowd):
    for column in ("external_id", "phone", "email"):
        assert len({row[column] for row in crowd}) == len(crowd)


def test_telephone_numbers_and_mail_have_valid_form(crowd):
    numbers = [phonenumbers.parse(row["phone"], "CN") for row in crowd[:500]]
    assert [number for number in numbers if not phonenumbers.is_valid_number(number)] == []
    assert {row["email"].split("@")[1] for row in crowd} == {"example.org"}
    assert all(row["email"].isascii() for row in crowd)


def test_people_are_old_enough_and_minors_have_a_guardian_or_wait(crowd):
    born = [(date.fromisoformat(row["birthday"]), row) for row in crowd]
    assert max(day for day, _ in born) <= TODAY.replace(year=TODAY.year - 14)
    minors = [row for day, row in born if day > TODAY.replace(year=TODAY.year - 18)]
    assert len(minors) > 200
    assert {row["status"] for row in minors if not row["guardian_consent"]} == {"applied"}
    assert {row["status"] for row in minors if row["guardian_consent"]} == {"active", "applied"}
    assert {row["guardian_name"][0] == row["name"][0] for row in minors} == {True}
    assert sum(bool(row["guardian_name"]) for row in crowd) == len(minors)
    adult_only = {code for code, skill in load("skills", Skills).skills.items() if skill.adult_only}
    assert [
        row for row in minors for held in row["skills"].split(";") if held.split(":")[0] in adult_only
    ] == []


def test_ages_follow_the_bands(crowd):
    oldest = TODAY.replace(year=TODAY.year - 60)
    share = sum(date.fromisoformat(row["birthday"]) <= oldest for row in crowd) / len(crowd)
    shares = age_shares()
    assert shares.sum() == pytest.approx(1.0)
    assert shares[-20:].sum() == pytest.approx(586_840 / (586_840 + 1_884_133 + 310_589 / 15))
    assert share == pytest.approx(shares[-20:].sum(), abs=0.02)


def test_skills_are_known_and_levels_between_one_and_three(crowd):
    known = load("skills", Skills).skills
    held = [claim.split(":")[:2] for row in crowd for claim in row["skills"].split(";")]
    assert {code for code, _ in held} <= {code for code, skill in known.items() if not skill.everyone}
    assert {level for _, level in held} == {"1", "2", "3"}
    assert Counter(code for code, _ in held).most_common(2)[0][0] == "driver.car"
    assert min(len(row["skills"]) for row in crowd) > 0


def test_certifications_belong_to_held_skills_that_want_one(crowd):
    known = load("skills", Skills).skills
    expired = total = 0
    for row in crowd:
        codes = {claim.split(":")[0] for claim in row["skills"].split(";") if claim.endswith(":verified")}
        for paper in filter(None, row["certifications"].split(";")):
            skill, number, issuer, issued, expires = paper.split("|")
            codes.remove(skill)
            assert known[skill].certified
            assert number
            assert issuer
            assert date.fromisoformat(expires) - date.fromisoformat(issued) == timedelta(days=1095)
            total += 1
            expired += date.fromisoformat(expires) < TODAY
        assert codes == set()
    assert 0.03 < expired / total < 0.07


def test_homes_lie_in_the_stated_community(city, crowd):
    by_code = {node.code: node for node in city.communities}
    for row in crowd[:800]:
        home = by_code[row["community"]]
        assert in_polygon(float(row["lat"]), float(row["lon"]), home.outline)
        assert row["street"] == (home.street.zh if home.street else "")
        assert home.name.zh in row["address"]
        if row["precision"] == "community":
            assert (float(row["lat"]), float(row["lon"])) == (home.lat, home.lon)


def test_homes_are_weighted_by_residents(city, crowd):
    sartu = sum(row["community"].startswith("DQ-ST-") for row in crowd) / len(crowd)
    assert sartu == pytest.approx(city.node("DQ-ST").residents / RESIDENTS, abs=0.015)


def test_every_row_passes_the_checks_of_the_import(city, crowd):
    homes = {node.code: Home(node.code, "/1/", node.lat, node.lon) for node in city.communities}
    known = Known(homes, frozenset(load("skills", Skills).skills), TODAY, "CN")
    assert [error for row in crowd for error in check(row, known)[1]] == []


def test_values_are_those_the_pool_knows(crowd):
    allowed = {
        "language": {"zh", "en"},
        "precision": {"address", "building", "community"},
        "datum": {"wgs84"},
        "travel_mode": {"foot", "bicycle", "car", "none_at_night"},
        "basis": {"election", "employment", "coordination", "compulsory", "voluntary"},
        "fit": {"yes", "no"},
        "status": {"active", "applied"},
        "education": set(EDUCATION),
    }
    assert {column: {row[column] for row in crowd} for column in allowed} == allowed
    assert {len(row["availability"]) for row in crowd} == {14}
    assert set("".join(row["availability"] for row in crowd)) == {"0", "1"}
    assert {(row["quiet_from"] == "") == (row["quiet_until"] == "") for row in crowd} == {True}
    assert {(row["policy_no"] == "") == (row["insured_until"] == "") for row in crowd} == {True}


def test_minors_and_most_of_the_retired_have_no_night(crowd):
    nights = {
        "minor": [
            row for row in crowd if row["birthday"] > "2008-01-01" and "1" in row["availability"][1::2]
        ],
        "all": [row for row in crowd if "1" in row["availability"][1::2]],
    }
    assert nights["minor"] == []
    assert 0.3 < len(nights["all"]) / len(crowd) < 0.6


def test_people_on_call_are_a_steady_share(city):
    chosen = list(on_call(6_000, 7))
    assert 0.02 < len(chosen) / 6_000 < 0.04
    assert [name for name in chosen if name <= "V0001000"] == list(on_call(1_000, 7))
    assert set(chosen) <= {f"V{number:07}" for number in range(1, 6_001)}


def test_memory_does_not_grow_with_the_number_of_people(city):
    def peak(n: int) -> int:
        tracemalloc.start()
        for _ in people(city, n, 1, today=TODAY):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(12_000) < 1.5 * peak(4_000)


def test_rows_come_one_by_one(city):
    first = list(islice(people(city, 50_000_000, 1, today=TODAY), 2))
    assert [row["external_id"] for row in first] == ["V0000001", "V0000002"]


def test_organisations_pledge_known_skills_from_places_of_the_city(city):
    found = organisations(city, 1)
    known = load("skills", Skills).skills
    assert Counter(unit.kind for unit in found) == {"oil_field": 8, "hospital": 9, "rescue_team": 5}
    assert len({unit.code for unit in found}) == len({unit.name for unit in found}) == len(found)
    assert {unit.area for unit in found} <= {node.code for node in city.nodes}
    assert {skill for unit in found for skill, _ in unit.pledges} <= set(known)
    assert min(heads for unit in found for _, heads in unit.pledges) >= 2
    assert [
        unit.contact_phone
        for unit in found
        if not phonenumbers.is_valid_number(phonenumbers.parse(unit.contact_phone, "CN"))
    ] == []
    assert organisations(city, 1) == found
