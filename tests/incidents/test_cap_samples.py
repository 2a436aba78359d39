"""Six real alerts of other countries, read from the data folder when there is one."""

import os
from pathlib import Path

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.incidents.cap import parse
from volunteer_hub.incidents.cap_model import CapAlert
from volunteer_hub.incidents.cap_rules import Colour, Decision, Kind, Why, decide
from volunteer_hub.incidents.cap_write import write
from volunteer_hub.incidents.policy import Hazards

DATA = Path(os.environ.get("HUB_DATA", "")) / "cap"
pytestmark = pytest.mark.skipif(
    not os.environ.get("HUB_DATA") or not DATA.is_dir(), reason="HUB_DATA names no folder with cap/ samples"
)


def sample(name: str) -> CapAlert:
    return parse((DATA / f"{name}.cap").read_bytes())


def today(alert: CapAlert) -> Decision:
    latest = max((info.expires for info in alert.infos if info.expires), default=alert.sent)
    return decide(alert, [], max(latest, alert.sent), read(SHIPPED / "hazards.toml", Hazards))


def replayed(alert: CapAlert) -> Decision:
    return decide(alert, [], alert.sent, read(SHIPPED / "hazards.toml", Hazards))


@pytest.mark.parametrize(
    ("name", "version", "colour"),
    [("earthquake", "1.1", None), ("weather", "1.1", "blue"), ("taiwan", "1.2", "red")],
)
def test_an_expired_alert_is_shown_and_proposed_only_when_replayed(
    name: str, version: str, colour: Colour | None
) -> None:
    alert = sample(name)
    assert alert.version == version
    assert (today(alert).kind, today(alert).expired) == (Kind.EXPIRED, True)
    assert (replayed(alert).kind, replayed(alert).expired) == (Kind.PROPOSE, False)
    if colour is not None:
        assert replayed(alert).colour == colour


def test_the_earthquake_lies_near_tonga_not_in_the_other_hemisphere() -> None:
    assert replayed(sample("earthquake")).place == (-16.053, -173.274)


def test_taiwan_gives_a_geocode_and_chinese_text_but_no_position() -> None:
    decision = replayed(sample("taiwan"))
    shown = decision.info("zh")
    assert shown is not None
    assert (shown.language, shown.event) == ("zh-tw", "水庫洩洪")
    assert decision.place is None
    assert [code.value for area in decision.areas for code in area.geocodes] == ["1000512"]


def test_weather_has_an_empty_polygon_and_50_geocodes() -> None:
    (area,) = sample("weather").infos[0].areas
    assert (area.polygons, len(area.geocodes)) == ((), 50)


def test_canadas_update_of_an_alert_never_seen_is_kept() -> None:
    for decision in (today(sample("canada")), replayed(sample("canada"))):
        assert (decision.kind, decision.why) == (Kind.KEEP, Why.REFERENCE_UNSEEN)
    assert today(sample("canada")).expired
    assert [info.language for info in sample("canada").infos] == ["en-CA", "fr-CA"]
    assert replayed(sample("canada")).place == pytest.approx((42.3, -82.1), abs=0.3)


def test_a_signed_cancellation_without_blocks_has_nothing_to_cancel() -> None:
    for decision in (today(sample("no_info_tag")), replayed(sample("no_info_tag"))):
        assert (decision.kind, decision.why) == (Kind.KEEP, Why.REFERENCE_UNSEEN)


def test_the_invalid_alert_is_refused_naming_scope() -> None:
    with pytest.raises(Malformed) as caught:
        sample("invalid")
    assert (caught.value.code, caught.value.params) == ("cap.missing", {"field": "scope"})


@pytest.mark.parametrize("name", ["earthquake", "weather", "canada", "taiwan", "no_info_tag"])
def test_a_sample_survives_being_written_and_read(name: str) -> None:
    alert = sample(name)
    again = parse(write(alert))
    assert (again.infos, again.reference, again.references) == (
        alert.infos,
        alert.reference,
        alert.references,
    )
