"""Every change leaves a line in its own transaction, and no personal value in clear."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, insert, select, text, update

from tests import people
from tests.areas import AREAS, plant
from volunteer_hub.access import accounts, jurisdictions, sessions, tokens
from volunteer_hub.access.models import Account, ApiToken, Complaint, Jurisdiction
from volunteer_hub.access.rules import Body
from volunteer_hub.audit import lines, trail
from volunteer_hub.audit.models import AuditLine, AuditPending
from volunteer_hub.audit.rules import Operation
from volunteer_hub.core import db, vault
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.columns import uuid7
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.rules import ContactKind

DONGFENG, KAIFA = AREAS["dongfeng"][0], AREAS["kaifa"][0]
SECRETS = ("Bo Zhang", "+8613912345678", "bo@example.org", "1990-05-01")


def written(tx: db.Tx, table: str) -> list[AuditLine]:
    found = select(AuditLine).where(col(AuditLine.table_name) == table).order_by(col(AuditLine.id))
    return list(tx.exec(found))


def bo(tx: db.Tx, area: str = DONGFENG) -> Volunteer:
    person = Volunteer(
        area=area,
        name="Bo Zhang",
        phone="+8613912345678",
        birthday=date(1990, 5, 1),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.add(person)
    tx.flush()
    return person


def test_an_insert_an_update_and_a_delete_each_leave_their_line(tx: db.Tx) -> None:
    plant(tx)
    tx.actor, tx.action = people.mei(tx), "jurisdiction.change"
    node = jurisdictions.by_code(tx, "DQ-ST-001")
    node.residents, node.street = 1001, "Dongfeng Street"
    tx.flush()
    token = ApiToken(
        token_hash=b"x" * 32,
        account_id=tx.actor.id,
        label="a",
        scopes=["a.b"],
        area=DONGFENG,
        created_at=tx.now,
    )
    tx.add(token)
    tx.flush()
    tx.delete(token)
    tx.flush()
    changed = written(tx, "jurisdictions")[-1]
    assert (changed.op, changed.row_id, changed.area, changed.actor_kind, changed.actor_id, changed.at) == (
        Operation.UPDATE,
        str(node.id),
        DONGFENG,
        "account",
        tx.actor.id,
        tx.now,
    )
    assert changed.action == "jurisdiction.change"
    assert changed.changes == {"residents": [1000, 1001], "street": [None, "Dongfeng Street"]}
    made, gone = written(tx, "api_tokens")
    assert made.changes["label"] == [None, "a"]
    assert made.changes["scopes"] == [None, ["a.b"]]
    assert made.changes["token_hash"] == [None, "[hidden]"]
    assert (gone.op, gone.row_id, gone.changes["label"]) == (Operation.DELETE, made.row_id, ["a", None])


def test_what_did_not_change_leaves_no_line(tx: db.Tx) -> None:
    plant(tx)
    node = jurisdictions.by_code(tx, "DQ")
    node.residents = int(node.residents)
    tx.flush()
    assert written(tx, "jurisdictions") == []


def test_a_line_is_undone_with_its_deed(fresh_database: str) -> None:
    def fail() -> None:
        with db.transaction(SYSTEM, "test") as tx:
            people.mei(tx)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with db.read(SYSTEM) as tx:
        assert tx.exec(select(AuditLine)).all() == []
        assert tx.exec(select(AuditPending)).all() == []


def test_every_line_waits_for_its_seal(tx: db.Tx) -> None:
    people.mei(tx)
    ids = set(tx.exec(select(AuditLine.id)))
    assert ids == set(tx.exec(select(AuditPending.line_id)))
    assert len(ids) == 2  # the account and its role


def test_a_password_and_an_e_mail_address_of_the_staff_are_not_in_the_trail(tx: db.Tx) -> None:
    people.mei(tx)
    line = written(tx, "accounts")[0]
    assert line.changes["password_hash"] == [None, "[hidden]"]
    assert line.changes["email"] == [None, "[personal]"]
    assert line.changes["lang"] == [None, "en"]


def test_personal_values_are_sealed_under_their_person_and_open_again(tx: db.Tx) -> None:
    plant(tx)
    person = bo(tx)
    tx.add(Contact(volunteer_id=person.id, kind=ContactKind.EMAIL, address="bo@example.org"))
    person.phone = "+8613700000000"
    tx.flush()
    stored = tx.execute(text("SELECT string_agg(changes::text, ' ') FROM audit_lines")).scalar_one()
    assert [secret for secret in SECRETS if secret in stored] == []
    made, changed = written(tx, "volunteers")
    assert trail.opened(tx, made.changes)["name"] == [None, "Bo Zhang"]
    assert trail.opened(tx, made.changes)["birthday"] == [None, "1990-05-01"]
    assert trail.opened(tx, changed.changes)["phone"] == ["+8613912345678", "+8613700000000"]
    contact = written(tx, "contacts")[0]
    assert trail.opened(tx, contact.changes)["address"] == [None, "bo@example.org"]
    assert contact.area == DONGFENG
    assert len(tx.exec(select(vault.PersonKey)).all()) == 1


def test_what_a_forgotten_person_was_cannot_be_read(tx: db.Tx) -> None:
    plant(tx)
    person = bo(tx)
    vault.forget(tx, person.id)
    person.name, person.phone, person.birthday = None, None, None
    tx.flush()
    made, blanked = written(tx, "volunteers")
    assert trail.opened(tx, made.changes)["name"] == [None, None]
    assert blanked.changes["name"] == ["[personal]", None]
    assert tx.exec(select(vault.PersonKey)).all() == []


def test_a_fresh_key_never_seals_what_was_there_before(tx: db.Tx) -> None:
    plant(tx)
    person = bo(tx)
    vault.forget(tx, person.id)
    person.name = "erased"
    tx.flush()
    changed = written(tx, "volunteers")[-1]
    assert trail.opened(tx, changed.changes)["name"] == ["[personal]", "erased"]


def test_a_guests_words_are_personal_to_nobody(tx: db.Tx) -> None:
    plant(tx)
    tx.add(
        Complaint(
            area_about=DONGFENG, area=AREAS["sartu"][0], body=Body.WORKSTATION, text="Shut", created_at=tx.now
        )
    )
    tx.flush()
    assert written(tx, "complaints")[0].changes["text"] == [None, "[personal]"]


def test_a_line_without_an_area_is_shown_to_those_who_cover_all_it_may_belong_to(tx: db.Tx) -> None:
    plant(tx)
    here, there = bo(tx), bo(tx, KAIFA)
    for person in (here, there):
        tx.add(Contact(volunteer_id=person.id, kind=ContactKind.SMS, address="1"))
    tx.flush()
    assert [line.area for line in written(tx, "contacts")] == [AREAS["city"][0]] * 2


def test_long_values_are_kept_as_their_hash(tx: db.Tx) -> None:
    plant(tx)
    node = jurisdictions.by_code(tx, "DQ")
    node.shape = {"type": "Polygon", "coordinates": [[i / 7, i / 9] for i in range(500)]}
    tx.flush()
    assert written(tx, "jurisdictions")[-1].changes["shape"][1].keys() == {"sha256", "characters"}


def test_hostile_text_is_kept_as_it_was(tx: db.Tx) -> None:
    plant(tx)
    node = jurisdictions.by_code(tx, "DQ")
    node.street = "'; DROP TABLE audit_lines; -- {{7*7}} \u202e 😀 %s :lines"
    tx.flush()
    assert written(tx, "jurisdictions")[-1].changes["street"] == [None, node.street]


def test_an_update_over_many_rows_leaves_a_line_with_what_was_set(tx: db.Tx) -> None:
    plant(tx)
    changed = update(Jurisdiction).where(col(Jurisdiction.parent_id).is_not(None)).values(street="S")
    assert tx.execute(changed).rowcount == 4
    line = written(tx, "jurisdictions")[-1]
    assert (line.op, line.row_id, line.area) == (Operation.UPDATE, None, None)
    assert line.changes == {"street": ["[unknown]", "S"], "*": {"rows": 4}}


def test_a_statement_that_returns_its_row_names_it_and_the_caller_still_gets_it(tx: db.Tx) -> None:
    plant(tx)
    table = Jurisdiction.__table__
    one = update(table).where(table.c.code == "DQ").values(residents=table.c.residents + 1)
    assert tx.execute(one.returning(table.c.id)).scalar_one() == 1
    line = written(tx, "jurisdictions")[-1]
    assert (line.row_id, line.changes) == ("1", {"residents": ["[unknown]", "[computed]"]})
    some = update(Jurisdiction).where(col(Jurisdiction.parent_id) == 1).values(zone="Asia/Urumqi")
    rows = tx.execute(some.returning(col(Jurisdiction.id), col(Jurisdiction.path))).all()
    assert sorted(row.id for row in rows) == [2, 4]
    assert sorted(written(tx, "jurisdictions")[-1].changes["*"]["ids"]) == [2, 4]


def test_a_statement_returning_objects_leaves_its_line(tx: db.Tx) -> None:
    people.mei(tx)
    changed = update(Account).values(lang="zh").returning(Account)
    assert [row.lang for row in tx.scalars(changed)] == ["zh"]
    line = written(tx, "accounts")[-1]
    assert line.changes == {"lang": ["[unknown]", "zh"], "*": {"rows": 1}}


def test_a_statement_that_touches_nothing_leaves_no_line(tx: db.Tx) -> None:
    plant(tx)
    nobody = update(Account).where(col(Account.email) == "nobody").values(lang="en")
    assert tx.execute(nobody).rowcount == 0
    assert tx.execute(nobody.returning(col(Account.id))).all() == []
    assert written(tx, "accounts") == []


def test_personal_and_secret_values_of_a_statement_are_covered(tx: db.Tx) -> None:
    people.mei(tx)
    tx.execute(update(Account).values(name="Bo Zhang", password_hash="x"))
    line = written(tx, "accounts")[-1]
    assert line.changes["name"] == ["[unknown]", "[personal]"]
    assert line.changes["password_hash"] == ["[unknown]", "[hidden]"]


def test_deletes_and_inserts_of_many_rows_leave_lines(tx: db.Tx) -> None:
    plant(tx)
    row: dict[str, Any] = {"area": DONGFENG, "name": "N", "state": "active", "created_at": tx.now}
    rows = [row | {"email": f"{n}@example.org", "public_id": uuid7()} for n in range(3)]
    tx.execute(insert(Account), rows)
    tx.execute(delete(Account))
    made, gone = written(tx, "accounts")
    assert (made.op, made.changes) == (Operation.INSERT, {"*": {"rows": 3}})
    assert (gone.op, gone.changes) == (Operation.DELETE, {"*": {"rows": 3}})


def test_machinery_leaves_no_lines(tx: db.Tx) -> None:
    mei = people.mei(tx)
    before = len(tx.exec(select(AuditLine)).all())
    opened = sessions.open_for_account(tx, tx.get_one(Account, mei.id))
    sessions.actor_of_session(tx, opened.token)
    sessions.close(tx, opened.token)
    assert len(tx.exec(select(AuditLine)).all()) == before


def test_a_flow_records_what_it_changed_by_sql(tx: db.Tx) -> None:
    plant(tx)
    lines.record(tx, Operation.UPDATE, "offers", [7, 8], DONGFENG, {"state": ["asked", "expired"]})
    lines.record_many(tx, Operation.INSERT, "volunteers", 20_000, DONGFENG)
    lines.record(tx, Operation.UPDATE, "offers", [])
    assert [(line.row_id, line.changes) for line in written(tx, "offers")] == [
        ("7", {"state": ["asked", "expired"]}),
        ("8", {"state": ["asked", "expired"]}),
    ]
    assert written(tx, "volunteers")[0].changes == {"*": {"rows": 20_000}}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_lines SET action = 'x'", "DELETE FROM audit_lines", "TRUNCATE audit_lines"],
)
def test_the_trail_is_append_only(tx: db.Tx, statement: str) -> None:
    people.mei(tx)
    with pytest.raises(IntegrityError, match="append-only"), tx.begin_nested():
        tx.execute(text(statement))


def test_an_area_that_moves_keeps_the_trail_as_it_was(tx: db.Tx) -> None:
    plant(tx)
    account = accounts.create(tx, area=DONGFENG, email="x@example.org", name="X")
    community = jurisdictions.by_code(tx, "DQ-ST-001")
    jurisdictions.move(tx, community, jurisdictions.by_code(tx, "DQ-DT"))
    assert written(tx, "accounts")[0].area == DONGFENG
    assert account.id is not None
    assert tokens.listed(tx, account) == []
    assert written(tx, "jurisdictions")[-1].changes["path"] == [DONGFENG, "/1/4/3/"]
