"""The tree: made one by one or all at once, walked, and moved with everything that points at it."""

from dataclasses import replace

import pytest
from sqlmodel import select

from tests import people
from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.access.jurisdictions import Node
from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.access.rules import NodeKind, Role
from volunteer_hub.core import db
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused


def node(code: str, kind: NodeKind, parent: str | None = None) -> Node:
    return Node(code, kind, {"en": code.title(), "zh": "社区"}, 46.59, 125.1, parent)


TREE = [
    node("east", NodeKind.COMMUNITY, "district"),
    node("city", NodeKind.CITY),
    node("district", NodeKind.DISTRICT, "city"),
    node("county", NodeKind.COUNTY, "city"),
    node("town", NodeKind.TOWNSHIP, "county"),
    node("village", NodeKind.VILLAGE, "town"),
]


def test_a_tree_is_loaded_in_any_order_and_walked(tx: db.Tx) -> None:
    paths = jurisdictions.load_tree(tx, TREE)
    city = jurisdictions.by_code(tx, "city")
    village = jurisdictions.by_path(tx, paths["village"])
    assert city.path == f"/{city.id}/"
    assert [row.code for row in jurisdictions.children(tx, city)] == ["county", "district"]
    assert {row.code for row in jurisdictions.subtree(tx, paths["county"])} == {"county", "town", "village"}
    assert [row.code for row in jurisdictions.way_down(tx, village.path)] == [
        "city",
        "county",
        "town",
        "village",
    ]
    above = jurisdictions.parent_of(tx, village)
    assert above is not None
    assert above.code == "town"
    assert jurisdictions.parent_of(tx, city) is None
    assert jurisdictions.names(tx, [paths["east"]]) == {paths["east"]: {"en": "East", "zh": "社区"}}


def test_a_tree_grows_below_what_is_there(tx: db.Tx) -> None:
    jurisdictions.load_tree(tx, TREE)
    paths = jurisdictions.load_tree(tx, [node("west", NodeKind.COMMUNITY, "district")])
    assert paths["west"].startswith(jurisdictions.by_code(tx, "district").path)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (replace(TREE[0], code="x", lat=91.0), "tree.position"),
        (replace(TREE[0], code="x", lat=float("nan")), "tree.position"),
        (replace(TREE[0], code="x", zone="Asia/Daqing"), "tree.zone"),
        (replace(TREE[0], code="x", name={"en": "X"}), "tree.name"),
        (replace(TREE[0], code="x", residents=-1), "tree.residents"),
        (replace(TREE[0], code="x", parent="nowhere"), "tree.parent"),
        (replace(TREE[0], code="x", parent="x"), "tree.circle"),
        (replace(TREE[2], code="x", parent="village"), "tree.kind"),
        (replace(TREE[0], code=" "), "tree.code"),
        (TREE[0], "tree.duplicate"),
    ],
)
def test_a_bad_node_is_named_and_nothing_is_loaded(tx: db.Tx, bad: Node, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        jurisdictions.load_tree(tx, [*TREE, bad])
    assert [(fault.where, fault.code) for fault in refused.value.fields] == [("7", code)]
    assert tx.exec(select(Jurisdiction)).all() == []


def test_a_node_is_added_below_another(tx: db.Tx) -> None:
    jurisdictions.add(tx, node("city", NodeKind.CITY))
    district = jurisdictions.add(tx, node("district", NodeKind.DISTRICT, "city"))
    assert district.path == f"{jurisdictions.by_code(tx, 'city').path}{district.id}/"
    with pytest.raises(Refused, match=r"tree\.duplicate"):
        jurisdictions.add(tx, node("district", NodeKind.DISTRICT, "city"))
    with pytest.raises(Refused, match=r"tree\.kind"):
        jurisdictions.add(tx, node("city2", NodeKind.CITY, "district"))
    with pytest.raises(Malformed, match=r"tree\.invalid"):
        jurisdictions.add(tx, replace(node("x", NodeKind.CITY), lon=181.0))
    with pytest.raises(NotFound):
        jurisdictions.add(tx, node("x", NodeKind.DISTRICT, "nowhere"))


def test_moving_a_node_moves_all_below_it_and_every_row_that_names_it(tx: db.Tx) -> None:
    paths = jurisdictions.load_tree(tx, TREE)
    account = accounts.create(tx, area=paths["village"], email="v@example.org", name="V")
    accounts.grant(tx, account, Role.CLERK, paths["village"])
    town = jurisdictions.by_code(tx, "town")
    jurisdictions.move(tx, town, jurisdictions.by_code(tx, "district"))
    village = jurisdictions.by_code(tx, "village")
    assert village.path == f"{paths['district']}{town.id}/{village.id}/"
    tx.expire_all()
    assert tx.get_one(Account, account.id).area == village.path
    assert accounts.actor_for(tx, account).areas("volunteer.read") == (village.path,)


def test_a_node_never_moves_below_itself_or_a_lower_one(tx: db.Tx) -> None:
    jurisdictions.load_tree(tx, TREE)
    by = {row.code: row for row in tx.exec(select(Jurisdiction))}
    with pytest.raises(Refused, match=r"tree\.circle"):
        jurisdictions.move(tx, by["county"], by["village"])
    with pytest.raises(Refused, match=r"tree\.kind"):
        jurisdictions.move(tx, by["county"], by["east"])


def test_another_districts_node_looks_like_none(tx: db.Tx) -> None:
    tx.actor = people.mei(tx)
    datong = jurisdictions.by_code(tx, "DQ-DT")
    for number in (datong.public_id, uuid7()):
        with pytest.raises(NotFound, match="not_found"):
            jurisdictions.find(tx, "jurisdiction.read", number)
    sartu = jurisdictions.by_code(tx, "DQ-ST")
    assert jurisdictions.find(tx, "jurisdiction.read", sartu.public_id) is sartu
    assert [row.code for row in jurisdictions.listed(tx, "jurisdiction.read")] == ["DQ-ST", "DQ-ST-001"]
    communities = jurisdictions.listed(tx, "jurisdiction.read", NodeKind.COMMUNITY)
    assert [row.code for row in communities] == ["DQ-ST-001"]


def test_a_coordinator_does_not_redraw_the_tree(tx: db.Tx) -> None:
    tx.actor = people.mei(tx)
    with pytest.raises(Forbidden):
        jurisdictions.add(tx, node("new", NodeKind.COMMUNITY, "DQ-ST"))
    with pytest.raises(Forbidden):
        jurisdictions.load_tree(tx, TREE)
