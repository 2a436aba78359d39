"""From a written address to a position, by a geocoder that the operator chose. Without one nothing leaves.

Setting: "<provider>:<address of the service>", with ``?key=`` where the provider wants one, for example
``nominatim:https://nominatim.example`` or ``amap:https://restapi.amap.com/?key=...``. Positions are WGS-84
when they come out, whatever datum the provider's maps are drawn in.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx2
from geopy.adapters import AdapterHTTPError, BaseSyncAdapter
from geopy.exc import GeocoderParseError, GeocoderServiceError, GeocoderUnavailable, GeopyError
from geopy.extra.rate_limiter import RateLimiter
from geopy.geocoders import BaiduV3, Nominatim, Photon
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from volunteer_hub.core import geo, net
from volunteer_hub.core.errors import Malformed, Unavailable
from volunteer_hub.volunteers.rules import Precision

# geopy writes the query, somebody's home, into its log: into its warnings when it tries again
logging.getLogger("geopy").setLevel(logging.CRITICAL)

# what geopy's readers and ours raise for an answer of another shape than promised
_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, Malformed)
USER_AGENT = "volunteer-hub"
PUBLIC_DELAY, OWN_DELAY = 1.0, 0.05  # seconds
FAR_KM = 60.0  # a place further than this from one's community is a namesake in another city


@dataclass(frozen=True)
class Located:
    """A WGS-84 position and what it stands for; ``provider`` is empty for a community's centre."""

    lat: float
    lon: float
    precision: Precision
    provider: str = ""


@dataclass(frozen=True)
class Answer:
    """What a provider said, to be cached; ``found`` is None when it knows no such house."""

    found: Located | None


Geocode = Callable[[str], Located | None]
Get = Callable[[str], Answer | None]
Put = Callable[[str, Answer], None]
Datum = Callable[[float, float], tuple[Any, Any]]


def configured(
    spec: str | None,
    *,
    outbound: net.Outbound,
    get: Get,
    put: Put,
    delay_seconds: float | None = None,
    resolve: net.Resolve = net.resolve_host,
) -> Geocode | None:
    """The geocoder of a setting, or None where there is none.

    Answers go through the cache, whose keys do not show the address. Calls are at least ``delay_seconds``
    apart (when not given: a second, the rule of the public Nominatim, and less for the operator's own,
    internal service) and tried three times. A call raises Unavailable
    when the service cannot answer, Refused when the service lies where ``outbound`` does not lead. Raises
    Malformed, naming the remedy, for a setting that cannot be used.
    """
    if not spec:
        return None
    name, provider, url, key = _read(spec, outbound)
    client = net.safe_client(outbound, resolve=resolve, headers={"user-agent": USER_AGENT})
    if delay_seconds is None:
        delay_seconds = OWN_DELAY if _host(httpx2.URL(url)) in outbound.internal else PUBLIC_DELAY
    source = provider.make(url, key, partial(_GuardedAdapter, client=client))
    ask = RateLimiter(
        source.geocode,
        min_delay_seconds=delay_seconds,
        max_retries=2,
        error_wait_seconds=5 * delay_seconds,
        swallow_exceptions=False,
    )

    def geocode(address: str) -> Located | None:
        address = " ".join(address.split())
        cache_key = hashlib.sha256(f"{name}\n{url}\n{address}".encode()).hexdigest()
        if (known := get(cache_key)) is not None:
            return known.found
        try:
            found = _located(ask(address), name, provider) if address else None
        except (GeopyError, *_MISSHAPEN) as error:
            raise Unavailable("geocode.failed", provider=name) from error
        put(cache_key, Answer(found))
        return found

    return geocode


def locate(
    address: str, centre: tuple[float, float], geocode: Geocode | None, *, far_km: float = FAR_KM
) -> Located:
    """The position of an address, or the centre of its community, marked as that: when no geocoder is
    configured, when it does not know the house, or finds it implausibly far away."""
    found = geocode(address) if geocode else None
    if found is not None and float(geo.haversine_km(found.lat, found.lon, *centre)) <= far_km:
        return found
    return Located(*geo.check_position(*centre), Precision.COMMUNITY)


class _GuardedAdapter(BaseSyncAdapter):  # type: ignore[misc]  # geopy has no types
    """geopy's way out, led through the guarded client."""

    def __init__(self, *, proxies: Any, ssl_context: Any, client: httpx2.Client) -> None:
        super().__init__(proxies=proxies, ssl_context=ssl_context)
        self._client = client

    def get_text(self, url: str, *, timeout: float, headers: dict[str, str]) -> str:
        try:
            response = self._client.get(url, timeout=timeout, headers=headers)
        except Unavailable as error:
            raise GeocoderUnavailable(error.code) from error  # geopy's word for "try again"
        if response.status_code >= 400:
            raise AdapterHTTPError(
                "refused", status_code=response.status_code, headers=response.headers, text=""
            )
        return response.text

    def get_json(self, url: str, *, timeout: float, headers: dict[str, str]) -> Any:
        text = self.get_text(url, timeout=timeout, headers=headers)
        try:
            return json.loads(text)
        except ValueError as error:
            raise GeocoderParseError("the answer is not JSON") from error


