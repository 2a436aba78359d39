"""What has been answered, counted; and what the answer model keeps of it: settled asks, sums, versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import func, text
from sqlmodel import col, select

from volunteer_hub.core import packed
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import rules
from volunteer_hub.mobilization.answer_models import AnswerCallout, AnswerVersion
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import Kind, OfferState

Columns = dict[str, NDArray[Any]]
_LOCK: Final = 7_110_021
_CHUNK: Final = 1_000_000  # offers read at a time
_ASK: Final = {"volunteer_id": "i8", "callout_id": "i8", "day": "f8", "cell": "i2", "outcome": "i2"} | {
    "weight": "f4",
    "delay": "f4",
}
_PERSON: Final = {"volunteer_id": "i8", "cell": "i2", "asks": "f4", "yes": "f4"}
_AREA: Final = {"area_id": "i8", "cell": "i2", "asks": "f8", "yes": "f8", "squares": "f8"}


@dataclass(frozen=True)
class Counts:
    """How people asked since a moment have answered. ``answered`` includes every answer, also "no"."""

    asked: int
    answered: int
    accepted: int


def counts(tx: Tx, kind: Kind, since: datetime) -> Counts:
    """Over the offers in the actor's areas that were asked at or after ``since``."""
    has_answered = col(Offer.answered_at).is_not(None)
    said_yes = col(Offer.state).in_(rules.PLACED | {OfferState.STANDING_BY})
    wanted = (
        select(func.count(), func.count().filter(has_answered), func.count().filter(said_yes))
        .select_from(Offer)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .where(
            col(Callout.kind) == kind,
            col(Offer.asked_at) >= since,
            tx.actor.scope("callout.read", Offer.area),
        )
    )
    asked, answered, accepted = tx.exec(wanted).one()
    return Counts(asked, answered, accepted)


def due(tx: Tx, settle: timedelta, limit: int) -> list[Callout]:
    """Callouts that are over so long that no receipt is missing any more, and have taught nothing yet."""
    over = func.least(col(Callout.expires_at), func.coalesce(col(Callout.ended_at), col(Callout.expires_at)))
    known = select(AnswerCallout.callout_id).where(col(AnswerCallout.callout_id) == col(Callout.id))
    waiting = col(Offer.state) == OfferState.ASKED
    asked = select(Offer.id).where(col(Offer.callout_id) == col(Callout.id), waiting)
    wanted = select(Callout).where(over <= tx.now - settle, ~known.exists(), ~asked.exists())
    return list(tx.exec(wanted.order_by(over, col(Callout.id)).limit(limit)))


def lock(tx: Tx) -> None:
    """One refresh at a time: another waits here until this transaction ends."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def latest(tx: Tx, at: datetime | None = None) -> AnswerVersion | None:
    """The newest version, or the one that was then; None before the first."""
    wanted = select(AnswerVersion).order_by(col(AnswerVersion.id).desc()).limit(1)
    return tx.exec(wanted.where(col(AnswerVersion.made_at) <= at) if at is not None else wanted).first()


def versions(tx: Tx, before: int | None = None, limit: int = 50) -> list[AnswerVersion]:
    """The versions with an id below ``before``, the newest first."""
    wanted = select(AnswerVersion).order_by(col(AnswerVersion.id).desc()).limit(limit)
    return list(tx.exec(wanted.where(col(AnswerVersion.id) < before) if before is not None else wanted))


def fitted_anew(tx: Tx) -> AnswerVersion | None:
    """The newest version that was fitted to everything."""
    wanted = select(AnswerVersion).where(col(AnswerVersion.anew)).order_by(col(AnswerVersion.id).desc())
    return tx.exec(wanted.limit(1)).first()


def add(tx: Tx, **values: Any) -> AnswerVersion:
    """A new version, made now of all that is settled by now."""
    settled = select(func.count(), func.coalesce(func.sum(AnswerCallout.asks), 0)).select_from(AnswerCallout)
    callouts, asks = tx.exec(settled).one()
    version = AnswerVersion(made_at=tx.now, callouts=callouts, asks=asks, **values)
    tx.add(version)
    tx.flush()
    return version


def settle(tx: Tx, callouts: Mapping[int, int], asks: Columns) -> None:
    """Writes down settled asks, by callout how many."""
    tx.add_all(
        [AnswerCallout(callout_id=key, settled_at=tx.now, asks=n) for key, n in sorted(callouts.items())]
    )
    tx.flush()
    packed.write(tx, "answer_asks", asks)


def settled_asks(tx: Tx) -> Columns:
    """Everything settled, by offer."""
    bounds = tx.execute(text("SELECT min(offer_id), max(offer_id) FROM answer_asks")).one()
    if bounds[0] is None:
        return packed.columns(tx, _ASK, sql.SQL("SELECT * FROM answer_asks"))
    parts = [
        packed.columns(
            tx,
            _ASK,
            sql.SQL("SELECT * FROM answer_asks WHERE offer_id >= {} AND offer_id < {}").format(
                sql.Literal(start), sql.Literal(start + _CHUNK)
            ),
        )
        for start in range(bounds[0], bounds[1] + 1, _CHUNK)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in _ASK}


def people(tx: Tx, ids: Collection[int]) -> Columns:
    """The sums of these people, by person and cell."""
    return _of(tx, _PERSON, "answer_people", ids)


def areas(tx: Tx, ids: Collection[int]) -> Columns:
    """The sums of these nodes, by node and cell."""
    return _of(tx, _AREA, "answer_areas", ids)


def replace(tx: Tx, people: Columns, areas: Columns) -> None:
    """All sums anew. Whoever reads meanwhile sees those before."""
    for table, values in (("answer_people", people), ("answer_areas", areas)):
        tx.execute(text(f"DELETE FROM {table}"))  # noqa: S608  # one of the two names above
        packed.write(tx, table, values)


def merge(tx: Tx, people: Columns, areas: Columns) -> None:
    """Adds to the sums of these people and nodes, and to no other."""
    for table, key, values in (
        ("answer_people", "volunteer_id", people),
        ("answer_areas", "area_id", areas),
    ):
        sums = [name for name in values if name not in (key, "cell")]
        kinds = [f"unnest(CAST(:{name} AS {packed.SENT[values[name].dtype.str[1:]]}[]))" for name in values]
        added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
        statement = text(
            f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(kinds)} "
            f"ON CONFLICT ({key}, cell) DO UPDATE SET {added}"
        )
        tx.execute(statement, {name: array.tolist() for name, array in values.items()})


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes a person out of the model; what their community is known for fades without them, and the next
    fitting to everything leaves them out."""
    for table in ("answer_asks", "answer_people"):
        tx.execute(
            text(f"DELETE FROM {table} WHERE volunteer_id = :person"),  # noqa: S608  # one of the two
            {"person": volunteer_id},
        )


def _of(tx: Tx, kinds: Mapping[str, str], table: str, ids: Collection[int]) -> Columns:
    names = sql.SQL(", ").join(map(sql.Identifier, kinds))
    key = next(iter(kinds))
    query = sql.SQL("SELECT {} FROM {} WHERE {} = ANY({}) ORDER BY 1, 2").format(
        names, sql.Identifier(table), sql.Identifier(key), sql.Literal(sorted(ids))
    )
    return packed.columns(tx, kinds, query)
