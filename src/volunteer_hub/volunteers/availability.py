"""When a person can be called: the weekly pattern, exceptions from it, quiet hours and on-call duty."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.models import AvailabilityException, OnCall, Volunteer
from volunteer_hub.volunteers.registry import touched
from volunteer_hub.volunteers.rules import CALLABLE, MILDEST, words

_LONGEST: Final = timedelta(days=366)


def set_week(
    tx: Tx,
    row: Volunteer,
    mask: int,
    *,
    quiet_from: int | None = None,
    quiet_until: int | None = None,
    wakes_for: int | None = None,
) -> Volunteer:
    """Sets the weekly pattern, the quiet hours (minutes of the local day, both or none), and the mildest
    response level that may break them (0: none); None leaves that to what is usual here."""
    wrong = []
    if not 0 <= mask <= week.ALWAYS:
        wrong.append(FieldError("availability", "volunteer.availability"))
    if (quiet_from is None) != (quiet_until is None):
        missing, other = (
            ("quiet_from", "quiet_until") if quiet_from is None else ("quiet_until", "quiet_from")
        )
        wrong.append(FieldError(missing, "volunteer.both", {"other": Text(f"volunteers.field.{other}")}))
    wrong += [
        FieldError(name, "volunteer.hour")
        for name, minute in (("quiet_from", quiet_from), ("quiet_until", quiet_until))
        if minute is not None and not 0 <= minute < 24 * 60
    ]
    if wakes_for is not None and not 0 <= wakes_for <= MILDEST:
        wrong.append(FieldError("wakes_for", "volunteer.wakes_for"))
    if wrong:
        raise Malformed("form", fields=wrong)
    row.availability, row.quiet_from, row.quiet_until = mask, quiet_from, quiet_until
    row.wakes_for = wakes_for
    return touched(tx, row)


def add_exception(
    tx: Tx, row: Volunteer, starts_at: datetime, ends_at: datetime, *, available: bool
) -> AvailabilityException:
    """A time in which the pattern does not hold. Raises Malformed for a window that ends before it starts."""
    must_be_window(starts_at, ends_at)
    exception = AvailabilityException(
        volunteer_id=row.id, starts_at=starts_at, ends_at=ends_at, available=available
    )
    tx.add(exception)
    touched(tx, row)
    return exception


def remove_exception(tx: Tx, row: Volunteer, exception_id: int) -> None:
    """Takes back one of the person's own exceptions. Raises NotFound."""
    exception = tx.get(AvailabilityException, exception_id)
    if exception is None or exception.volunteer_id != row.id:
        raise NotFound("not_found")
    tx.delete(exception)
    touched(tx, row)


def put_on_call(tx: Tx, row: Volunteer, starts_at: datetime, ends_at: datetime, area: str) -> OnCall:
    """Gives an on-call duty for an area. Raises Refused for somebody who is not in the pool."""
    tx.actor.must_cover("volunteer.write", area)
    tx.actor.must_cover("volunteer.write", row.area)
    must_be_window(starts_at, ends_at)
    if row.status not in CALLABLE:
        raise Refused("volunteer.not_callable", state=words(row.status))
    duty = OnCall(volunteer_id=row.id, area=area, starts_at=starts_at, ends_at=ends_at)
    tx.add(duty)
    touched(tx, row)
    return duty


def take_off_call(tx: Tx, row: Volunteer, on_call_id: int) -> None:
    """Ends an on-call duty. Raises NotFound."""
    tx.actor.must_cover("volunteer.write", row.area)
    duty = tx.get(OnCall, on_call_id)
    if duty is None or duty.volunteer_id != row.id:
        raise NotFound("not_found")
    tx.delete(duty)
    touched(tx, row)


def on_call_now(tx: Tx, areas: list[str]) -> list[OnCall]:
    """Who is on call at this moment for one of these areas, by id."""
    query = select(OnCall).where(
        col(OnCall.area).in_(areas), col(OnCall.starts_at) <= tx.now, col(OnCall.ends_at) > tx.now
    )
    return list(tx.exec(query.order_by(col(OnCall.volunteer_id))))


def free_times(tx: Tx, row: Volunteer, start: datetime, end: datetime) -> list[week.Interval]:
    """When the person is free within a window, in UTC."""
    must_be_window(start, end)
    site = policy.load("hub", Site)
    touching = select(AvailabilityException).where(
        col(AvailabilityException.volunteer_id) == row.id,
        col(AvailabilityException.starts_at) < end,
        col(AvailabilityException.ends_at) > start,
    )
    exceptions = tx.exec(touching).all()
    duties = tx.exec(
        select(OnCall).where(
            col(OnCall.volunteer_id) == row.id, col(OnCall.starts_at) < end, col(OnCall.ends_at) > start
        )
    ).all()
    return week.free(
        row.availability,
        (start, end),
        site.timezone,
        site.night.starts,
        site.night.ends,
        on_call=[(duty.starts_at, duty.ends_at) for duty in duties],
        more=[(e.starts_at, e.ends_at) for e in exceptions if e.available],
        less=[(e.starts_at, e.ends_at) for e in exceptions if not e.available],
    )


def must_be_window(starts_at: datetime, ends_at: datetime) -> None:
    """Raises Malformed for a window that ends before it starts, or lasts longer than a year."""
    if starts_at >= ends_at:
        raise Malformed("volunteer.window", fields=[FieldError("ends_at", "volunteer.window")])
    if ends_at - starts_at > _LONGEST:
        raise Malformed("volunteer.window_long", fields=[FieldError("ends_at", "volunteer.window_long")])