class _Amap(Geocoder):  # type: ignore[misc]  # geopy has no types
    """Amap's web service, https://lbs.amap.com/api/webservice/guide/api/georegeo; geopy has none for it."""

    def __init__(self, url: str, key: str, adapter_factory: Any) -> None:
        super().__init__(adapter_factory=adapter_factory)
        self._url, self._key = url, key

    def geocode(self, query: str) -> Location | None:
        parameters = urlencode({"key": self._key, "address": query, "output": "JSON"})
        return self._call_geocoder(f"{self._url}/v3/geocode/geo?{parameters}", self._parse)

    def _parse(self, page: Mapping[str, Any]) -> Location | None:
        if str(page["status"]) != "1":
            raise GeocoderServiceError(str(page.get("infocode", "")))
        if not (found := page["geocodes"]):
            return None
        lon, lat = found[0]["location"].split(",")
        return Location("", (float(lat), float(lon)), found[0])


@dataclass(frozen=True)
class _Provider:
    make: Callable[[str, str, Any], Any]
    precision: Callable[[Mapping[str, Any]], Precision | None]
    to_wgs84: Datum | None = None
    needs_key: bool = False


def _nominatim(url: str, _key: str, adapter_factory: Any) -> Any:
    scheme, _, domain = url.partition("://")
    return Nominatim(domain=domain, scheme=scheme, user_agent=USER_AGENT, adapter_factory=adapter_factory)


def _photon(url: str, _key: str, adapter_factory: Any) -> Any:
    scheme, _, domain = url.partition("://")
    return Photon(domain=domain, scheme=scheme, user_agent=USER_AGENT, adapter_factory=adapter_factory)


def _baidu(url: str, key: str, adapter_factory: Any) -> Any:
    source = BaiduV3(key, adapter_factory=adapter_factory)
    source.api = url + source.api_path
    return source


# A street, a town or a postcode is no better than the community's centre, so it counts as not found.


def _nominatim_precision(raw: Mapping[str, Any]) -> Precision | None:
    """https://nominatim.org/release-docs/latest/customize/Ranking/: 30 is a house or a place of its size."""
    if int(raw.get("place_rank", 0)) < 30:
        return None
    is_door = raw.get("type") in ("house", "house_number") or raw.get("addresstype") == "house_number"
    return Precision.ADDRESS if is_door else Precision.BUILDING


def _photon_precision(raw: Mapping[str, Any]) -> Precision | None:
    properties = raw.get("properties", {})
    if properties.get("type") != "house":
        return None
    return Precision.ADDRESS if properties.get("housenumber") else Precision.BUILDING


def _amap_precision(raw: Mapping[str, Any]) -> Precision | None:
    doors = {"门牌号": Precision.ADDRESS, "单元号": Precision.ADDRESS, "兴趣点": Precision.BUILDING}
    return doors.get(str(raw.get("level")))


def _baidu_precision(raw: Mapping[str, Any]) -> Precision | None:
    if raw.get("precise") != 1:
        return None
    return Precision.ADDRESS if raw.get("level") == "门址" else Precision.BUILDING


PROVIDERS: dict[str, _Provider] = {
    "nominatim": _Provider(_nominatim, _nominatim_precision),
    "photon": _Provider(_photon, _photon_precision),
    "amap": _Provider(_Amap, _amap_precision, geo.gcj02_to_wgs84, needs_key=True),
    "baidu": _Provider(_baidu, _baidu_precision, geo.bd09_to_wgs84, needs_key=True),
}


def _read(spec: str, outbound: net.Outbound) -> tuple[str, _Provider, str, str]:
    """Provider name, provider, service address without a slash at its end, key."""
    name, _, address = spec.strip().partition(":")
    provider = PROVIDERS.get(name)
    if provider is None:
        raise Malformed("geocode.provider", provider=name, known=", ".join(PROVIDERS))
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL as error:
        raise Malformed("geocode.url", provider=name) from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise Malformed("geocode.url", provider=name)
    if url.scheme == "http" and _host(url) not in outbound.internal:
        raise Malformed("geocode.https", provider=name)
    key = url.params.get("key", "")
    if provider.needs_key and not key:
        raise Malformed("geocode.key", provider=name)
    return name, provider, str(url.copy_with(query=None, fragment=None)).rstrip("/"), key


def _host(url: httpx2.URL) -> str:
    return f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def _located(place: Any, name: str, provider: _Provider) -> Located | None:
    if place is None or (precision := provider.precision(place.raw)) is None:
        return None
    lat, lon = geo.check_position(place.latitude, place.longitude)
    if provider.to_wgs84:
        lat, lon = (float(value) for value in provider.to_wgs84(lat, lon))
    return Located(lat, lon, precision, name)
