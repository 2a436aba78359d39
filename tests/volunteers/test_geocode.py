import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.http_server import Server, serving
from volunteer_hub.core import geo
from volunteer_hub.core.errors import HubError, Malformed, Refused, Unavailable
from volunteer_hub.core.net import Outbound
from volunteer_hub.volunteers.geocode import Answer, Geocode, Located, configured, locate
from volunteer_hub.volunteers.rules import Precision

HOME = (46.5893, 125.1036)
ADDRESS = "黑龙江省大庆市萨尔图区东风路 1 号"
NOWHERE: Outbound = Outbound()


def says(page: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(page).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def pointed_at(server: Server, provider: str, cache: dict[str, Answer] | None = None) -> Geocode:
    cache = {} if cache is None else cache
    geocode = configured(
        f"{provider}:http://{server.name}/?key=secret",
        outbound=Outbound(internal=frozenset({server.name})),
        get=cache.get,
        put=cache.__setitem__,
        delay_seconds=0,
    )
    assert geocode is not None
    return geocode


def nominatim(lat: float, lon: float, rank: int = 30, kind: str = "house") -> list[dict[str, Any]]:
    return [{"lat": str(lat), "lon": str(lon), "display_name": "x", "place_rank": rank, "type": kind}]


def photon(lat: float, lon: float, kind: str = "house", **more: str) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"features": [{"geometry": geometry, "properties": {"name": "x", "type": kind, **more}}]}


def amap(lat: float, lon: float, level: str = "门牌号") -> dict[str, Any]:
    return {"status": "1", "count": "1", "geocodes": [{"level": level, "location": f"{lon},{lat}"}]}


def baidu(lat: float, lon: float, level: str = "门址", precise: int = 1) -> dict[str, Any]:
    return {
        "status": 0,
        "result": {"location": {"lng": lon, "lat": lat}, "precise": precise, "level": level},
    }


def test_nothing_is_configured_by_default() -> None:
    for empty in (None, ""):
        assert configured(empty, outbound=NOWHERE, get={}.get, put={}.__setitem__) is None


@pytest.mark.parametrize(
    ("provider", "page", "shifted"),
    [
        ("nominatim", nominatim, None),
        ("photon", photon, None),
        ("amap", amap, geo.wgs84_to_gcj02),
        ("baidu", baidu, geo.wgs84_to_bd09),
    ],
)
def test_positions_arrive_in_wgs84_whatever_the_providers_maps_use(
    provider: str, page: Callable[[float, float], Any], shifted: Callable[[float, float], Any] | None
) -> None:
    lat, lon = (float(value) for value in shifted(*HOME)) if shifted else HOME
    with serving(says(page(lat, lon))) as server:
        found = pointed_at(server, provider)(ADDRESS)
        assert found is not None
        assert found.provider == provider
        assert geo.geodesic_km(found.lat, found.lon, *HOME) * 1000 < 0.01
        assert server.connections == 1


@pytest.mark.parametrize(
    ("provider", "page", "precision"),
    [
        ("nominatim", nominatim(*HOME), Precision.ADDRESS),
        ("nominatim", nominatim(*HOME, kind="yes"), Precision.BUILDING),
        ("nominatim", nominatim(*HOME, rank=26, kind="residential"), None),
        ("nominatim", [], None),
        ("photon", photon(*HOME, housenumber="1"), Precision.ADDRESS),
        ("photon", photon(*HOME), Precision.BUILDING),
        ("photon", photon(*HOME, kind="street"), None),
        ("photon", {"features": []}, None),
        ("amap", amap(*HOME), Precision.ADDRESS),
        ("amap", amap(*HOME, level="兴趣点"), Precision.BUILDING),
        ("amap", amap(*HOME, level="区县"), None),
        ("amap", {"status": "1", "geocodes": []}, None),
        ("baidu", baidu(*HOME), Precision.ADDRESS),
        ("baidu", baidu(*HOME, level="住宅区"), Precision.BUILDING),
        ("baidu", baidu(*HOME, precise=0), None),
        ("baidu", {"status": 0, "result": []}, None),
    ],
)
def test_only_a_house_counts_as_found(provider: str, page: Any, precision: Precision | None) -> None:
    with serving(says(page)) as server:
        found = pointed_at(server, provider)(ADDRESS)
        assert (found and found.precision) == precision


def test_an_answer_is_asked_for_once_and_the_cache_does_not_show_the_address() -> None:
    cache: dict[str, Answer] = {}
    with serving(says(nominatim(*HOME))) as server:
        geocode = pointed_at(server, "nominatim", cache)
        first = geocode(ADDRESS)
        assert first == Located(*HOME, Precision.ADDRESS, "nominatim")
        assert geocode("  " + ADDRESS.replace(" ", "  ")) == first
        assert server.connections == 1
    ((key, answer),) = cache.items()
    assert answer == Answer(first)
    assert len(key) == 64
    assert "东风路" not in key


