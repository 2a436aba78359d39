"""Many people's taps on the button of their link, over connections kept alive; a process of its own.

    echo '{"port": 8000, "connections": 16, "tokens": ["..."]}' | python -m benchmarks.answer_load

Prints {"seconds", "latencies": [seconds of each], "statuses": {status: count}}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator

BODY = b"arrival=30"


def request(token: str, port: int) -> bytes:
    """What a browser without a script sends for that button."""
    return (
        f"POST /c/{token}/accept HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head.split(b" ", 2)[1])


async def _tap(port: int, tokens: Iterator[str], latencies: list[float], statuses: Counter[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for token in tokens:
        started = time.perf_counter()
        writer.write(request(token, port))
        status = await _answer(reader)
        latencies.append(time.perf_counter() - started)
        statuses[status] += 1
    writer.close()
    await writer.wait_closed()


async def load(port: int, connections: int, tokens: list[str]) -> dict[str, object]:
    """Every token once, each by whichever connection is free; raises when a connection breaks."""
    waiting, latencies, statuses = iter(tokens), list[float](), Counter[int]()
    started = time.perf_counter()
    await asyncio.gather(*(_tap(port, waiting, latencies, statuses) for _ in range(connections)))
    return {"seconds": time.perf_counter() - started, "latencies": latencies, "statuses": statuses}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(**json.load(sys.stdin)))))
