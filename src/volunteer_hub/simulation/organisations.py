"""Made-up organisations of a made-up city, with the people they pledge by skill."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from volunteer_hub.simulation import names
from volunteer_hub.simulation.city import City, Label, Node

OrganisationKind = Literal["oil_field", "hospital", "rescue_team"]


@dataclass(frozen=True, slots=True)
class Organisation:
    """``area`` is the code of the node it belongs to; ``pledges`` are (skill, heads), asked as one offer."""

    code: str
    kind: OrganisationKind
    name: Label
    area: str
    lat: float
    lon: float
    contact_name: str
    contact_phone: str
    contact_email: str
    activation_minutes: int
    pledges: tuple[tuple[str, int], ...]


_PLEDGES: Final[dict[OrganisationKind, tuple[tuple[str, int, int], ...]]] = {
    "oil_field": (
        ("firefighting", 6, 20),
        ("heavy_machinery", 2, 8),
        ("chemical", 2, 6),
        ("driver.truck", 4, 12),
    ),
    "hospital": (("doctor", 3, 10), ("nursing", 8, 30), ("sampling", 6, 20)),
    "rescue_team": (("search", 8, 20), ("rescue.water", 3, 8), ("rescue.rope", 2, 6), ("boat", 2, 6)),
}
_ACTIVATION: Final[dict[OrganisationKind, tuple[int, int]]] = {
    "oil_field": (45, 91),
    "hospital": (30, 61),
    "rescue_team": (20, 46),
}
_NUMERALS: Final = "一二三四五六七八"


def organisations(city: City, seed: int) -> tuple[Organisation, ...]:
    """Eight oil-field units in the districts, a hospital in each district and county, five rescue teams."""
    random = np.random.default_rng([seed, 77])
    upper = [node for node in city.nodes if node.kind in ("district", "county")]
    districts = [node for node in upper if node.kind == "district"]
    wanted: list[tuple[OrganisationKind, Label, Node]] = [
        (
            "oil_field",
            Label(f"Oil-field Unit {number + 1}", f"第{numeral}采油作业区应急队"),
            districts[number % 5],
        )
        for number, numeral in enumerate(_NUMERALS)
    ]
    wanted += [("hospital", Label(f"{node.name.en} Hospital", f"{node.name.zh}医院"), node) for node in upper]
    wanted += [
        ("rescue_team", Label(f"{node.name.en} Volunteer Rescue Team", f"{node.name.zh}志愿救援队"), node)
        for node in (city.root, *upper[:4])
    ]
    contacts = names.draw(random, np.full(len(wanted), 40))[0]
    return tuple(
        _organisation(number, kind, label, node, contact, random)
        for number, ((kind, label, node), contact) in enumerate(zip(wanted, contacts, strict=True), 1)
    )


def _organisation(
    number: int, kind: OrganisationKind, label: Label, node: Node, contact: str, random: np.random.Generator
) -> Organisation:
    pledges = tuple((skill, int(random.integers(low, high + 1))) for skill, low, high in _PLEDGES[kind])
    return Organisation(
        code=f"ORG-{number:02}",
        kind=kind,
        name=label,
        area=node.code,
        lat=node.lat,
        lon=node.lon,
        contact_name=contact,
        contact_phone=f"138{45900000 + number:08}",
        contact_email=f"duty{number}@example.org",
        activation_minutes=int(random.integers(*_ACTIVATION[kind])),
        pledges=pledges,
    )
