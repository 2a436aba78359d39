"""Homes placed by a geocoder: a real server that speaks Nominatim's format stands in for the operator's."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from tests import areas, people
from tests.core.http_server import Server, serving
from tests.doors import client
from tests.world import person
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, Unavailable
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import forget, locate
from volunteer_hub.volunteers import lookups, registry
from volunteer_hub.volunteers.models import AddressAnswer, Volunteer
from volunteer_hub.volunteers.rules import Precision, Status

CENTRE = (46.59, 125.10)
HOMES = {"大庆市东风路1号": (46.5893, 125.1036), "Lenin Road 7, Daqing": (46.61, 125.09)}
Point = Callable[..., Iterator[Server]]


def nominatim(stream: socket.socket, heard: bytes) -> None:
    """Knows the houses of HOMES, and fails where the address says so."""
    asked = parse_qs(urlsplit(heard.split(b" ", 2)[1].decode()).query)["q"][0]
    status = "500 Oops" if "broken" in asked else "200 OK"
    home = HOMES.get(asked)
    place = {"display_name": "x", "place_rank": 30, "type": "house"}
    page = [place | {"lat": str(home[0]), "lon": str(home[1])}] if home else []
    body = json.dumps(page).encode()
    stream.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


@contextmanager
def geocoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The operator's own service, named in the settings."""
    with serving(lambda stream: nominatim(stream, server.heard[-1])) as server:
        monkeypatch.setenv("HUB_GEOCODER", f"nominatim:http://{server.name}")
        monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([server.name]))
        settings.cache_clear()
        yield server


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with geocoder(monkeypatch) as server:
        yield server
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def bo(tx: Tx) -> Volunteer:
    areas.plant(tx)
    return joined(tx, "Bo", 1, "东风路1号")


def joined(
    tx: Tx, name: str, number: int, address: str, status: Status = Status.ACTIVE, **more: Any
) -> Volunteer:
    home = {"lat": None, "lon": None, "precision": None, "address": address, "status": None}
    return registry.register(tx, person(name, number) | home | more, status=status)


def stands(tx: Tx, row: Volunteer) -> tuple[float | None, float | None, Precision]:
    tx.refresh(row)
    return row.lat, row.lon, row.precision


def test_without_a_geocoder_people_stand_at_their_communitys_centre(tx: Tx, bo: Volunteer) -> None:
    assert settings().geocoder is None
    assert locate.sweep() == 0
    assert locate.probe() is None
    assert stands(tx, bo) == (*CENTRE, Precision.COMMUNITY)
    assert bo.located_at is None


def test_a_home_is_found_once_and_asked_for_with_its_city(tx: Tx, bo: Volunteer, service: Server) -> None:
    version = bo.version
    assert [locate.sweep(), locate.sweep()] == [1, 0]
    assert stands(tx, bo) == (*HOMES["大庆市东风路1号"], Precision.ADDRESS)
    assert (bo.version, bo.lease_until, service.connections) == (version + 1, None, 1)


def test_an_unknown_house_stays_at_the_centre_and_is_not_asked_for_again(
    tx: Tx, bo: Volunteer, service: Server
) -> None:
    lin = joined(tx, "Lin", 2, "Nowhere Lane 3")
    assert [locate.sweep(), locate.sweep()] == [2, 0]
    assert stands(tx, lin) == (*CENTRE, Precision.COMMUNITY)
    assert lin.located_at is not None
    assert service.connections == 2


def test_the_persons_page_says_that_the_address_was_not_found(tx: Tx, bo: Volunteer, service: Server) -> None:
    lin = joined(tx, "Lin", 2, "Nowhere Lane 3")
    wen = people.wen(tx)
    words = {"en": "was not found by the address service", "zh": "未找到该地址"}

    def said(row: Volunteer) -> list[bool]:
        pages = {lang: client(wen, lang=lang).get(f"/volunteers/{row.public_id}") for lang in words}
        assert [page.status_code for page in pages.values()] == [200, 200]
        return [words[lang] in page.text for lang, page in pages.items()]

    assert [said(lin), said(bo)] == [[False, False]] * 2
    locate.sweep()
    tx.expire_all()
    assert [said(lin), said(bo)] == [[True, True], [False, False]]


def test_a_household_is_asked_for_once(tx: Tx, bo: Volunteer, service: Server) -> None:
    lin = joined(tx, "Lin", 2, "东风路1号")
    assert locate.sweep() == 2
    kai = joined(tx, "Kai", 3, "东风路1号")
    assert locate.sweep() == 1
    assert stands(tx, lin) == stands(tx, kai) == stands(tx, bo)
    assert service.connections == 1


def test_a_corrected_address_is_located_anew(tx: Tx, bo: Volunteer, service: Server) -> None:
    locate.sweep()
    tx.refresh(bo)
    registry.update(tx, bo.public_id, bo.version, {"address": "Lenin Road 7"})
    assert stands(tx, bo) == (*CENTRE, Precision.COMMUNITY)
    assert locate.sweep() == 1
    assert stands(tx, bo) == (*HOMES["Lenin Road 7, Daqing"], Precision.ADDRESS)


