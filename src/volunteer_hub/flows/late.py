"""What was done on a telephone without signal arrives later: taken with the time at which it was done, once.

The telephone says how long ago that was and not at what hour, so that a clock that is wrong does no harm; how
long ago it may be is a setting, and nobody's word moves a deed into the time to come.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core import idempotency
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import field, presence, respond, roll_call
from volunteer_hub.flows.presence import Proof
from volunteer_hub.mobilization import check_rules
from volunteer_hub.mobilization.desk import Reply


class What(StrEnum):
    """What can wait for a signal; each is the last word of the address to which it would have been sent."""

    ON_MY_WAY = "on-my-way"
    CHECK_IN = "check-in"
    CHECK_OUT = "check-out"
    OK = "ok"
    SAFE = "safe"
    ACCEPT = "accept"
    DECLINE = "decline"
    LATER = "later"
    WITHDRAW = "withdraw"
    ACK = "ack"


_ROUNDED: Final = timedelta(seconds=3)
"""Telephone and server tell each other whole seconds: two deeds as close may seem turned round."""

ANSWERS = frozenset({What.ACCEPT, What.DECLINE, What.LATER, What.WITHDRAW, What.ACK})


@dataclass(frozen=True)
class Kept:
    """One deed as the telephone kept it: ``seconds`` ago, under a ``key`` of its own. ``proof`` comes with a
    check, ``reply`` with an answer, both as if said now; ``minutes``: the way of whoever set out."""

    what: What
    seconds: int
    key: str
    proof: Proof
    reply: Reply | None = None
    minutes: int = 0


def take(tx: Tx, token: str, kept: Kept) -> None:
    """Does what somebody did then; again under the same key it changes nothing.

    Raises Refused for one too long ago, Malformed for one yet to come, and as the deed itself.
    """
    offer = respond.by_link(tx, token)
    mark = idempotency.fingerprint("LATE", f"{offer.public_id} {kept.what}", b"")
    if idempotency.earlier(tx, kept.key, mark) is not None:
        return
    at = check_rules.true_time(tx.now - timedelta(seconds=kept.seconds), tx.now, presence.rules_of())
    if kept.reply is not None:
        _answer(tx, token, kept.reply, max(at, offer.asked_at or at))
    else:
        _deed(tx, token, kept, at)
    idempotency.remember(tx, kept.key, mark, 204, None)


def _answer(tx: Tx, token: str, reply: Reply, at: datetime) -> None:
    [result] = respond.many(tx, [(token, replace(reply, given_at=at))])
    if isinstance(result, HubError):
        raise result


def _deed(tx: Tx, token: str, kept: Kept, at: datetime) -> None:
    duty = duties.by_link(tx, token)
    proof = replace(kept.proof, at=at)
    match kept.what:
        case What.CHECK_IN:
            presence.check_in(tx, duty, proof)
        case What.CHECK_OUT:
            came = duty.checked_in_at
            if came is not None and at < came <= at + _ROUNDED:
                proof = replace(proof, at=came)
            presence.check_out(tx, duty, proof)
        case What.ON_MY_WAY:
            field.on_my_way(tx, duty, kept.minutes, at)
        case What.OK:
            field.ok(tx, duty, at)
        case _:
            roll_call.safe(tx, duty)