def test_that_a_house_is_unknown_is_remembered_too() -> None:
    cache: dict[str, Answer] = {}
    with serving(says([])) as server:
        geocode = pointed_at(server, "nominatim", cache)
        assert (geocode(ADDRESS), geocode(ADDRESS)) == (None, None)
        assert server.connections == 1
    assert list(cache.values()) == [Answer(None)]


def test_an_empty_address_is_not_sent() -> None:
    with serving(says([])) as server:
        assert pointed_at(server, "nominatim")(" ") is None
        assert server.connections == 0


def test_a_passing_failure_is_tried_again() -> None:
    pages = iter([says({}, "503 Busy"), says({}, "503 Busy"), says(nominatim(*HOME))])

    def respond(stream: socket.socket) -> None:
        stream.sendall(next(pages))

    with serving(respond) as server:
        found = pointed_at(server, "nominatim")(ADDRESS)
        assert found == Located(*HOME, Precision.ADDRESS, "nominatim")
        assert server.connections == 3


@pytest.mark.parametrize(
    ("provider", "page"),
    [
        ("nominatim", says({}, "500 Oops")),
        ("nominatim", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>"),
        ("nominatim", says(nominatim(float("nan"), 125.0))),
        ("nominatim", says(nominatim(125.1, 46.5))),
        ("photon", says({"error": "x"})),
        ("photon", says([])),
        ("amap", says({"status": "0", "infocode": "10001"})),
        ("amap", says({"status": "1", "geocodes": [{"level": "门牌号", "location": []}]})),
        ("amap", says(amap(float("inf"), 125.0))),
        ("baidu", says({"status": 240})),
        ("nominatim", b""),
    ],
)
def test_a_service_that_cannot_answer_is_said_so_and_nothing_is_cached(provider: str, page: bytes) -> None:
    cache: dict[str, Answer] = {}
    with serving(page) as server, pytest.raises(Unavailable) as caught:
        pointed_at(server, provider, cache)(ADDRESS)
    assert (caught.value.code, caught.value.params) == ("geocode.failed", {"provider": provider})
    assert cache == {}


def test_no_log_line_shows_the_address(caplog: pytest.LogCaptureFixture) -> None:
    programs_own = caplog.at_level(logging.WARNING, logger="httpx2")
    with caplog.at_level(logging.INFO), programs_own, serving(says({}, "503 Busy")) as server:
        with pytest.raises(Unavailable):
            pointed_at(server, "nominatim")(ADDRESS)
        assert server.connections == 3
    assert "东风路" not in caplog.text
    assert "%E4%B8%9C" not in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_geocoder_inside_our_network_is_not_reached_unless_allowed(host: str) -> None:
    with serving(says([])) as server:
        geocode = configured(
            f"nominatim:https://{host}:{server.port}",
            outbound=Outbound(ports=frozenset({server.port})),
            get={}.get,
            put={}.__setitem__,
            delay_seconds=0,
        )
        assert geocode is not None
        with pytest.raises(Refused) as caught:
            geocode(ADDRESS)
        assert (caught.value.code, server.connections) == ("net.address", 0)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("google:https://maps.example", "geocode.provider"),
        ("https://nominatim.example", "geocode.provider"),
        ("nominatim:", "geocode.url"),
        ("nominatim:ftp://nominatim.example", "geocode.url"),
        ("nominatim:https://", "geocode.url"),
        ("nominatim:https://a:b@nominatim.example", "geocode.url"),
        ("nominatim:https://[::1", "geocode.url"),
        ("nominatim:http://nominatim.example", "geocode.https"),
        ("amap:https://restapi.amap.example", "geocode.key"),
        ("baidu:https://api.map.example/?key=", "geocode.key"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(spec: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        configured(spec, outbound=NOWHERE, get={}.get, put={}.__setitem__)
    assert caught.value.code == code
    assert "key=" not in str(caught.value)


CENTRE = Located(46.6, 125.0, Precision.COMMUNITY)


def test_without_a_geocoder_people_live_at_their_communitys_centre() -> None:
    assert locate(ADDRESS, (46.6, 125.0), None) == CENTRE


def test_an_unknown_house_is_at_its_communitys_centre() -> None:
    assert locate(ADDRESS, (46.6, 125.0), lambda _: None) == CENTRE


def test_a_namesake_in_another_city_is_not_believed() -> None:
    harbin, near = Located(45.8, 126.5, Precision.ADDRESS, "x"), Located(46.5, 125.1, Precision.ADDRESS, "x")
    assert locate(ADDRESS, (46.6, 125.0), lambda _: harbin) == CENTRE
    assert locate(ADDRESS, (46.6, 125.0), lambda _: near) == near


def test_a_community_without_a_possible_centre_is_an_error_not_a_position() -> None:
    with pytest.raises(HubError):
        locate(ADDRESS, (125.0, 46.6), None)
