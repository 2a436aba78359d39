"""Accounts of the staff and their roles. Nobody gives, or takes over, rights they do not hold there."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import col, delete, select

from volunteer_hub.access import passwords
from volunteer_hub.access.models import Account, ApiToken, Jurisdiction, LoginSession, RoleGrant
from volunteer_hub.access.rules import (
    PERMISSIONS,
    SHORTEST_PASSWORD,
    AccountState,
    Role,
    may_stand,
    password_fault,
)
from volunteer_hub.core.actor import Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Forbidden, Malformed, NotFound, Refused


def create(
    tx: Tx, *, area: str, email: str, name: str, lang: str = "zh", password: str | None = None
) -> Account:
    """A new account kept at a node, as yet without a role. Raises Malformed, Refused for a known e-mail."""
    tx.actor.must_cover("account.write", area)
    address = email.strip().lower()
    if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise Malformed("account.email", fields=[FieldError("email", "account.email")])
    if not name.strip():
        raise Malformed("account.name", fields=[FieldError("name", "account.name")])
    if by_email(tx, address) is not None:
        raise Refused("account.known")
    account = Account(area=area, email=address, name=name.strip(), lang=lang, created_at=tx.now)
    if password is not None:
        _put_password(account, password)
    tx.add(account)
    tx.flush()
    return account


def find(tx: Tx, permission: str, public_id: UUID) -> Account:
    """An account by its outer id, within the actor's areas. Raises NotFound."""
    wanted = select(Account).where(
        col(Account.public_id) == public_id, tx.actor.scope(permission, Account.area)
    )
    account = tx.exec(wanted).first()
    if account is None:
        raise NotFound("not_found")
    return account


def own(tx: Tx) -> Account:
    """The account that acts. Raises Forbidden for anybody without one."""
    account = tx.get(Account, tx.actor.id) if tx.actor.kind == "account" else None
    if account is None:
        raise Forbidden("token.owner")
    return account


def find_or_self(tx: Tx, permission: str, public_id: UUID) -> Account:
    """The acting account itself, or one as `find` gives it."""
    mine = tx.get(Account, tx.actor.id) if tx.actor.kind == "account" else None
    return mine if mine is not None and mine.public_id == public_id else find(tx, permission, public_id)


def by_email(tx: Tx, email: str) -> Account | None:
    """The account of an e-mail address, wherever it is kept."""
    return tx.exec(select(Account).where(col(Account.email) == email.strip().lower())).first()


def listed(tx: Tx, after: int = 0, limit: int = 50) -> Sequence[Account]:
    """Accounts in the actor's areas, oldest first, beginning behind an inner id."""
    wanted = select(Account).where(col(Account.id) > after, tx.actor.scope("account.read", Account.area))
    return tx.exec(wanted.order_by(col(Account.id)).limit(limit)).all()


def grants_of(tx: Tx, accounts: Iterable[int]) -> dict[int, list[RoleGrant]]:
    """Account id -> its roles, in one query."""
    wanted = list(accounts)
    found: dict[int, list[RoleGrant]] = {number: [] for number in wanted}
    rows = select(RoleGrant).where(col(RoleGrant.account_id).in_(wanted)).order_by(col(RoleGrant.id))
    for row in tx.exec(rows):
        found[row.account_id].append(row)
    return found


def holders(tx: Tx, permission: str, area: str) -> Sequence[Account]:
    """Active accounts that hold a right in an area: those who are told, asked, or woken."""
    roles = [role for role, rights in PERMISSIONS.items() if permission in rights]
    holding = (
        select(RoleGrant.account_id)
        .join(Jurisdiction, col(Jurisdiction.path) == area)
        .where(col(RoleGrant.role).in_(roles), col(Jurisdiction.path).startswith(col(RoleGrant.area)))
    )
    wanted = select(Account).where(col(Account.id).in_(holding), col(Account.state) == AccountState.ACTIVE)
    return tx.exec(wanted.order_by(col(Account.id))).all()


def acting(tx: Tx) -> Account | None:
    """The account that acts, by itself or by a token of its own. It and a volunteer are one person where they
    have the same e-mail address."""
    key = tx.actor.id
    if tx.actor.kind == "token":
        key = tx.get_one(ApiToken, key).account_id
    return tx.get(Account, key) if tx.actor.kind in ("account", "token") else None


