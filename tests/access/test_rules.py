"""The permission table and the limits, as data."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.access import rules
from volunteer_hub.access.rules import (
    ALL_PERMISSIONS,
    COMMAND_LEVEL,
    PERMISSIONS,
    WINDOW,
    Body,
    CommandLevel,
    NodeKind,
    Role,
    may_hold,
    may_stand,
    password_fault,
    roles_within,
    session_expiry,
    wait,
)
from volunteer_hub.core import i18n
from volunteer_hub.core.errors import Malformed

NOW = datetime(2026, 1, 20, 2, 40, tzinfo=UTC)


def test_the_rights_of_the_residents_council() -> None:
    assert PERMISSIONS[Role.RESIDENTS_COUNCIL] == {
        "jurisdiction.read",
        "incident.read",
        "callout.read",
        "duty.read",
        "points.read",
        "action.read",
        "audit.read",
        "complaint.write",
    }


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("jurisdiction.write", {Role.CITY_ADMIN}),
        ("role.grant", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("plan.approve", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("callout.send", {Role.CITY_ADMIN, Role.COORDINATOR, Role.WORKSTATION}),
        ("incident.command", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("volunteer.export", {Role.CITY_ADMIN, Role.COORDINATOR, Role.CLERK, Role.WORKSTATION}),
        ("note.send", {Role.CITY_ADMIN, Role.COORDINATOR, Role.WORKSTATION}),
        ("survey.words", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("volunteer.erase", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("reward.write", {Role.CITY_ADMIN, Role.COORDINATOR}),
        ("reward.redeem", {Role.CITY_ADMIN, Role.COORDINATOR, Role.COUNTER}),
        ("audit.read", {Role.CITY_ADMIN, Role.COORDINATOR, Role.PARTY_COMMITTEE, Role.RESIDENTS_COUNCIL}),
    ],
)
def test_who_holds_a_grave_right(permission: str, roles: set[Role]) -> None:
    assert {role for role, rights in PERMISSIONS.items() if permission in rights} == roles


def test_every_role_has_its_rights_and_every_right_is_the_administrators() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.CITY_ADMIN] == ALL_PERMISSIONS
    assert len(ALL_PERMISSIONS) == 56


def test_every_kind_of_node_commands_at_one_of_three_levels() -> None:
    assert COMMAND_LEVEL == {
        NodeKind.CITY: CommandLevel.CITY,
        NodeKind.DISTRICT: CommandLevel.DISTRICT,
        NodeKind.COUNTY: CommandLevel.DISTRICT,
        NodeKind.TOWNSHIP: CommandLevel.COMMUNITY,
        NodeKind.VILLAGE: CommandLevel.COMMUNITY,
        NodeKind.COMMUNITY: CommandLevel.COMMUNITY,
    }
    assert set(COMMAND_LEVEL) == set(NodeKind)


def test_a_coordinator_may_give_every_role_but_the_administrators() -> None:
    assert roles_within(PERMISSIONS[Role.COORDINATOR]) == set(Role) - {Role.CITY_ADMIN}
    assert roles_within(PERMISSIONS[Role.PARTNER]) == {Role.PARTNER}


def test_bodies_stand_in_communities_and_villages_only() -> None:
    assert {kind for kind in NodeKind if may_stand(Role.RESIDENTS_COUNCIL, kind)} == {
        NodeKind.COMMUNITY,
        NodeKind.VILLAGE,
    }
    assert all(may_stand(Role.COORDINATOR, kind) for kind in NodeKind)


def test_a_lower_node_never_holds_a_higher_one() -> None:
    held = {parent: {child for child in NodeKind if may_hold(parent, child)} for parent in NodeKind}
    lowest = {NodeKind.VILLAGE, NodeKind.COMMUNITY}
    below = {NodeKind.DISTRICT, NodeKind.COUNTY, NodeKind.TOWNSHIP, *lowest}
    assert held == {
        NodeKind.CITY: set(NodeKind),
        NodeKind.DISTRICT: below,
        NodeKind.COUNTY: below,
        NodeKind.TOWNSHIP: {NodeKind.TOWNSHIP, *lowest},
        NodeKind.VILLAGE: lowest,
        NodeKind.COMMUNITY: lowest,
    }


@pytest.mark.parametrize(
    ("attempts", "first", "seconds"),
    [
        (0, None, 0),
        (4, NOW - timedelta(minutes=14), 0),
        (5, NOW - timedelta(minutes=14), 60),
        (9, NOW, 900),
        (5, NOW - WINDOW, 1),
    ],
)
def test_the_wait_ends_when_the_oldest_try_leaves_the_window(
    attempts: int, first: datetime | None, seconds: int
) -> None:
    assert wait(attempts, first, 5, NOW) == seconds


def test_a_session_slides_twelve_hours_and_ends_after_seven_days() -> None:
    assert session_expiry(NOW, NOW + timedelta(hours=3)) == NOW + timedelta(hours=15)
    assert session_expiry(NOW, NOW + timedelta(days=6, hours=20)) == NOW + timedelta(days=7)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "password.short"),
        ("x" * 201, "password.long"),
        ("aaaaaaaaaaaa", "password.easy"),
        ("mei@example.org", "password.easy"),
        ("Mei@Example.org", "password.easy"),
        ("abcdeabcde", None),
        ("abcdabcdab", "password.easy"),
        ("abcde" * 40, None),
        ("six sandbags", None),
        ("十个汉字也是一个好密码", None),
    ],
)
def test_what_a_password_must_be(password: str, fault: str | None) -> None:
    assert password_fault(password, "mei@example.org") == fault


def test_a_name_out_of_the_address_is_no_password() -> None:
    assert password_fault("Mei.Lin.Zhao", "mei.lin.zhao@example.org") == "password.easy"
    assert password_fault("mei.lin.zhang", "mei.lin.zhao@example.org") is None


def test_rights_are_written_by_noun_with_their_verbs() -> None:
    assert rules._rights("task.read+write job.read") == {"task.read", "task.write", "job.read"}
    assert rules._rights("") == frozenset()


def test_every_kind_role_and_body_has_a_name_in_both_languages() -> None:
    keys = [f"access.node.{kind}" for kind in NodeKind] + [f"access.role.{role}" for role in [*Role, *Body]]
    assert [(lang, key) for lang in i18n.LANGUAGES for key in keys if not i18n.has(lang, key)] == []


@pytest.mark.parametrize("passphrase", ["too short", "aaaaaaaaaaaaaaaa"])
def test_a_passphrase_that_is_soon_guessed_is_refused(passphrase: str) -> None:
    with pytest.raises(Malformed) as error:
        rules.check_passphrase(passphrase)
    assert [fault.code for fault in error.value.fields] == ["calldown.passphrase"]


def test_a_muster_point_has_a_name_and_lies_on_earth() -> None:
    rules.check_passphrase("seven geese over the lake")
    rules.check_muster_point("School yard", 46.6, 125.1, "")
    with pytest.raises(Malformed) as error:
        rules.check_muster_point(" " * 201, 91, 0, "x" * 1001)
    assert [(fault.where, fault.code) for fault in error.value.fields] == [
        ("name", "calldown.point_name"),
        ("name", "calldown.too_long"),
        ("words", "calldown.too_long"),
        ("lat", "calldown.position"),
    ]
