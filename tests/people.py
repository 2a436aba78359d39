"""Named people of the staff. Each function makes the account once, and the areas before it.

Mei coordinates Sartu, Kai coordinates Datong, Wen is the clerk of Dongfeng, An runs the city, and the
council is the residents' council of Dongfeng.
"""

from sqlmodel import text

from tests.areas import AREAS, plant
from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account, RoleGrant
from volunteer_hub.access.rules import Role
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx

PASSWORD = "six sandbags at the gate"
# Of PASSWORD, so that no test pays for hashing it.
_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBmb3IgdGVzdHMuLg$cdOLVZsUIWjhPSdECyUhZAylGNHx0+sFQXrfAUF+ico"


def mei(tx: Tx) -> Actor:
    """The coordinator of Sartu."""
    return staff(tx, "mei", "Mei", Role.COORDINATOR, "sartu")


def kai(tx: Tx) -> Actor:
    """The coordinator of Datong."""
    return staff(tx, "kai", "Kai", Role.COORDINATOR, "datong")


def wen(tx: Tx) -> Actor:
    """The clerk of Dongfeng."""
    return staff(tx, "wen", "Wen", Role.CLERK, "dongfeng")


def an(tx: Tx) -> Actor:
    """The administrator of the city."""
    return staff(tx, "an", "An", Role.CITY_ADMIN, "city")


def council(tx: Tx) -> Actor:
    """The residents' council of Dongfeng."""
    return staff(tx, "council", "Dongfeng council", Role.RESIDENTS_COUNCIL, "dongfeng")


def staff(tx: Tx, login: str, name: str, role: Role, area: str) -> Actor:
    """Somebody with one role in one of the areas of tests.areas, signing in with PASSWORD."""
    return accounts.actor_for(tx, account(tx, login, name, role, area))


def account(tx: Tx, login: str, name: str, role: Role, area: str) -> Account:
    """The account behind `staff`."""
    email = f"{login}@example.org"
    known = accounts.by_email(tx, email)
    if known is not None:
        return known
    if tx.execute(text("SELECT 1 FROM jurisdictions WHERE code = 'DQ'")).first() is None:
        plant(tx)
    path = AREAS[area][0]
    row = Account(area=path, email=email, name=name, lang="en", password_hash=_HASH, created_at=tx.now)
    tx.add(row)
    tx.flush()
    tx.add(RoleGrant(account_id=row.id, role=role, area=path, granted_at=tx.now))
    tx.flush()
    return row
