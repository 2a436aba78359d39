"""Travel times by road from a service that the operator runs or chose: OSRM or Valhalla.

Setting: "<provider>:<address of the service>", for example ``osrm:http://roads.internal:5000`` or
``valhalla:https://valhalla.example``. Formats: http://project-osrm.org/docs/v5.24.0/api/#table-service and
https://valhalla.github.io/valhalla/api/matrix/api-reference/.

An OSRM server answers for the one profile that its data was built for, whatever the address says. So it is
taken to be that of cars, unless ``{profile}`` stands in its address (``car``, ``bike`` or ``foot``, each with
its own server), or ``?profiles=car,foot`` names those that it tells apart by itself.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import httpx2
import numpy as np
from numpy.typing import NDArray

from volunteer_hub.core import net
from volunteer_hub.core.errors import Malformed, Unavailable

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Quantity = Literal["duration", "distance"]
PROFILES: Final = ("car", "bike", "foot")
MOST_PLACES: Final = 100  # of one request, as OSRM has it; 50 by 50 is Valhalla's
REQUEST_SECONDS: Final = 10.0
_MOST_DESTINATIONS: Final = 50
_AT_ONCE: Final = 4
_COSTING: Final = {"car": "auto", "bike": "bicycle", "foot": "pedestrian"}
# what reading an answer of another shape than promised raises
_MISSHAPEN: Final = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Roads:
    """A road service. ``url`` has no slash at its end; ``profiles`` are those it answers for."""

    provider: str
    url: str
    profiles: frozenset[str]
    outbound: net.Outbound
    resolve: net.Resolve
    tls: ssl.SSLContext

    def table(
        self,
        profile: str,
        sources: Floats,
        destinations: Floats,
        *,
        quantity: Quantity = "duration",
        wanted: Bools | None = None,
        until: float,
    ) -> Floats:
        """[N, M] seconds, or kilometres of road, from each of ``sources`` [N, 2] to each of ``destinations``
        [M, 2], both (lat, lon). Where there is no way: inf; what is not ``wanted`` [N, M]: nan.

        Several requests, each within the service's limit, a few at once. Raises Unavailable when one fails or
        not all are answered ``until`` that reading of time.monotonic, Refused when the service lies where the
        policy does not lead.
        """
        result = np.full((len(sources), len(destinations)), np.nan)
        asked = np.ones(result.shape, np.bool_) if wanted is None else wanted

        def ask(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
            part = self._ask(profile, sources[rows], destinations[columns], quantity, until)
            result[np.ix_(rows, columns)] = part

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="roads") as pool:
            futures = [pool.submit(ask, rows, columns) for rows, columns in _blocks(asked)]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            pool.shutdown(wait=False, cancel_futures=True)
            for future in done:
                future.result()
        return np.where(asked, result, np.nan)

    def _ask(
        self, profile: str, sources: Floats, destinations: Floats, quantity: Quantity, until: float
    ) -> Floats:
        """One request."""
        left = until - time.monotonic()
        if left <= 0:
            raise Unavailable("roads.slow", provider=self.provider)
        within = replace(self.outbound, seconds=min(left, REQUEST_SECONDS))
        with net.safe_client(within, resolve=self.resolve, tls=self.tls) as client:
            url = self.url.replace("{profile}", profile)
            try:
                found = _PROVIDERS[self.provider](client, url, profile, sources, destinations, quantity)
                if found.shape != (len(sources), len(destinations)) or (found < 0).any():
                    raise ValueError("shape")
            except _MISSHAPEN as error:
                raise Unavailable("roads.failed", provider=self.provider) from error
        return found


def configured(
    spec: str | None, *, outbound: net.Outbound, resolve: net.Resolve = net.resolve_host
) -> Roads | None:
    """The road service of a setting, or None where there is none. Raises Malformed, naming the remedy, for a
    setting that cannot be used."""
    if not spec or not spec.strip():
        return None
    provider, _, address = spec.strip().partition(":")
    if provider not in _PROVIDERS:
        raise Malformed("roads.provider", provider=provider[:40], known=", ".join(_PROVIDERS))
    try:
        url = httpx2.URL(address.replace("{profile}", "car"))
    except httpx2.InvalidURL as error:
        raise Malformed("roads.url", provider=provider) from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise Malformed("roads.url", provider=provider)
    if url.scheme == "http" and f"{url.host}:{url.port or 80}" not in outbound.internal:
        raise Malformed("roads.https", provider=provider)
    return Roads(
        provider,
        address.partition("?")[0].partition("#")[0].rstrip("/"),
        _profiles(provider, address, url),
        outbound,
        resolve,
        httpx2.create_ssl_context(trust_env=False),
    )


def _profiles(provider: str, address: str, url: httpx2.URL) -> frozenset[str]:
    every = provider == "valhalla" or "{profile}" in address
    named = url.params.get("profiles", ",".join(PROFILES) if every else "car").split(",")
    if not set(named) <= set(PROFILES):
        raise Malformed("roads.profiles", known=", ".join(PROFILES))
    return frozenset(named)


def _blocks(asked: Bools) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns of requests that together hold every pair asked for, in the order they lie in."""
    for first in range(0, asked.shape[1], _MOST_DESTINATIONS):
        columns = np.arange(first, min(first + _MOST_DESTINATIONS, asked.shape[1]))
        rows = np.flatnonzero(asked[:, columns].any(axis=1))
        most = MOST_PLACES - len(columns)
        for start in range(0, len(rows), most):
            block = rows[start : start + most]
            yield block, columns[asked[np.ix_(block, columns)].any(axis=0)]


