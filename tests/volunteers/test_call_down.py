"""Who knocks at whom, without a database."""

import pytest

from volunteer_hub.volunteers.call_down import KNOCKS, Person, building_of, tree


@pytest.mark.parametrize(
    ("address", "street", "building"),
    [
        ("大庆市萨尔图区东风街道东风社区12号楼0305室", None, "大庆市萨尔图区东风街道东风社区12号楼"),
        ("东风新村8栋2单元501", None, "东风新村8栋"),
        ("经三街15号3单元201室", None, "经三街15号"),
        ("12 Dongfeng Road, Block C, Apt 7", None, "12 Dongfeng Road, Block C"),
        ("12 Dongfeng Road, Apt 7", None, "12 Dongfeng Road"),
        ("The old mill", None, "The old mill"),
        (None, "Jingsan Street", "Jingsan Street"),
        (" ", None, ""),
    ],
)
def test_a_building_is_the_address_without_staircase_and_flat(
    address: str | None, street: str | None, building: str
) -> None:
    assert building_of(address, street) == building


def test_everybody_is_knocked_at_once_from_the_leader_down() -> None:
    people = [Person(n, f"house {n % 5}", lead=n % 2, adult=True) for n in range(50)]
    by = {knock.id: knock.by for house in tree(people) for knock in house.knocks}
    assert by.keys() == set(range(50))
    assert [key for key, above in by.items() if above is None] == [5]

    def way(key: int) -> int:
        above = by[key]
        return 0 if above is None else 1 + way(above)

    assert max(way(key) for key in by) <= 6
    at = [sum(above == key for above in by.values()) for key in by]
    assert max(at) <= 2 * KNOCKS


def test_minors_are_knocked_at_and_knock_at_nobody() -> None:
    people = [Person(1, "a", 0, adult=True), *(Person(n, "a", 9, adult=False) for n in range(2, 9))]
    people += [Person(n, "b", 0, adult=False) for n in (10, 11)]
    houses = tree(people)
    assert [house.name for house in houses] == ["a", "b"]
    assert {knock.by for house in houses for knock in house.knocks} == {None, 1}
    alone = tree([Person(3, "c", 0, adult=False)])
    assert [(knock.id, knock.by) for knock in alone[0].knocks] == [(3, None)]
