"""A made-up city of Daqing's size and shape: the same names for districts, the same figures, own streets and
communities. See docs/daqing.md for where each figure comes from.

Shapes partition: every point of the city lies in exactly one community, and a community inside its township,
district and city, because each level is cut into the cells nearest to its centres.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["city", "district", "county", "township", "community"]
Ring = tuple[tuple[float, float], ...]  # corners as (lat, lon), the first not repeated
Plane = list[tuple[float, float]]  # corners as kilometres (east, north) of the city's centre

RESIDENTS: Final = 2_781_562
AGE_BANDS: Final = {"0-14": 310_589, "15-59": 1_884_133, "60+": 586_840}
EDUCATION: Final = {"university": 501_943, "high": 503_352, "junior_high": 1_040_838, "primary": 577_055}
CENTRE: Final = (46.59, 125.10)
STREETS: Final = 33
COMMUNITIES: Final = 258

KM_NORTH: Final = 111.2  # per degree of latitude
KM_EAST: Final = 111.32 * math.cos(math.radians(CENTRE[0]))  # per degree of longitude, at the city's latitude
_OUTLINE: Final[Ring] = (
    (45.42, 124.55),
    (45.38, 125.15),
    (45.70, 125.72),
    (46.35, 125.42),
    (46.95, 125.35),
    (47.42, 125.20),
    (47.44, 124.60),
    (47.05, 124.02),
    (46.30, 123.98),
    (45.80, 124.10),
)


@dataclass(frozen=True, slots=True)
class Label:
    """A name in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Node:
    """One jurisdiction. ``street`` is a label of the statistics and no level; ``reach_km`` is the radius of a
    circle round the centre that lies inside the outline."""

    code: str
    kind: Kind
    name: Label
    parent: str | None
    lat: float
    lon: float
    outline: Ring
    residents: int
    reach_km: float
    street: Label | None = None


@dataclass(frozen=True, slots=True)
class City:
    """The tree, parents before children."""

    nodes: tuple[Node, ...]

    @property
    def root(self) -> Node:
        return self.nodes[0]

    @property
    def communities(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kind == "community")

    def node(self, code: str) -> Node:
        """The node of a code. Raises KeyError."""
        for node in self.nodes:
            if node.code == code:
                return node
        raise KeyError(code)

    def children(self, code: str) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.parent == code)


@dataclass(frozen=True, slots=True)
class _Part:
    """A district or county before it is built: seat, weight of residents, communities, and its streets or
    townships."""

    code: str
    kind: Literal["district", "county"]
    name: Label
    lat: float
    lon: float
    weight: int
    communities: int
    below: tuple[Label, ...]


def _labels(suffix: tuple[str, str], names: str) -> tuple[Label, ...]:
    pairs = (pair.split("/") for pair in names.split())
    return tuple(Label(f"{en} {suffix[0]}", f"{zh}{suffix[1]}") for en, zh in pairs)


def _streets(names: str) -> tuple[Label, ...]:
    return _labels(("Street", "街道"), names)


def _towns(names: str) -> tuple[Label, ...]:
    return _labels(("Town", "镇"), names)


_PARTS: Final = (
    _Part(
        "ST", "district", Label("Sartu District", "萨尔图区"), 46.61, 125.06, 430, 48,
        _streets("Sartu/萨尔图 Tieren/铁人 Youyi/友谊 Fuqiang/富强 Yongjun/拥军 Huizhan/会战 Huoju/火炬 "
                 "Dongfeng/东风 Dong'an/东安"),
    ),
    _Part(
        "LF", "district", Label("Longfeng District", "龙凤区"), 46.54, 125.16, 440, 42,
        _streets("Longfeng/龙凤 Xinghua/兴化 Wolitun/卧里屯 Dongguang/东光 Sanyong/三永 Liming/黎明 "
                 "Longxin/龙新"),
    ),
    _Part(
        "RH", "district", Label("Ranghulu District", "让胡路区"), 46.65, 124.87, 600, 58,
        _streets("Ranghulu/让胡路 Longgang/龙岗 Yinlang/银浪 Fendou/奋斗 Qingxin/庆新 Xibin/西宾 "
                 "Chengfeng/乘风 Xihu/西湖"),
    ),
    _Part(
        "HG", "district", Label("Honggang District", "红岗区"), 46.40, 124.89, 190, 22,
        _streets("Honggang/红岗 Babaishang/八百垧 Xingnan/杏南 Jiefang/解放 Chuangye/创业"),
    ),
    _Part(
        "DT", "district", Label("Datong District", "大同区"), 46.04, 124.82, 200, 18,
        _streets("Qingpu/庆葡 Lizhi/立志 Xinhua/新华 Linyuan/林源"),
    ),
    _Part(
        "ZZ", "county", Label("Zhaozhou County", "肇州县"), 45.71, 125.27, 290, 20,
        _towns("Zhaozhou/肇州 Xingcheng/兴城 Erjing/二井 Yongle/永乐 Fengle/丰乐"),
    ),
    _Part(
        "ZY", "county", Label("Zhaoyuan County", "肇源县"), 45.53, 125.05, 290, 22,
        _towns("Zhaoyuan/肇源 Sanzhan/三站 Maoxing/茂兴 Gulong/古龙 Xinzhan/新站 Toutai/头台"),
    ),
    _Part(
        "LD", "county", Label("Lindian County", "林甸县"), 47.18, 124.87, 180, 14,
        _towns("Lindian/林甸 Hongqi/红旗 Huayuan/花园 Sijiqing/四季青"),
    ),
    _Part(
        "DB", "county", Label("Dorbod Mongol Autonomous County", "杜尔伯特蒙古族自治县"),
        46.86, 124.44, 160, 14,
        _towns("Taikang/泰康 Hujitumo/胡吉吐莫 Yantongtun/烟筒屯 Talaha/他拉哈"),
    ),
)  # fmt: skip

