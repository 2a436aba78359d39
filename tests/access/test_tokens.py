"""API tokens: an account's rights, narrowed, and gone at once."""

from datetime import timedelta

import pytest

from tests import people
from tests.areas import AREAS
from volunteer_hub.access import accounts, tokens
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import Role
from volunteer_hub.core import db
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused, Unauthenticated

SARTU, DATONG, DONGFENG = (AREAS[name][0] for name in ("sartu", "datong", "dongfeng"))


def mine(tx: db.Tx) -> Account:
    tx.actor = people.mei(tx)
    return tx.get_one(Account, tx.actor.id)


def test_a_token_holds_its_scopes_in_its_area_and_nothing_else(tx: db.Tx) -> None:
    token, clear = tokens.create(
        tx, mine(tx), label="weather desk", scopes=["incident.declare", "alert.write"], area=DONGFENG
    )
    actor = tokens.actor_of_token(tx, clear)
    assert clear.startswith("vh_")
    assert (actor.kind, actor.id, actor.name) == ("token", token.id, "weather desk")
    assert actor.may("incident.declare", DONGFENG)
    assert not actor.may("incident.declare", SARTU)
    assert not actor.may("incident.close")


def test_a_token_of_a_wide_area_holds_no_more_than_its_account(tx: db.Tx) -> None:
    account = mine(tx)
    with pytest.raises(Refused, match=r"token\.not_held"):
        tokens.create(tx, account, label="x", scopes=["alert.read"], area=AREAS["city"][0])
    with pytest.raises(Refused, match=r"token\.not_held"):
        tokens.create(tx, account, label="x", scopes=["alert.read"], area=DATONG)
    with pytest.raises(Refused, match=r"token\.not_held"):
        tokens.create(tx, account, label="x", scopes=["jurisdiction.write"], area=SARTU)


def test_a_token_loses_what_its_account_loses(tx: db.Tx) -> None:
    wen = people.account(tx, "wen", "Wen", Role.CLERK, "dongfeng")
    _, clear = tokens.create(tx, wen, label="x", scopes=["volunteer.read"], area=DONGFENG)
    assert tokens.actor_of_token(tx, clear).may("volunteer.read", DONGFENG)
    accounts.revoke(tx, wen, Role.CLERK, DONGFENG)
    assert not tokens.actor_of_token(tx, clear).may("volunteer.read")
    accounts.disable(tx, wen)
    with pytest.raises(Unauthenticated, match=r"token\.invalid"):
        tokens.actor_of_token(tx, clear)


def test_a_revoked_or_expired_token_is_refused_at_the_next_request(tx: db.Tx) -> None:
    account = mine(tx)
    later = tx.now + timedelta(days=1)
    token, clear = tokens.create(tx, account, label="a", scopes=["alert.read"], area=SARTU)
    _, short = tokens.create(tx, account, label="b", scopes=["alert.read"], area=SARTU, expires_at=later)
    assert [row.label for row in tokens.listed(tx, account)] == ["b", "a"]
    tokens.revoke(tx, token)
    revoked_at = token.revoked_at
    tx.now = later
    tokens.revoke(tx, token)
    assert token.revoked_at == revoked_at
    for text in (clear, short, "vh_nothing"):
        with pytest.raises(Unauthenticated):
            tokens.actor_of_token(tx, text)


def test_only_its_owner_makes_a_token_and_no_token_makes_tokens(tx: db.Tx) -> None:
    account = mine(tx)
    _, clear = tokens.create(tx, account, label="a", scopes=["account.write"], area=SARTU)
    for actor in (tokens.actor_of_token(tx, clear), people.an(tx)):
        tx.actor = actor
        with pytest.raises(Forbidden, match=r"token\.owner"):
            tokens.create(tx, account, label="b", scopes=["account.write"], area=SARTU)


def test_an_administrator_may_end_a_token_and_kai_does_not_find_it(tx: db.Tx) -> None:
    token, clear = tokens.create(tx, mine(tx), label="a", scopes=["alert.read"], area=SARTU)
    tx.actor = people.kai(tx)
    for number in (token.public_id, uuid7()):
        with pytest.raises(NotFound, match="not_found"):
            tokens.find(tx, number)
    with pytest.raises(NotFound):
        tokens.revoke(tx, token)
    tx.actor = people.an(tx)
    tokens.revoke(tx, tokens.find(tx, token.public_id))
    with pytest.raises(Unauthenticated):
        tokens.actor_of_token(tx, clear)


@pytest.mark.parametrize(
    ("scopes", "label", "code"),
    [
        (["alert.shout"], "a", "token.scopes"),
        ([], "a", "token.scopes"),
        (["*"], "a", "token.scopes"),
        (["alert.read"], " ", "token.label"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(tx: db.Tx, scopes: list[str], label: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        tokens.create(tx, mine(tx), label=label, scopes=scopes, area=SARTU)
    assert refused.value.code == code


def test_a_token_cannot_end_before_it_begins(tx: db.Tx) -> None:
    with pytest.raises(Malformed, match=r"token\.expired"):
        tokens.create(tx, mine(tx), label="a", scopes=["alert.read"], area=SARTU, expires_at=tx.now)
