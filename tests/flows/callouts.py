"""A plan of tests.world made by hand, approved by Mei, and sent: what stories about callouts start from."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from tests import kept
from tests import world as worlds
from tests.world import Names, World, world
from volunteer_hub.core import clock, policy, versions
from volunteer_hub.core.actor import GUEST, SYSTEM
from volunteer_hub.core.db import Tx, read, transaction
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.flows import mobilize, respond
from volunteer_hub.incidents.models import RoleSlot, SlotMinimum
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import attendance, offers, plans
from volunteer_hub.mobilization.models import Callout, Duty, Offer, PlanRun
from volunteer_hub.notify.models import Message
from volunteer_hub.volunteers.models import Volunteer

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
"""10:00 in Daqing; the work of tests.world begins an hour later."""


def at_ten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Body of a fixture: the clock stands at NOW; a mail server is named, so that people can be reached."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with clock.fixed(NOW):
        yield
    monkeypatch.undo()
    settings.cache_clear()


@contextmanager
def minutes_later(minutes: float) -> Iterator[datetime]:
    """So many minutes after NOW."""
    moment = NOW + timedelta(minutes=minutes)
    with clock.fixed(moment):
        yield moment


@dataclass(frozen=True)
class Sent:
    """A callout that is out. ``helpers`` and ``aid`` are the ids of its two slots."""

    world: World
    plan: PlanRun
    callout: Callout

    @property
    def helpers(self) -> int:
        return self.world.slots[0]

    @property
    def aid(self) -> int:
        return self.world.slots[1]

    def task(self, tx: Tx) -> int:
        """The id of the task."""
        return tx.get_one(RoleSlot, self.helpers).task_id

    def offer(self, tx: Tx, person: Volunteer) -> Offer:
        """The offer to one person, as stored."""
        wanted = select(Offer).where(
            col(Offer.callout_id) == self.callout.id, col(Offer.volunteer_id) == person.id
        )
        return tx.exec(wanted.execution_options(populate_existing=True)).one()

    def token(self, tx: Tx, person: Volunteer) -> str:
        """The token of their link."""
        return offers.link_token(self.offer(tx, person).public_id)

    def states(self, tx: Tx) -> dict[str, int]:
        """How many offers are in each state."""
        found: dict[str, int] = {}
        wanted = select(Offer.state).where(col(Offer.callout_id) == self.callout.id)
        for state in tx.exec(wanted):
            found[state.value] = found.get(state.value, 0) + 1
        return found


def planned(
    tx: Tx, w: World, pairs: Sequence[tuple[int, Volunteer]], reserves: Sequence[tuple[int, Volunteer]] = ()
) -> PlanRun:
    """A finished plan of Mei's incident, not yet approved."""
    with transaction(w.mei, "plan.request") as as_mei:
        plan = plans.request(
            as_mei,
            w.incident.id,
            w.incident.area,
            deadline_seconds=20,
            seed=1,
            policy_version=versions.current(as_mei),
        )
    assert plans.claim(tx, 60) is not None
    document: dict[str, Any] = {
        "pairs": [{"slot": slot, "volunteer": person.id, "wave": 1} for slot, person in pairs],
        "reserves": [{"slot": slot, "volunteer": person.id} for slot, person in reserves],
    }
    finished = plans.finish(tx, plan.id, document, objective={}, problem_digest="d")
    tx.expunge(finished)
    return finished


def approved(w: World, plan: PlanRun) -> PlanRun:
    """Approved by Mei, with a reason that stands in for a second person."""
    with transaction(w.mei, "plan.approve") as as_mei:
        return plans.approve(
            as_mei,
            plan.id,
            local=time(12, 0),
            rules_of=mobilize.rules_of(),
            night=policy.load("hub", Site).night,
            reason="water is rising",
        )


def sent(
    tx: Tx,
    *,
    helpers: int = 10,
    reserves: int = 0,
    kind: Kind = Kind.REAL,
    crowd: int = 20,
    nested: bool = True,
) -> Sent:
    """Bo for first aid, Lin and the first of the crowd as helpers; the next of the crowd in reserve. Without
    ``nested`` no first-aider is wanted among the helpers."""

    def build() -> Sent:
        w = world(tx, crowd=crowd, kind=kind)
        if not nested:
            tx.execute(delete(SlotMinimum))
        chosen = [w.lin, *w.crowd][:helpers]
        spare = [person for person in w.crowd if person not in chosen][:reserves]
        pairs = [(w.slots[0], person) for person in chosen] + [(w.slots[1], w.bo)]
        return send(tx, w, pairs, [(w.slots[0], person) for person in spare])

    return _kept(tx, ("sent", helpers, reserves, kind, crowd, nested), build)


def coming(tx: Tx, **more: Any) -> Sent:
    """Bo and Lin have said that they come; the rest as of `sent`."""

    def build() -> Sent:
        out = sent(tx, **more)
        for person in (out.world.bo, out.world.lin):
            answer(respond.accept, out.token(tx, person))
        return out

    return _kept(tx, ("coming", *sorted(more.items())), build)


def _kept(tx: Tx, key: kept.Key, build: Callable[[], Sent]) -> Sent:
    def found(names: tuple[Names, int, int]) -> Sent:
        with read(SYSTEM) as apart:
            plan, callout = apart.get_one(PlanRun, names[1]), apart.get_one(Callout, names[2])
        return Sent(worlds.found(tx, names[0]), plan, callout)

    return kept.once(
        tx, key, build, lambda out: (worlds.named(out.world), out.plan.id, out.callout.id), found
    )


def duty_of(tx: Tx, out: Sent, person: Volunteer) -> Duty:
    """Their duty, as stored."""
    found = attendance.of_offer(tx, out.offer(tx, person))
    assert found is not None
    tx.refresh(found)
    return found


def send(
    tx: Tx, w: World, pairs: Sequence[tuple[int, Volunteer]], reserves: Sequence[tuple[int, Volunteer]] = ()
) -> Sent:
    """Another plan of a world that is there already, approved and sent by Mei."""
    plan = approved(w, planned(tx, w, pairs, reserves))
    with transaction(w.mei, "callout.send") as as_mei:
        callout = mobilize.send(as_mei, as_mei.get_one(PlanRun, plan.id))
    return Sent(w, plan, callout)


def messages(tx: Tx, purpose: str | None = None) -> list[Message]:
    """The outbox about people and incidents, oldest first."""
    wanted = select(Message).order_by(col(Message.id)).execution_options(populate_existing=True)
    if purpose is not None:
        wanted = wanted.where(col(Message.purpose) == purpose)
    return list(tx.exec(wanted).all())


def answer(deed: Callable[..., Any], token: str, *more: Any) -> Any:
    """A deed of flows.respond by link, in a transaction of its own."""
    with transaction(GUEST, "offer.answer") as tx:
        return deed(tx, token, *more)
