"""A real HTTP server that speaks OSRM's and Valhalla's formats over an invented country.

Roads are straight and ``DETOUR`` times too long; cars drive 36 km/h, bicycles 18, walkers 4.5. Nobody crosses
the meridian of ``RIVER``, where a test sets one.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from volunteer_hub.core.geo import haversine_km

DETOUR = 1.25
KMH = {"car": 36.0, "auto": 36.0, "bike": 18.0, "bicycle": 18.0, "foot": 4.5, "pedestrian": 4.5}
Place = tuple[float, float]


@dataclass
class Country:
    """The server's state: what it was asked, and how it misbehaves."""

    port: int = 0
    river: float | None = None
    says: bytes | None = None  # in place of an answer
    status: int = 200
    hangs: threading.Event | None = None
    asked: list[tuple[str, list[Place], list[Place]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def km(self, one: Place, other: Place) -> float | None:
        if self.river is not None and (one[1] < self.river) != (other[1] < self.river):
            return None
        return DETOUR * float(haversine_km(*one, *other))

    def seconds(self, profile: str, one: Place, other: Place) -> float | None:
        km = self.km(one, other)
        return None if km is None else km / KMH[profile] * 3600


@contextlib.contextmanager
def country() -> Iterator[Country]:
    """The server, as long as the block lasts."""
    state = Country()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        if state.hangs is not None:
            state.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(state: Country) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

        def do_GET(self) -> None:
            where = urlsplit(self.path)
            _, table, version, profile, places = where.path.rsplit("/", 4)
            asked = {name: values[0] for name, values in parse_qs(where.query).items()}
            spots = [
                (float(lat), float(lon)) for lon, lat in (place.split(",") for place in places.split(";"))
            ]
            sources = [spots[int(n)] for n in asked["sources"].split(";")]
            targets = [spots[int(n)] for n in asked["destinations"].split(";")]
            if (table, version) != ("table", "v1") or len(spots) > 100:
                return self.answer({"code": "TooBig"}, 400)
            self.note(profile, sources, targets)
            if asked["annotations"] == "duration":
                rows = [[state.seconds(profile, a, b) for b in targets] for a in sources]
                return self.answer({"code": "Ok", "durations": rows})
            lengths = [[state.km(a, b) for b in targets] for a in sources]
            metres = [[None if km is None else km * 1000 for km in row] for row in lengths]
            return self.answer({"code": "Ok", "distances": metres})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path.endswith("/sources_to_targets")
            sources = [(place["lat"], place["lon"]) for place in body["sources"]]
            targets = [(place["lat"], place["lon"]) for place in body["targets"]]
            self.note(body["costing"], sources, targets)
            rows = [
                [
                    {
                        "time": state.seconds(body["costing"], a, b),
                        "distance": state.km(a, b),
                        "from_index": i,
                        "to_index": j,
                    }
                    for j, b in enumerate(targets)
                ]
                for i, a in enumerate(sources)
            ]
            return self.answer({"sources_to_targets": rows, "units": "kilometers"})

        def note(self, profile: str, sources: list[Any], targets: list[Any]) -> None:
            with state.lock:
                state.asked.append((profile, sources, targets))
            if state.hangs is not None:
                state.hangs.wait(30)

        def answer(self, page: object, status: int | None = None) -> None:
            body = json.dumps(page).encode() if state.says is None else state.says
            self.send_response(status or state.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    return Handler