def test_nothing_is_asked_of_who_gave_no_address_has_a_position_or_is_not_in_the_pool(
    tx: Tx, service: Server
) -> None:
    areas.plant(tx)
    joined(tx, "Bo", 1, "")
    joined(tx, "Lin", 2, "东风路1号", Status.APPLIED)
    joined(tx, "Kai", 3, "东风路1号", lat=46.6, lon=125.11, precision="building")
    assert locate.sweep() == 0
    assert service.connections == 0


def test_what_changed_while_the_service_was_asked_stands(tx: Tx, bo: Volunteer, service: Server) -> None:
    (due,) = lookups.claim(tx, limit=5, lease_seconds=60)
    assert (due.volunteer_id, due.address) == (bo.id, "东风路1号")
    assert lookups.claim(tx, limit=5, lease_seconds=60) == []
    tx.refresh(bo)
    registry.update(tx, bo.public_id, bo.version, {"address": "Lenin Road 7"})
    found = lookups.Located(46.5, 125.2, Precision.ADDRESS, "nominatim")
    assert lookups.record(tx, due, found) is False
    assert stands(tx, bo) == (*CENTRE, Precision.COMMUNITY)
    assert locate.sweep() == 1
    assert stands(tx, bo) == (*HOMES["Lenin Road 7, Daqing"], Precision.ADDRESS)


def test_an_address_that_the_service_fails_on_holds_nobody_up(tx: Tx, service: Server) -> None:
    areas.plant(tx)
    bad = joined(tx, "Bo", 1, "broken 1")
    good = joined(tx, "Lin", 2, "东风路1号")
    assert locate.sweep() == 1
    assert stands(tx, good)[2] is Precision.ADDRESS
    assert stands(tx, bad) == (*CENTRE, Precision.COMMUNITY)
    with clock.fixed(tx.now + timedelta(hours=23)):
        assert locate.sweep() == 0
    assert service.connections == 4  # three tries and one answer


def test_while_the_service_is_down_people_wait_and_are_due_again(
    tx: Tx, bo: Volunteer, service: Server
) -> None:
    rest = [joined(tx, f"Helper {n}", n, f"broken {n}") for n in range(2, 6)]
    bo.address = "broken 1"
    tx.flush()
    assert locate.sweep() == 0
    assert service.connections == 2 * 3
    with clock.fixed(tx.now + timedelta(minutes=11)), db.transaction(SYSTEM, "test") as later:
        due = lookups.claim(later, limit=9, lease_seconds=60)
    assert [one.volunteer_id for one in due] == [
        row.id for row in rest[1:]
    ]  # the two that failed wait longer


def test_forgetting_takes_the_answer_along(tx: Tx, bo: Volunteer, service: Server) -> None:
    locate.sweep()
    assert [row.volunteer_id for row in tx.exec(select(AddressAnswer))] == [bo.id]
    tx.refresh(bo)
    forget.erase(tx, bo)
    assert tx.exec(select(AddressAnswer)).all() == []
    assert (bo.lat, bo.lon, bo.address, bo.located_at) == (None, None, None, None)
    assert locate.sweep() == 0


def test_who_is_forgotten_while_the_service_is_asked_leaves_no_answer(tx: Tx, bo: Volunteer) -> None:
    (due,) = lookups.claim(tx, limit=5, lease_seconds=60)
    forget.erase(tx, bo)
    found = lookups.Located(46.5, 125.2, Precision.ADDRESS, "nominatim")
    assert lookups.record(tx, due, found) is False
    lookups.keep(tx, [("k" * 64, bo.id, lookups.Answer(found))])
    assert tx.exec(select(AddressAnswer)).all() == []


def test_answers_are_kept_for_half_a_year(tx: Tx, bo: Volunteer, service: Server) -> None:
    locate.sweep()
    for days, gone in ((170, 0), (190, 1)):
        with clock.fixed(tx.now + timedelta(days=days)), db.transaction(SYSTEM, "test") as later:
            assert lookups.sweep(later) == gone


def test_a_setting_that_cannot_be_used_is_named(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_GEOCODER", "google:https://maps.example")
    settings.cache_clear()
    try:
        with pytest.raises(Malformed) as caught:
            locate.sweep()
        assert caught.value.code == "geocode.provider"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_the_probe_names_the_provider_that_answers(
    tx: Tx, bo: Volunteer, service: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locate.probe() == "nominatim"
    assert b"%E5%A4%A7%E5%BA%86%E5%B8%82" in service.heard[0]  # the city, nobody's address
    monkeypatch.setenv("HUB_GEOCODER", "nominatim:https://127.0.0.1:1")
    monkeypatch.setenv("HUB_INTERNAL_HOSTS", '["127.0.0.1:1"]')
    settings.cache_clear()
    with pytest.raises(Unavailable):
        locate.probe()
