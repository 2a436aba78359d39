"""The outbox goes out as text messages, against a bare loop of the same HTTP client at the same gateway.

``python -m benchmarks.dispatch [--quick]``. One gateway, the project's made-up one in a process of its own,
takes every message; one PostgreSQL holds the outbox. Ours is the job as it runs: due messages are leased, put
into words, handed over and written down. The bare loop posts the very same forms, ready made, with the same
client and as many at once, and does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import httpx2
from sqlalchemy import text

from benchmarks import ground, report
from benchmarks.callout_rows import callout_of
from volunteer_hub import bootstrap
from volunteer_hub.core import db, embedded, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.flows import deliver
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.notify import callbacks, dispatch
from volunteer_hub.notify.outbox import take_due

_AGAIN = text(
    "UPDATE messages SET state = 'queued', attempts = 0, lease_until = NULL, sent_at = NULL, error = NULL, "
    "provider_id = NULL, receipt_by = NULL, next_at = :now, "
    "dedupe_key = split_part(dedupe_key, '#', 1) || '#' || :round WHERE channel = 'sms'"
)
_SENT = text("SELECT count(*) FROM messages WHERE state = 'sent' AND provider_id IS NOT NULL")


@contextmanager
def gateway() -> Iterator[str]:
    """The made-up gateway in a process of its own, without receipts; what HUB_SMS_URL is to be."""
    command = [sys.executable, "-m", "volunteer_hub.simulation.gateway", "--no-receipts"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["sms"]
        finally:
            process.terminate()


def unpaced(folder: Path) -> Path:
    """Our rules of sending without a limit per sender number: the line decides."""
    own = folder / "config"
    own.mkdir()
    rules = policy.path_of("messages").read_text(encoding="utf-8")
    (own / "messages.toml").write_text(rules.replace("\nsms   = 100\n", "\n"), encoding="utf-8")
    return own


def queue_again(round_: int) -> None:
    """Every message is due once more, under a key that the gateway has not seen."""
    with db.transaction(SYSTEM, "bench") as tx:
        tx.execute(_AGAIN, {"now": tx.now, "round": str(round_)})


def ours(count: int) -> float:
    """Messages a second from the outbox to the gateway and back into the outbox."""
    started = time.perf_counter()
    taken = 0
    while taken < count:
        done = deliver.sweep()
        assert done, "nothing more is due"
        taken += done
    seconds = time.perf_counter() - started
    with db.read(SYSTEM) as tx:
        assert tx.scalar(_SENT) == count
    return count / seconds


def forms(count: int) -> list[tuple[dict[str, str], str]]:
    """The forms that ours posts, and their keys."""
    found: list[tuple[dict[str, str], str]] = []
    with db.transaction(SYSTEM, "bench") as tx:
        while len(found) < count:
            letters, _ = deliver.compose(tx, take_due(tx, 1_000))
            for letter in letters:
                receipt = callbacks.receipt(letter.public_id)
                form = {"To": letter.address, "From": "+8610", "Body": letter.body, "StatusCallback": receipt}
                found.append((form, f"bare:{letter.dedupe_key}"))
        tx.rollback()
    return found


def bare(url: SplitResult, ready: Sequence[tuple[dict[str, str], str]], round_: int) -> float:
    """Messages a second by a loop that only posts."""
    address = url._replace(netloc=f"{url.hostname}:{url.port}", query="").geturl()

    async def whole() -> None:
        left = iter(ready)
        auth = (url.username or "", url.password or "")
        async with httpx2.AsyncClient(auth=auth, timeout=20) as client:

            async def hand() -> None:
                for form, key in left:
                    headers = {"Idempotency-Key": f"{key}:{round_}"}
                    answer = await client.post(address, data=form, headers=headers)
                    assert answer.status_code == 201

            await asyncio.gather(*(hand() for _ in range(dispatch.AT_ONCE)))

    started = time.perf_counter()
    asyncio.run(whole())
    return len(ready) / (time.perf_counter() - started)


def main() -> None:
    rounds, count = (3, 2_000) if "--quick" in sys.argv[1:] else (5, 10_000)
    report.machine()
    with (
        gateway() as sms_url,
        ground.installation(HUB_ENV="production", HUB_SMS_URL=sms_url) as folder,
    ):
        os.environ["HUB_CONFIG"] = str(unpaced(folder))
        server = embedded.start(folder)
        with ground.database(server, "base"):
            migrations.upgrade(db.engine())
            bootstrap.start()
            callout_of(count)
            ready = forms(count)
            own, peers = [], []
            for round_ in range(rounds):
                queue_again(round_)
                own.append(ours(count))
                peers.append(bare(urlsplit(sms_url), ready, round_))
    rows = [
        ["the outbox, sent", statistics.median(own), min(own), max(own)],
        ["bare client loop", statistics.median(peers), min(peers), max(peers)],
    ]
    report.table(
        f"{count:,} text messages each way, median of {rounds} rounds, {dispatch.AT_ONCE} at once",
        ["way", "messages/s", "slowest", "fastest"],
        rows,
    )
    report.bar("dispatch.per_second", statistics.median(own), ">=", 600)
    ratio = statistics.median(a / b for a, b in zip(own, peers, strict=True))
    report.bar("dispatch.share_of_bare_loop", ratio, ">=", 0.6)


if __name__ == "__main__":
    main()
