"""A line goes down or works again: written down, and told to whoever runs a callout meanwhile."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import col, select

from volunteer_hub.core import live
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import LIVE
from volunteer_hub.notify import outages, outbox
from volunteer_hub.notify.rules import Channel


def note(tx: Tx, down: Mapping[Channel, datetime], works: Collection[Channel]) -> None:
    """What a batch of messages showed: lines that are ``down``, each since when, and such that took one.

    What a line failed while it was down goes out now that it works, and not only at its next try.
    """
    begun = outages.begin(tx, down)
    ended = outages.end(tx, set(works) - down.keys())
    for outage in ended:
        outage.waited = outbox.release(tx, [outage.channel])
    if not begun and not ended:
        return
    running = tx.exec(select(Callout).where(col(Callout.state).in_(LIVE))).all()
    wanted = select(Incident).where(col(Incident.id).in_({callout.incident_id for callout in running}))
    for incident in tx.exec(wanted.order_by(col(Incident.id))):
        for channel in begun:
            logbook.record(tx, incident, LogKind.CALLOUT, "line_down", channel=channel.value)
        for outage in ended:
            way, waited = outage.channel.value, outage.waited
            logbook.record(tx, incident, LogKind.CALLOUT, "line_works", channel=way, n=waited)
    live.changed(tx, [callout.id for callout in running])
    tx.flush()