_FIRST: Final = (
    "Dong/东 Xi/西 Nan/南 Bei/北 Xin/新 Hua/华 Fu/福 Xiang/祥 Rui/瑞 Yong/永 Qing/庆 Chang/昌 Long/龙 Jin/金 "
    "Ming/明 Chun/春 Yang/阳 Bai/柏 Song/松 Lan/兰 Jing/景 Guang/光"
)
_SECOND: Final = (
    "hu/湖 yuan/苑 kang/康 he/和 tai/泰 xing/兴 le/乐 feng/丰 cheng/城 hai/海 lin/林 wan/湾 shan/杉 mei/美"
)


def build_city(seed: int = 1) -> City:
    """The city of a seed: 1 city, 5 districts with 33 street labels, 4 counties with their townships, and 258
    communities; residents sum to ``RESIDENTS`` at every level."""
    random = np.random.default_rng([seed, 258])
    whole = [_to_plane(lat, lon) for lat, lon in _OUTLINE]
    cells = nearest_cells([_to_plane(part.lat, part.lon) for part in _PARTS], whole)
    shares = largest_remainder(RESIDENTS, np.array([float(part.weight) for part in _PARTS]))
    names = iter(_community_names(random))
    below: list[Node] = []
    for part, cell, residents in zip(_PARTS, cells, shares, strict=True):
        below.extend(_build_part(part, cell, residents, names, random))
    root = _node("DQ", "city", Label("Daqing", "大庆市"), None, _to_plane(*CENTRE), whole, RESIDENTS)
    return City((root, *below))


def largest_remainder(total: int, weights: NDArray[np.float64]) -> list[int]:
    """``total`` in whole numbers in proportion to the weights, summing exactly (Hamilton's method)."""
    exact = total * weights / weights.sum()
    whole = np.floor(exact).astype(int)
    missing = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return [int(share) for share in whole]


def nearest_cells(centres: Plane, outline: Plane) -> list[Plane]:
    """A convex outline cut into the cells nearest to each centre (Voronoi), by clipping with bisectors."""
    cells = []
    for here in centres:
        cell = outline
        for there in centres:
            if there != here:
                cell = _nearer(cell, here, there)
        cells.append(cell)
    return cells


def _nearer(ring: Plane, here: tuple[float, float], there: tuple[float, float]) -> Plane:
    """The part of a convex ring nearer to ``here`` than to ``there`` (Sutherland and Hodgman 1974)."""
    normal = there[0] - here[0], there[1] - here[1]
    middle = (here[0] + there[0]) / 2, (here[1] + there[1]) / 2
    sides = [(x - middle[0]) * normal[0] + (y - middle[1]) * normal[1] for x, y in ring]
    kept: Plane = []
    for number, (x, y) in enumerate(ring):
        (x0, y0), side0, side = ring[number - 1], sides[number - 1], sides[number]
        if (side0 <= 0) != (side <= 0):
            cut = side0 / (side0 - side)
            kept.append((x0 + cut * (x - x0), y0 + cut * (y - y0)))
        if side <= 0:
            kept.append((x, y))
    return kept


def _build_part(
    part: _Part, cell: Plane, residents: int, names: Iterator[Label], random: np.random.Generator
) -> list[Node]:
    """A district or county and all below it."""
    own = _node(f"DQ-{part.code}", part.kind, part.name, "DQ", _to_plane(part.lat, part.lon), cell, residents)
    shares = largest_remainder(residents, random.lognormal(0.0, 0.35, part.communities))
    below = _build_streets if part.kind == "district" else _build_townships
    return [own, *below(part, own, cell, shares, names, random)]