def actor_for(tx: Tx, account: Account) -> Actor:
    """The account as somebody who acts, with the rights of its roles as they stand now."""
    return actor_from(account, grants_of(tx, [account.id])[account.id])


def actor_from(account: Account, roles: Iterable[RoleGrant]) -> Actor:
    """The same from roles already read."""
    grants = tuple(Grant(row.area, PERMISSIONS[row.role]) for row in roles)
    return Actor("account", account.id, account.name, account.lang, grants)


def grant(tx: Tx, account: Account, role: Role, area: str) -> RoleGrant:
    """Gives a role at a node; giving it again changes nothing.

    Raises NotFound outside the actor's areas, Forbidden when the role holds a right the actor lacks there,
    Refused where such a role cannot stand.
    """
    _must_reach(tx, account)
    tx.actor.must_cover("role.grant", area)
    _must_hold(tx, role, area)
    node = tx.exec(select(Jurisdiction).where(col(Jurisdiction.path) == area)).first()
    if node is None:
        raise NotFound("not_found")
    if not may_stand(role, node.kind):
        raise Refused("role.no_body", role=role.value)
    there = select(RoleGrant).where(
        col(RoleGrant.account_id) == account.id, col(RoleGrant.role) == role, col(RoleGrant.area) == area
    )
    row = tx.exec(there).first()
    if row is None:
        row = RoleGrant(
            account_id=account.id, role=role, area=area, granted_by=_account_id(tx), granted_at=tx.now
        )
        tx.add(row)
        tx.flush()
    return row


def revoke(tx: Tx, account: Account, role: Role, area: str) -> None:
    """Takes a role away; the very next request finds it gone. Raises as `grant`, NotFound when not held."""
    _must_not_be_self(tx, account)
    tx.actor.must_cover("role.grant", area)
    _must_hold(tx, role, area)
    held = select(RoleGrant).where(
        col(RoleGrant.account_id) == account.id, col(RoleGrant.role) == role, col(RoleGrant.area) == area
    )
    row = tx.exec(held).first()
    if row is None:
        raise NotFound("not_found")
    tx.delete(row)
    tx.flush()


def set_password(tx: Tx, account: Account, password: str) -> None:
    """Gives a new password, one's own or that of an account whose rights one holds all; ends its sessions."""
    if not _is_self(tx, account):
        _must_rule(tx, account)
    _put_password(account, password)
    account.version += 1
    _end_sessions(tx, account)
    tx.flush()


def disable(tx: Tx, account: Account) -> None:
    """Shuts an account: its sessions end and its tokens stop working at once."""
    _must_not_be_self(tx, account)
    _must_rule(tx, account)
    account.state = AccountState.DISABLED
    account.version += 1
    _end_sessions(tx, account)
    tx.flush()


def enable(tx: Tx, account: Account) -> None:
    """Opens a shut account again, with the roles it has."""
    _must_rule(tx, account)
    account.state = AccountState.ACTIVE
    account.version += 1
    tx.flush()


def _put_password(account: Account, password: str) -> None:
    fault = password_fault(password, account.email)
    if fault is not None:
        params = {"shortest": SHORTEST_PASSWORD}
        raise Malformed(fault, fields=[FieldError("password", fault, params)], **params)
    account.password_hash = passwords.hashed(password)


def _end_sessions(tx: Tx, account: Account) -> None:
    tx.execute(delete(LoginSession).where(col(LoginSession.account_id) == account.id))


def _is_self(tx: Tx, account: Account) -> bool:
    return tx.actor.kind == "account" and tx.actor.id == account.id


def _account_id(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None


def _must_not_be_self(tx: Tx, account: Account) -> None:
    # Whoever could shut themselves out could leave a city without anybody who may let them in.
    if _is_self(tx, account):
        raise Refused("account.self")


def _must_reach(tx: Tx, account: Account) -> None:
    tx.actor.must_cover("account.read", account.area)


def _must_hold(tx: Tx, role: Role, area: str) -> None:
    if not all(tx.actor.may(right, area) for right in PERMISSIONS[role]):
        raise Forbidden("role.above", role=role.value)


def _must_rule(tx: Tx, account: Account) -> None:
    """A password set or an account shut is power over all its rights, also those in other areas."""
    tx.actor.must_cover("account.write", account.area)
    for row in grants_of(tx, [account.id])[account.id]:
        _must_hold(tx, row.role, row.area)
