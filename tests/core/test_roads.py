"""Travel times from a real server that speaks OSRM's and Valhalla's formats."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.core.road_server import DETOUR, Country, country
from volunteer_hub.core.errors import Malformed, Refused, Unavailable
from volunteer_hub.core.geo import haversine_km
from volunteer_hub.core.i18n import t
from volunteer_hub.core.net import Outbound
from volunteer_hub.core.roads import MOST_PLACES, Roads, configured

HOMES = np.array([(46.585, 125.105), (46.605, 125.115), (46.655, 125.005)])
GATES = np.array([(46.6, 125.11), (46.65, 125.0)])
KM = DETOUR * haversine_km(HOMES[:, :1], HOMES[:, 1:], GATES[:, 0], GATES[:, 1])


@pytest.fixture
def land() -> Iterator[Country]:
    with country() as state:
        yield state


def pointed_at(land: Country, provider: str = "osrm", rest: str = "") -> Roads:
    found = configured(
        f"{provider}:http://{land.name}{rest}", outbound=Outbound(internal=frozenset({land.name}))
    )
    assert found is not None
    return found


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def test_nothing_is_configured_by_default() -> None:
    assert [configured(spec, outbound=Outbound()) for spec in (None, "", " ")] == [None] * 3


@pytest.mark.parametrize(
    ("provider", "profile", "called", "kmh"),
    [
        ("osrm", "car", "car", 36.0),
        ("osrm", "bike", "bike", 18.0),
        ("valhalla", "car", "auto", 36.0),
        ("valhalla", "bike", "bicycle", 18.0),
        ("valhalla", "foot", "pedestrian", 4.5),
    ],
)
def test_every_pair_has_its_seconds(
    land: Country, provider: str, profile: str, called: str, kmh: float
) -> None:
    seconds = pointed_at(land, provider).table(profile, HOMES, GATES, until=soon())
    assert np.allclose(seconds, KM / kmh * 3600, rtol=1e-4)
    assert [(one, len(a), len(b)) for one, a, b in land.asked] == [(called, 3, 2)]


@pytest.mark.parametrize("provider", ["osrm", "valhalla"])
def test_the_length_of_the_road_is_in_kilometres(land: Country, provider: str) -> None:
    km = pointed_at(land, provider).table("car", HOMES, GATES, quantity="distance", until=soon())
    assert np.allclose(km, KM, rtol=1e-4)


@pytest.mark.parametrize("provider", ["osrm", "valhalla"])
def test_where_there_is_no_way_the_time_is_without_end(land: Country, provider: str) -> None:
    land.river = 125.1
    seconds = pointed_at(land, provider).table("car", HOMES, GATES, until=soon())
    assert np.isinf(seconds).tolist() == [[False, True], [False, True], [True, False]]


@pytest.mark.parametrize("provider", ["osrm", "valhalla"])
def test_many_places_go_in_blocks_within_the_limit(land: Country, provider: str) -> None:
    homes = np.column_stack([np.linspace(46.4, 46.8, 230), np.linspace(124.9, 125.3, 230)])
    gates = np.column_stack([np.linspace(46.5, 46.7, 60), np.full(60, 125.1)])
    seconds = pointed_at(land, provider).table("car", homes, gates, until=soon())
    km = DETOUR * haversine_km(homes[:, :1], homes[:, 1:], gates[:, 0], gates[:, 1])
    assert np.allclose(seconds, km * 100, rtol=1e-3, atol=0.1)
    assert max(len(a) + len(b) for _, a, b in land.asked) <= MOST_PLACES
    assert sum(len(a) * len(b) for _, a, b in land.asked) == 230 * 60


def test_only_what_is_wanted_is_asked_for(land: Country) -> None:
    wanted = np.array([[True, False], [False, False], [True, False]])
    seconds = pointed_at(land).table("car", HOMES, GATES, wanted=wanted, until=soon())
    assert np.isnan(seconds).tolist() == (~wanted).tolist()
    ((_, sources, targets),) = land.asked
    assert (sources, targets) == ([tuple(HOMES[0]), tuple(HOMES[2])], [tuple(GATES[0])])


def test_nothing_wanted_asks_nothing(land: Country) -> None:
    seconds = pointed_at(land).table("car", HOMES, GATES, wanted=np.zeros((3, 2), bool), until=soon())
    assert np.isnan(seconds).all()
    assert land.asked == []


def test_the_profile_stands_in_the_address_where_each_has_its_server(land: Country) -> None:
    roads = pointed_at(land, rest="/routed-{profile}/")
    assert roads.profiles == {"car", "bike", "foot"}
    assert np.allclose(roads.table("foot", HOMES, GATES, until=soon()), KM / 4.5 * 3600, rtol=1e-4)


@pytest.mark.parametrize(
    ("provider", "rest", "profiles"),
    [
        ("osrm", "", {"car"}),
        ("osrm", "/?profiles=car,foot", {"car", "foot"}),
        ("osrm", "/{profile}?profiles=foot", {"foot"}),
        ("valhalla", "", {"car", "bike", "foot"}),
    ],
)
def test_the_setting_says_for_which_profiles_the_server_answers(
    land: Country, provider: str, rest: str, profiles: set[str]
) -> None:
    roads = pointed_at(land, provider, rest)
    assert roads.profiles == profiles
    assert not roads.url.endswith("/")
    assert "profiles" not in roads.url


@pytest.mark.parametrize("provider", ["osrm", "valhalla"])
@pytest.mark.parametrize(
    ("status", "page"),
    [
        (500, b"{}"),
        (400, b'{"code": "TooBig"}'),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"code": "NoTable"}'),
        (200, b'{"code": "Ok", "durations": [[1, 2]], "sources_to_targets": [[]]}'),
        (200, b'{"code": "Ok", "durations": [["a"]], "sources_to_targets": [[{"time": "a"}]]}'),
        (200, b'{"code": "Ok", "durations": [[-1]], "sources_to_targets": [[{"time": -1}]]}'),
        (200, b'{"code": "Ok", "durations": [[NaN]], "sources_to_targets": [[{"time": NaN}]]}'),
        (200, b'{"code": "Ok", "durations": 7, "sources_to_targets": null}'),
        (200, b""),
    ],
)
def test_an_answer_that_is_none_is_said_so(land: Country, provider: str, status: int, page: bytes) -> None:
    land.status, land.says = status, page
    with pytest.raises(Unavailable) as caught:
        pointed_at(land, provider).table("car", HOMES[:1], GATES[:1], until=soon())
    assert (caught.value.code, caught.value.params) == ("roads.failed", {"provider": provider})
    assert all(t(lang, f"error.{caught.value.code}", **caught.value.params) for lang in ("en", "zh"))


def test_a_service_that_hangs_is_left_at_the_deadline(land: Country) -> None:
    land.hangs = threading.Event()
    homes = np.repeat(HOMES, 200, axis=0)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        pointed_at(land).table("car", homes, GATES, until=began + 0.5)
    assert time.monotonic() - began < 2.5


def test_no_time_left_asks_nothing(land: Country) -> None:
    with pytest.raises(Unavailable) as caught:
        pointed_at(land).table("car", HOMES, GATES, until=time.monotonic() - 1)
    assert (caught.value.code, land.asked) == ("roads.slow", [])


def test_a_service_that_is_gone_is_unavailable(land: Country) -> None:
    roads = configured("osrm:http://127.0.0.1:1", outbound=Outbound(internal=frozenset({"127.0.0.1:1"})))
    assert roads is not None
    with pytest.raises(Unavailable) as caught:
        roads.table("car", HOMES, GATES, until=soon())
    assert caught.value.code == "net.unreachable"


def test_a_service_inside_our_network_is_not_reached_unless_allowed(land: Country) -> None:
    roads = configured(f"osrm:https://{land.name}", outbound=Outbound(ports=frozenset({land.port})))
    assert roads is not None
    with pytest.raises(Refused) as caught:
        roads.table("car", HOMES, GATES, until=soon())
    assert (caught.value.code, land.asked) == ("net.address", [])


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("google:https://maps.example", "roads.provider"),
        ("https://osrm.example", "roads.provider"),
        ("osrm:", "roads.url"),
        ("osrm:ftp://osrm.example", "roads.url"),
        ("osrm:https://", "roads.url"),
        ("osrm:https://a:b@osrm.example", "roads.url"),
        ("osrm:https://[::1", "roads.url"),
        ("osrm:http://osrm.example:5000", "roads.https"),
        ("osrm:https://osrm.example?profiles=rocket", "roads.profiles"),
        ("osrm:https://osrm.example?profiles=", "roads.profiles"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(spec: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        configured(spec, outbound=Outbound())
    assert caught.value.code == code
    assert all(t(lang, f"error.{code}", **caught.value.params) for lang in ("en", "zh"))
