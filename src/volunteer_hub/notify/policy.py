"""How hard and how often messages are tried (config/messages.toml)."""

from datetime import datetime, time, timedelta
from itertools import pairwise

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from volunteer_hub.core.policy import Policy
from volunteer_hub.notify.rules import Channel


class QuietHours(Policy):
    """[quiet]. Local hours of people who have not set their own, and the mildest response level (1 to 4; 0:
    none) whose real callouts still reach in quiet hours those who have not said which may."""

    starts: time
    ends: time
    broken_by: int = Field(ge=0, le=4)


class Week(Policy):
    """[week]. What an ask costs, and how much of it one person is asked in seven days; callouts of level I
    are neither counted nor held back."""

    most: PositiveInt
    callout: NonNegativeInt
    drill: NonNegativeInt


class Prices(Policy):
    """[prices]. In thousandths of the currency: a part of a text message, and a call."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    sms_part: NonNegativeInt
    voice_call: NonNegativeInt


class Pace(Policy):
    """[pace]. Messages a second by one sender number, as the provider allows; left out: no limit."""

    sms: PositiveFloat | None = None
    voice: PositiveFloat | None = None
    email: PositiveFloat | None = None


class LineRules(Policy):
    """[line]. After so many ``failures`` in a row a gateway is left in peace for ``rest_seconds``."""

    failures: PositiveInt
    rest_seconds: PositiveInt


class Receipts(Policy):
    """[receipts]. Minutes without a receipt after which a person's next address is tried, by channel; a
    channel whose gateway gives none is left out."""

    sms: PositiveInt | None = None
    voice: PositiveInt | None = None
    webpush: PositiveInt | None = None

    def minutes(self) -> dict[Channel, int | None]:
        """By channel."""
        return {Channel.SMS: self.sms, Channel.VOICE: self.voice, Channel.WEBPUSH: self.webpush}

    def due(self, channel: Channel, sent_at: datetime) -> datetime | None:
        """When the receipt of a message must have come; None: none is waited for."""
        minutes = self.minutes().get(channel)
        return sent_at + timedelta(minutes=minutes) if minutes is not None else None


class Push(Policy):
    """[push]. For so many days after a notification was seen to appear on it, a device counts as a way to
    reach its owner; otherwise web push only goes beside another message."""

    counts_days: PositiveInt


class Messages(Policy):
    """config/messages.toml. ``retry_seconds``: the waits before the second, third ... attempt; after the
    last, or ``give_up_minutes`` after the first, a message has failed. ``most_a_day``: to one person, real
    callouts aside."""

    retry_seconds: tuple[PositiveInt, ...] = Field(min_length=1)
    give_up_minutes: PositiveInt
    most_a_day: PositiveInt
    quiet: QuietHours
    week: Week
    prices: Prices
    receipts: Receipts
    push: Push
    pace: Pace
    line: LineRules

    @model_validator(mode="after")
    def _waits_grow(self) -> "Messages":
        if any(left > right for left, right in pairwise(self.retry_seconds)):
            raise ValueError("retry_seconds must not shrink from one wait to the next")
        return self
