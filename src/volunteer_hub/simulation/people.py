"""Made-up volunteers of a made-up city, in the columns of the import format, streamed block by block.

Person number i of a seed is the same whether more or fewer people are asked for. Names are common ones put
together at random, telephone numbers are of valid form, mail goes to example.org: nobody is meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.core.policy import load
from volunteer_hub.simulation import names
from volunteer_hub.simulation.city import AGE_BANDS, EDUCATION, KM_EAST, KM_NORTH, City
from volunteer_hub.volunteers.policy import Skills

Row = dict[str, str]
COLUMNS: Final = (
    "external_id", "name", "birthday", "phone", "email", "language", "community", "street", "address",
    "lat", "lon", "precision", "datum", "skills", "certifications", "availability", "quiet_from",
    "quiet_until", "travel_mode", "max_km", "basis", "fit", "insured_until", "insurer", "policy_no",
    "insured_by", "education", "status", "guardian_name", "guardian_phone", "guardian_consent",
)  # fmt: skip

BLOCK: Final = 2_000
YOUNGEST, OLDEST = 14, 79
_ADULT: Final = 18
_PHONES: Final = 100_000_000  # 139 and eight digits
_STEP: Final = 7_368_787  # shares no factor with _PHONES, so numbers repeat only after all are used
_MOST_SKILLS: Final = 6
# How popular each skill is, most popular first (Zipf: the r-th in proportion to 1/r); others come after.
POPULARITY: Final = (
    "driver.car", "first_aid", "crowd", "snow_clearing", "elder_care", "logistics", "sandbagging", "cooking",
    "registration", "evacuation", "search", "hotline", "it", "disinfection", "child_care", "site_leader",
    "psychological_first_aid", "electrician", "nursing", "plumber", "driver.truck", "sampling",
    "firefighting", "interpreting.en", "heavy_machinery", "gas", "welding", "disability_support", "reporting",
    "radio", "chemical", "doctor", "drone", "boat", "driver.bus", "rescue.water", "chainsaw",
    "interpreting.ru", "pharmacy", "structural", "paramedic", "counselling", "rescue.rope", "interpreting.mn",
    "interpreting.sign", "interpreting.ko", "rescue", "search_dog",
)  # fmt: skip

_DAYS: Final = sum(1 << 2 * day for day in range(7))
_NIGHTS: Final = _DAYS << 1
_WEEKEND_DAYS: Final = 1 << 10 | 1 << 12
_WEEKDAY_DAYS: Final = _DAYS & ~_WEEKEND_DAYS
_EVEN_SHIFTS: Final = 0b01_10_00_01_10_00_01
_ODD_SHIFTS: Final = 0b10_00_01_10_00_01_10
# Weekly patterns by stage of life: (mask, share). Bit 2 * day is the day, 2 * day + 1 the night; Monday is 0.
_PATTERNS: Final[dict[str, tuple[tuple[int, float], ...]]] = {
    "minor": ((_WEEKEND_DAYS, 0.8), (_DAYS, 0.2)),
    "working": (
        (_WEEKEND_DAYS, 0.30),
        (_WEEKEND_DAYS | _NIGHTS, 0.20),
        (_DAYS, 0.14),
        (_DAYS | _NIGHTS, 0.12),
        (_NIGHTS, 0.08),
        (_EVEN_SHIFTS, 0.07),
        (_ODD_SHIFTS, 0.07),
        (_WEEKDAY_DAYS, 0.02),
    ),
    "retired": ((_DAYS, 0.6), (_WEEKDAY_DAYS, 0.2), (_DAYS | _NIGHTS, 0.1), (_WEEKEND_DAYS, 0.1)),
}
_BASES: Final = {
    "voluntary": 0.86,
    "coordination": 0.05,
    "employment": 0.05,
    "election": 0.025,
    "compulsory": 0.015,
}
_MAX_KM: Final = {
    "foot": ("3", "5"),
    "bicycle": ("8", "12"),
    "car": ("20", "40"),
    "none_at_night": ("3", "5"),
}
_ISSUERS: Final = {
    "medical": "卫生健康部门", "care": "心理服务协会", "rescue": "应急培训中心", "driving": "车辆管理所",
    "technical": "职业技能鉴定中心", "first_aid": "红十字会", "radio": "无线电协会",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _World:
    """What every block draws from. ``certifiers[skill]`` is the issuer of its certificate, or None."""

    codes: tuple[str, ...]
    log_popularity: NDArray[np.float64]
    adults_only: NDArray[np.bool_]
    certifiers: tuple[str | None, ...]
    places: tuple[tuple[str, str, str], ...]  # community code, street label, address up to the building
    centres: NDArray[np.float64]  # communities x (lat, lon, reach in km)
    residents: NDArray[np.float64]
    today: date
    seed: int


def people(city: City, n: int, seed: int, *, today: date = date(2026, 1, 1)) -> Iterator[Row]:
    """``n`` volunteers as rows of the import format; memory does not grow with ``n``. Four
    minors in five, from 14 on, have their guardian's consent; the others come as applied and wait for it."""
    world = _world(city, seed, today)
    for number in range(-(-n // BLOCK)):
        first = number * BLOCK
        yield from _block(world, number, min(BLOCK, n - first))


def on_call(n: int, seed: int, share: float = 0.03) -> Iterator[str]:
    """external_id of those who are on call, among the first ``n`` people."""
    for number in range(-(-n // BLOCK)):
        first = number * BLOCK
        random = np.random.default_rng([seed, number, 1])
        chosen = np.flatnonzero(random.random(BLOCK) < share)
        yield from (external_id(first + int(row)) for row in chosen if first + row < n)


def external_id(number: int) -> str:
    """The register number of the person drawn as ``number`` (from 0)."""
    return f"V{number + 1:07}"


def age_shares() -> NDArray[np.float64]:
    """Share of volunteers of each age from YOUNGEST to OLDEST: the residents' age bands, taken as even inside
    the first two, and falling to nothing at 80 in the last."""
    ages = np.arange(YOUNGEST, OLDEST + 1)
    falling = np.where(ages >= 60, 80.0 - ages, 0.0)
    weights = np.select(
        [ages < 15, ages < 60],
        [AGE_BANDS["0-14"] / 15, AGE_BANDS["15-59"] / 45],
        AGE_BANDS["60+"] * falling / falling.sum(),
    )
    return np.asarray(weights / weights.sum())


def _world(city: City, seed: int, today: date) -> _World:
    skills = load("skills", Skills).skills
    ranked = [code for code in POPULARITY if code in skills]
    ranked += [code for code in skills if code not in ranked]
    codes = tuple(code for code in ranked if not skills[code].everyone)
    communities = city.communities
    by_code = {node.code: node for node in city.nodes}
    places = []
    for node in communities:
        above = by_code[node.parent or ""]
        street = node.street.zh if node.street else ""
        upper = by_code[above.parent or ""].name.zh if above.kind == "township" else ""
        places.append((node.code, street, f"{upper}{above.name.zh}{street}{node.name.zh}"))
    return _World(
        codes=codes,
        log_popularity=-np.log(np.arange(1, len(codes) + 1)),
        adults_only=np.array([skills[code].adult_only for code in codes]),
        certifiers=tuple(
            _ISSUERS.get(code, _ISSUERS.get(skills[code].group, "应急培训中心"))
            if skills[code].certified
            else None
            for code in codes
        ),
        places=tuple(places),
        centres=np.array([(node.lat, node.lon, node.reach_km) for node in communities]),
        residents=np.array([float(node.residents) for node in communities]),
        today=today,
        seed=seed,
    )


def _block(world: _World, number: int, size: int) -> Iterator[Row]:
    """Draws a whole block, so that its people do not depend on ``size``, and yields the first of them."""
    random = np.random.default_rng([world.seed, number])
    ages = YOUNGEST + random.choice(OLDEST + 1 - YOUNGEST, BLOCK, p=age_shares())
    columns = {
        **_identity(world, random, ages, number * BLOCK),
        **_home(world, random),
        **_abilities(world, random, ages, number * BLOCK),
        **_week(random, ages),
        **_standing(world, random, ages, number * BLOCK),
    }
    columns |= _travel(random, ages, columns["skills"])
    columns |= _guardians(world, random, ages, columns)
    ordered = [columns[column][:size] for column in COLUMNS]
    for values in zip(*ordered, strict=True):
        yield dict(zip(COLUMNS, values, strict=True))


def _identity(
    world: _World, random: np.random.Generator, ages: NDArray[np.int64], first: int
) -> dict[str, list[str]]:
    written, spoken = names.draw(random, ages)
    days = np.ceil(ages * 365.25).astype(int) + random.integers(0, 364, BLOCK)
    birthdays = np.datetime64(world.today) - days
    numbers = range(first, first + BLOCK)
    return {
        "external_id": [external_id(number) for number in numbers],
        "name": written,
        "birthday": np.datetime_as_string(birthdays).tolist(),
        "phone": [f"139{(number * _STEP + world.seed * 977) % _PHONES:08}" for number in numbers],
        "email": [f"{name}{number + 1}@example.org" for name, number in zip(spoken, numbers, strict=True)],
        "language": np.where(random.random(BLOCK) < 0.03, "en", "zh").tolist(),
    }


def _home(world: _World, random: np.random.Generator) -> dict[str, list[str]]:
    """Home community by residents, and a position round its centre that lies inside its outline. Where only
    the community is known, the position is its centre."""
    homes = random.choice(len(world.places), BLOCK, p=world.residents / world.residents.sum())
    centre_lat, centre_lon, reach = world.centres[homes].T
    precision = random.choice(3, BLOCK, p=(0.7, 0.2, 0.1))
    radius = np.where(precision < 2, np.minimum(0.9 * reach, 3.0) * np.sqrt(random.random(BLOCK)), 0.0)
    angle = random.random(BLOCK) * 2 * np.pi
    lat = centre_lat + radius * np.sin(angle) / KM_NORTH
    lon = centre_lon + radius * np.cos(angle) / KM_EAST
    houses = random.integers(1, (61, 7, 19), (BLOCK, 3)).tolist()
    places = [world.places[home] for home in homes.tolist()]
    addresses = []
    for (_, _, place), known, (building, floor, flat) in zip(places, precision.tolist(), houses, strict=True):
        rest = (f"{building}号楼{floor:02}{flat:02}室", f"{building}号楼", "")[known]
        addresses.append(place + rest)
    return {
        "community": [place[0] for place in places],
        "street": [place[1] for place in places],
        "address": addresses,
        "lat": [f"{value:.6f}" for value in lat.tolist()],
        "lon": [f"{value:.6f}" for value in lon.tolist()],
        "precision": [("address", "building", "community")[known] for known in precision.tolist()],
        "datum": ["wgs84"] * BLOCK,
    }


def _abilities(
    world: _World, random: np.random.Generator, ages: NDArray[np.int64], first: int
) -> dict[str, list[str]]:
    """Skills without repetition by popularity (the largest of Gumbel draws), with levels and certificates.
    A skill is verified where its certificate was handed in."""
    scores = world.log_popularity + random.gumbel(size=(BLOCK, len(world.codes)))
    scores[np.ix_(ages < _ADULT, world.adults_only)] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :_MOST_SKILLS].tolist()
    counts = random.choice(range(1, _MOST_SKILLS + 1), BLOCK, p=(0.34, 0.28, 0.18, 0.11, 0.06, 0.03))
    levels = random.choice((1, 2, 3), (BLOCK, _MOST_SKILLS), p=(0.52, 0.35, 0.13)).tolist()
    # A certificate runs three years; one in twenty has run out, one in twenty-five was never handed in.
    held = (random.random((BLOCK, _MOST_SKILLS)) < 0.96).tolist()
    left = np.where(
        random.random((BLOCK, _MOST_SKILLS)) < 0.05,
        -random.integers(1, 200, (BLOCK, _MOST_SKILLS)),
        random.integers(10, 700, (BLOCK, _MOST_SKILLS)),
    )
    expiry = np.datetime64(world.today) + left
    expires = np.datetime_as_string(expiry).tolist()
    issues = np.datetime_as_string(expiry - 1095).tolist()
    skills, certifications = [], []
    for row, count in enumerate(counts.tolist()):
        claims, papers = [], []
        for place, skill in enumerate(best[row][:count]):
            code, issuer, verified = world.codes[skill], world.certifiers[skill], ""
            if issuer is not None and held[row][place]:
                number, verified = f"{first + row + 1:07}-{skill:02}", ":verified"
                papers.append(f"{code}|{number}|{issuer}|{issues[row][place]}|{expires[row][place]}")
            claims.append(f"{code}:{levels[row][place]}{verified}")
        skills.append(";".join(claims))
        certifications.append(";".join(papers))
    return {"skills": skills, "certifications": certifications}


def _week(random: np.random.Generator, ages: NDArray[np.int64]) -> dict[str, list[str]]:
    """A weekly pattern by stage of life, each cell lost with one chance in ten, and quiet hours for some."""
    stages = np.where(ages < _ADULT, "minor", np.where(ages < 60, "working", "retired"))
    masks = np.zeros(BLOCK, dtype=np.int64)
    for stage, patterns in _PATTERNS.items():
        shares = np.array([share for _, share in patterns])
        drawn = random.choice([mask for mask, _ in patterns], BLOCK, p=shares / shares.sum())
        masks = np.where(stages == stage, drawn, masks)
    cells = (masks[:, None] >> np.arange(14)) & 1
    cells &= random.random((BLOCK, 14)) >= 0.1
    quiet = random.choice(3, BLOCK, p=(0.55, 0.33, 0.12)).tolist()
    return {
        "availability": ["".join("1" if cell else "0" for cell in row) for row in cells.tolist()],
        "quiet_from": [("", "22:00", "21:00")[choice] for choice in quiet],
        "quiet_until": [("", "07:00", "06:00")[choice] for choice in quiet],
    }


def _standing(
    world: _World, random: np.random.Generator, ages: NDArray[np.int64], first: int
) -> dict[str, list[str]]:
    """Basis, fitness, insurance, education and status."""
    minor = ages < _ADULT
    fit = random.random(BLOCK) < np.where(ages < 60, 0.92, 0.92 - (ages - 60) * 0.03)
    insured = random.random(BLOCK) < 0.74
    lapsed = random.random(BLOCK) < 0.04
    left = np.where(lapsed, -random.integers(1, 90, BLOCK), random.integers(20, 720, BLOCK))
    until = np.datetime_as_string(np.datetime64(world.today) + left)
    levels, heads = list(EDUCATION), np.array(list(EDUCATION.values()), dtype=float)
    education = random.choice(levels, BLOCK, p=heads / heads.sum())
    basis = random.choice(list(_BASES), BLOCK, p=list(_BASES.values()))
    waiting = random.random(BLOCK) < 0.02
    return {
        "basis": np.where(minor, "voluntary", basis).tolist(),
        "fit": np.where(fit, "yes", "no").tolist(),
        "insured_until": np.where(insured, until, "").tolist(),
        "insurer": np.where(insured, "志愿者统一保险", "").tolist(),
        "policy_no": [f"P{first + row + 1:08}" if has else "" for row, has in enumerate(insured.tolist())],
        "insured_by": np.where(insured, "node", "").tolist(),
        "education": np.where(minor, "junior_high", education).tolist(),
        "status": np.where(waiting, "applied", "active").tolist(),
    }


def _travel(random: np.random.Generator, ages: NDArray[np.int64], skills: list[str]) -> dict[str, list[str]]:
    drives = np.array(["driver." in held for held in skills]) & (random.random(BLOCK) < 0.8)
    cycles = random.random(BLOCK) < np.where(ages < 60, 0.4, 0.15)
    home_at_night = random.random(BLOCK) < np.where(ages < 60, 0.04, 0.3)
    choices = ["car", "bicycle", "none_at_night"]
    modes: list[str] = np.select([drives, cycles, home_at_night], choices, "foot").tolist()
    far = (random.random(BLOCK) < 0.4).tolist()
    return {
        "travel_mode": modes,
        "max_km": [_MAX_KM[mode][more] for mode, more in zip(modes, far, strict=True)],
    }


def _guardians(
    world: _World, random: np.random.Generator, ages: NDArray[np.int64], columns: dict[str, list[str]]
) -> dict[str, list[str]]:
    """A guardian of the same surname for each minor; who has no consent yet has applied and waits."""
    minor = ages < _ADULT
    consents = minor & (random.random(BLOCK) < 0.8)
    given = np.datetime_as_string(np.datetime64(world.today) - random.integers(1, 360, BLOCK))
    elders, _ = names.draw(random, np.full(BLOCK, 45))
    heirs = zip(columns["name"], elders, columns["phone"], minor.tolist(), strict=True)
    rows = [
        (own[0] + elder[1:], "137" + phone[3:]) if young else ("", "") for own, elder, phone, young in heirs
    ]
    return {
        "status": np.where(minor & ~consents, "applied", columns["status"]).tolist(),
        "guardian_name": [name for name, _ in rows],
        "guardian_phone": [phone for _, phone in rows],
        "guardian_consent": np.where(consents, given, "").tolist(),
    }