def _page(response: httpx2.Response) -> Any:
    if response.status_code >= 400:
        raise ValueError("refused")
    return response.json()


def _osrm(
    client: httpx2.Client,
    url: str,
    profile: str,
    sources: Floats,
    destinations: Floats,
    quantity: Quantity,
) -> Floats:
    places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in [*sources.tolist(), *destinations.tolist()])
    n, m = len(sources), len(destinations)
    params = {
        "sources": ";".join(map(str, range(n))),
        "destinations": ";".join(map(str, range(n, n + m))),
        "annotations": quantity,
    }
    page = _page(client.get(f"{url}/table/v1/{profile}/{places}", params=params))
    if page["code"] != "Ok":
        raise ValueError("refused")
    return _numbers(page[f"{quantity}s"]) / (1 if quantity == "duration" else 1000)


def _valhalla(
    client: httpx2.Client,
    url: str,
    profile: str,
    sources: Floats,
    destinations: Floats,
    quantity: Quantity,
) -> Floats:
    def places(rows: Floats) -> list[dict[str, float]]:
        return [{"lat": round(lat, 6), "lon": round(lon, 6)} for lat, lon in rows.tolist()]

    body = {
        "sources": places(sources),
        "targets": places(destinations),
        "costing": _COSTING[profile],
        "units": "kilometers",
    }
    headers = {"content-type": "application/json"}
    page = _page(client.post(f"{url}/sources_to_targets", content=json.dumps(body), headers=headers))
    name = "time" if quantity == "duration" else "distance"
    return _numbers([[pair[name] for pair in row] for row in page["sources_to_targets"]])


def _numbers(rows: list[list[float | None]]) -> Floats:
    """inf where the service says null: no way. Raises ValueError for what is no number."""
    found = np.array([[np.inf if value is None else float(value) for value in row] for row in rows])
    if np.isnan(found).any():
        raise ValueError("nan")
    return found


_Ask = Callable[[httpx2.Client, str, str, Floats, Floats, Quantity], Floats]
_PROVIDERS: Final[dict[str, _Ask]] = {"osrm": _osrm, "valhalla": _valhalla}
