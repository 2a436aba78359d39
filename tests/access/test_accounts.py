"""Accounts and roles: nobody gives, or takes over, what they do not hold."""

import pytest

from tests import people
from tests.areas import AREAS
from volunteer_hub.access import accounts, passwords
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import AccountState, Role
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused

SARTU, DATONG, DONGFENG = (AREAS[name][0] for name in ("sartu", "datong", "dongfeng"))


def row_of(tx: db.Tx, actor: Actor) -> Account:
    assert actor.id is not None
    return tx.get_one(Account, actor.id)


def test_mei_sees_sartu_and_kai_datong(tx: db.Tx) -> None:
    mei, kai, wen = people.mei(tx), people.kai(tx), people.wen(tx)
    tx.actor = mei
    assert [row.id for row in accounts.listed(tx)] == [mei.id, wen.id]
    with pytest.raises(NotFound):
        accounts.find(tx, "account.read", row_of(tx, kai).public_id)
    assert accounts.find(tx, "account.read", row_of(tx, wen).public_id).name == "Wen"
    assert mei.may("volunteer.read", DONGFENG)
    assert not mei.may("volunteer.read", DATONG)


def test_a_coordinator_makes_a_clerk_of_her_own_area_only(tx: db.Tx) -> None:
    tx.actor = people.mei(tx)
    account = accounts.create(
        tx, area=DONGFENG, email=" New@Example.org ", name="New", password="sandbags and tea"
    )
    assert account.email == "new@example.org"
    assert passwords.fits("sandbags and tea", account.password_hash)
    accounts.grant(tx, account, Role.CLERK, DONGFENG)
    assert accounts.actor_for(tx, account).areas("volunteer.write") == (DONGFENG,)
    with pytest.raises(NotFound):
        accounts.grant(tx, account, Role.CLERK, DATONG)
    with pytest.raises(NotFound):
        accounts.create(tx, area=DATONG, email="far@example.org", name="Far")


def test_nobody_grants_what_they_do_not_hold(tx: db.Tx) -> None:
    wen = row_of(tx, people.wen(tx))
    tx.actor = people.mei(tx)
    with pytest.raises(Forbidden, match=r"role\.above"):
        accounts.grant(tx, wen, Role.CITY_ADMIN, DONGFENG)
    tx.actor = people.wen(tx)
    with pytest.raises(Forbidden):
        accounts.grant(tx, wen, Role.CLERK, DONGFENG)


def test_the_password_of_somebody_above_cannot_be_taken_over(tx: db.Tx) -> None:
    mei, wen = people.mei(tx), row_of(tx, people.wen(tx))
    accounts.grant(tx, wen, Role.CLERK, DATONG)
    tx.actor = mei
    with pytest.raises(Forbidden, match=r"role\.above"):
        accounts.set_password(tx, wen, "a password of hers")
    with pytest.raises(Forbidden, match=r"role\.above"):
        accounts.disable(tx, wen)
    tx.actor = people.an(tx)
    accounts.set_password(tx, wen, "a password of hers")
    assert passwords.fits("a password of hers", wen.password_hash)


def test_everybody_sets_their_own_password(tx: db.Tx) -> None:
    tx.actor = people.council(tx)
    account = row_of(tx, tx.actor)
    accounts.set_password(tx, account, "we read the trail")
    assert passwords.fits("we read the trail", account.password_hash)
    with pytest.raises(Malformed, match=r"password\.short"):
        accounts.set_password(tx, account, "short")


def test_a_role_is_given_once_and_taken_away(tx: db.Tx) -> None:
    wen = row_of(tx, people.wen(tx))
    tx.actor = people.mei(tx)
    first = accounts.grant(tx, wen, Role.COORDINATOR, DONGFENG)
    assert accounts.grant(tx, wen, Role.COORDINATOR, DONGFENG).id == first.id
    assert accounts.actor_for(tx, wen).may("plan.approve", DONGFENG)
    accounts.revoke(tx, wen, Role.COORDINATOR, DONGFENG)
    assert not accounts.actor_for(tx, wen).may("plan.approve")
    with pytest.raises(NotFound):
        accounts.revoke(tx, wen, Role.COORDINATOR, DONGFENG)


def test_nobody_shuts_themselves_out(tx: db.Tx) -> None:
    tx.actor = people.an(tx)
    an = row_of(tx, tx.actor)
    with pytest.raises(Refused, match=r"account\.self"):
        accounts.disable(tx, an)
    with pytest.raises(Refused, match=r"account\.self"):
        accounts.revoke(tx, an, Role.CITY_ADMIN, AREAS["city"][0])


def test_a_shut_account_is_opened_again_with_its_roles(tx: db.Tx) -> None:
    wen = row_of(tx, people.wen(tx))
    tx.actor = people.mei(tx)
    accounts.disable(tx, wen)
    assert wen.state is AccountState.DISABLED
    accounts.enable(tx, wen)
    assert accounts.actor_for(tx, wen).may("volunteer.write", DONGFENG)


def test_a_body_needs_a_community(tx: db.Tx) -> None:
    wen = row_of(tx, people.wen(tx))
    with pytest.raises(Refused, match=r"role\.no_body"):
        accounts.grant(tx, wen, Role.RESIDENTS_COUNCIL, SARTU)
    with pytest.raises(NotFound):
        accounts.grant(tx, wen, Role.CLERK, "/1/99/")


@pytest.mark.parametrize("email", ["", "mei", "@example.org", "mei@", "a@b@c"])
def test_what_is_no_address_is_refused(tx: db.Tx, email: str) -> None:
    people.mei(tx)
    with pytest.raises(Malformed, match=r"account\.email"):
        accounts.create(tx, area=SARTU, email=email, name="X")


def test_an_account_needs_a_name_and_an_address_of_its_own(tx: db.Tx) -> None:
    people.mei(tx)
    with pytest.raises(Malformed, match=r"account\.name"):
        accounts.create(tx, area=SARTU, email="x@example.org", name=" ")
    with pytest.raises(Refused, match=r"account\.known"):
        accounts.create(tx, area=SARTU, email="MEI@example.org", name="Mei")


def test_who_holds_a_right_in_an_area(tx: db.Tx) -> None:
    mei, _, an = people.mei(tx), people.kai(tx), people.an(tx)
    wen = row_of(tx, people.wen(tx))
    assert {row.id for row in accounts.holders(tx, "plan.approve", DONGFENG)} == {mei.id, an.id}
    assert {row.id for row in accounts.holders(tx, "volunteer.read", DONGFENG)} == {mei.id, an.id, wen.id}
    accounts.disable(tx, wen)
    assert {row.id for row in accounts.holders(tx, "volunteer.read", DONGFENG)} == {mei.id, an.id}
    assert tx.actor is SYSTEM