def _build_streets(
    part: _Part,
    district: Node,
    cell: Plane,
    shares: list[int],
    names: Iterator[Label],
    random: np.random.Generator,
) -> list[Node]:
    """Communities of a district, scattered round the middles of its streets."""
    seat = _to_plane(part.lat, part.lon)
    hubs = [seat, *_scatter(random, [seat] * (len(part.below) - 1), cell, 5.0, 1.6, [seat])]
    turns = [number % len(hubs) for number in range(part.communities)]
    centres = _scatter(random, [hubs[turn] for turn in turns], cell, 1.5, 0.45, [])
    found = []
    for number, (centre, ring) in enumerate(zip(centres, nearest_cells(centres, cell), strict=True)):
        code, street = f"{district.code}-{number + 1:03}", part.below[turns[number]]
        found.append(
            _node(code, "community", next(names), district.code, centre, ring, shares[number], street)
        )
    return found


def _build_townships(
    part: _Part,
    county: Node,
    cell: Plane,
    shares: list[int],
    names: Iterator[Label],
    random: np.random.Generator,
) -> list[Node]:
    """Townships of a county, each followed by its communities; the county's seat holds half of them."""
    seat = _to_plane(part.lat, part.lon)
    hubs = [seat, *_scatter(random, [seat] * (len(part.below) - 1), cell, 22.0, 7.0, [seat])]
    members: list[list[int]] = [[] for _ in hubs]
    for number in range(part.communities):
        members[0 if number % 2 else 1 + (number // 2) % (len(hubs) - 1)].append(number)
    found: list[Node] = []
    for index, area in enumerate(nearest_cells(hubs, cell)):
        hub, own = hubs[index], members[index]
        code, people = f"{county.code}-T{index + 1:02}", sum(shares[number] for number in own)
        found.append(_node(code, "township", part.below[index], county.code, hub, area, people))
        spread = 4.0 if index else 1.2
        centres = _scatter(random, [hub] * len(own), area, spread, spread / 4, [])
        for number, centre, ring in zip(own, centres, nearest_cells(centres, area), strict=True):
            leaf = f"{county.code}-{number + 1:03}"
            found.append(_node(leaf, "community", next(names), code, centre, ring, shares[number]))
    return found


def _scatter(
    random: np.random.Generator, homes: Plane, ring: Plane, spread: float, apart: float, taken: Plane
) -> Plane:
    """A point near each home, inside the ring and ``apart`` km from its edge and from the others; the wish
    for distance gives way a little with every failure, so this always ends."""
    points: Plane = []
    for home in homes:
        gap = apart
        while True:
            point = (home[0] + spread * random.normal(), home[1] + spread * random.normal())
            others = [*taken, *points]
            if _reach(point, ring) >= gap and all(math.dist(point, other) >= gap for other in others):
                points.append(point)
                break
            gap *= 0.98
    return points


def _reach(point: tuple[float, float], ring: Plane) -> float:
    """Distance to the nearest edge of a convex ring that runs counter-clockwise; negative outside."""
    nearest = math.inf
    for number, (x, y) in enumerate(ring):
        x0, y0 = ring[number - 1]
        length = math.dist((x, y), (x0, y0))
        if length > 0:
            nearest = min(nearest, ((x - x0) * (point[1] - y0) - (y - y0) * (point[0] - x0)) / length)
    return nearest


def _node(
    code: str,
    kind: Kind,
    name: Label,
    parent: str | None,
    centre: tuple[float, float],
    ring: Plane,
    residents: int,
    street: Label | None = None,
) -> Node:
    lat, lon = _to_degrees(*centre)
    outline = tuple(_to_degrees(x, y) for x, y in ring)
    return Node(code, kind, name, parent, lat, lon, outline, residents, _reach(centre, ring), street)


def _community_names(random: np.random.Generator) -> list[Label]:
    """Names for every community, no two alike in either language."""
    first = [pair.split("/") for pair in _FIRST.split()]
    second = [pair.split("/") for pair in _SECOND.split()]
    pairs = [(one, two) for one in first for two in second]
    names = [Label(f"{one[0]}{two[0]} Community", f"{one[1]}{two[1]}社区") for one, two in pairs]
    return [names[number] for number in random.permutation(len(names))[:COMMUNITIES]]


def _to_plane(lat: float, lon: float) -> tuple[float, float]:
    return (lon - CENTRE[1]) * KM_EAST, (lat - CENTRE[0]) * KM_NORTH


def _to_degrees(x: float, y: float) -> tuple[float, float]:
    return round(CENTRE[0] + y / KM_NORTH, 6), round(CENTRE[1] + x / KM_EAST, 6)
