"""Telling staff: the accounts that hold a right in an area, by console and, where set up, by e-mail."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account
from volunteer_hub.core.db import Tx
from volunteer_hub.notify import dispatch, outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel, Kind, Subject

TOLD_WITHIN: Final = timedelta(hours=12)


def holders(tx: Tx, permission: str, area: str, but: int | None = None) -> list[Account]:
    """Who is told of something in an area: everybody with that right there, but the one who did it."""
    return [account for account in accounts.holders(tx, permission, area) if account.id != but]


def tell(
    tx: Tx,
    people: Iterable[Account],
    purpose: str,
    *,
    about: tuple[Subject, int],
    area: str,
    kind: Kind,
    params: dict[str, Any],
    deed: str,
) -> int:
    """Queues one message per account and channel; ``deed`` makes it happen once. The count queued."""
    channels = sorted(dispatch.configured() & {Channel.CONSOLE, Channel.EMAIL})
    drafts = [
        Draft(
            purpose=purpose,
            subject_kind=about[0],
            subject_id=about[1],
            area=area,
            channel=channel,
            lang=account.lang,
            dedupe_key=f"{deed}:{purpose}:account{account.id}:{channel}",
            expires_at=tx.now + TOLD_WITHIN,
            account_id=account.id,
            kind=kind,
            params=params,
        )
        for account in people
        for channel in channels
    ]
    return outbox.enqueue(tx, drafts)
