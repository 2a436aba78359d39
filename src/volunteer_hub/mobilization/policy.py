"""How people are called out (config/callouts.toml) and believed to answer (config/answers.toml)."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from volunteer_hub.core.policy import Policy

Channel = Literal["email", "sms", "voice", "webpush", "robot", "console"]
When = Literal["day", "night"]
CalloutKind = Literal["real", "drill"]
Probability = Annotated[float, Field(gt=0, lt=1)]


class CalloutRules(Policy):
    """[callout]. A callout to more than ``second_person_over`` people, or at night, is approved by a second
    person or sent with a reason. Durations in whole minutes.

    A forecast looks at least ``horizon_minutes`` ahead; the waves it sends are ``wave_minutes`` apart. Who
    says they will be there more than ``late_minutes`` after the start does not count for a minimum; who would
    be there for less than ``useful_minutes`` holds no place, where the slot does not say otherwise. The
    program proposes no re-plan within ``replan_minutes`` of the last plan.
    """

    second_person_over: NonNegativeInt
    confidence: Probability
    answer_minutes: PositiveInt
    wave_minutes: PositiveInt
    horizon_minutes: PositiveInt
    late_minutes: NonNegativeInt
    useful_minutes: NonNegativeInt
    replan_minutes: PositiveInt
    link_minutes: PositiveInt
    lease_minutes: PositiveInt
    rest_minutes: NonNegativeInt
    most_minutes_in_24h: int = Field(ge=60, le=1440)
    late_withdrawal_minutes: NonNegativeInt
    no_show_minutes: PositiveInt

    @model_validator(mode="after")
    def _link_outlives_the_question(self) -> "CalloutRules":
        if self.link_minutes < self.answer_minutes:
            raise ValueError("link_minutes: give at least answer_minutes, or a link dies before its deadline")
        return self


class Travel(Policy):
    """[travel]. Speeds in km/h along the road; the road is ``detour`` times the straight line.
    ``night_walk_km``: how far, in a straight line, people without transport at night go on foot."""

    detour: float = Field(ge=1, le=3)
    foot: PositiveFloat
    bicycle: PositiveFloat
    car: PositiveFloat
    night_walk_km: NonNegativeFloat

    def minutes(self, km: float, mode: Literal["foot", "bicycle", "car"], slow_down: float = 1.0) -> float:
        """Minutes for a straight-line distance in km."""
        speed: float = getattr(self, mode)
        return 60 * km * self.detour * slow_down / speed


class Goal(Policy):
    """[goal]. What is weighed after coverage, each as the minutes of travel it is worth avoiding; ``asking``
    is that of asking anybody at all. ``remedy_seconds``: for trying what would close a plan's gaps."""

    asking: PositiveFloat
    asked_lately: NonNegativeFloat
    served_lately: NonNegativeFloat
    night: NonNegativeFloat
    keep: NonNegativeFloat
    lately_days: PositiveInt
    deadline_seconds: PositiveFloat
    remedy_seconds: NonNegativeFloat


class FieldRules(Policy):
    """[field]. Whoever is to say "I am OK" is reminded after ``ok_remind_share`` of the time. So many minutes
    after the hour they were to come or go, people are overdue. ``rest_after_minutes``: on duty, where the
    hazard does not say otherwise."""

    ok_remind_share: Probability
    arrival_grace_minutes: NonNegativeInt
    end_grace_minutes: NonNegativeInt
    rest_after_minutes: PositiveInt


class GateRules(Policy):
    """[gate]. A gate is open for ``open_minutes``. ``insures``: whoever is let in is insured by the node for
    their duty. ``forms_per_address``: so many forms in 15 minutes from one network address, as a mobile
    network gives to many."""

    open_minutes: int = Field(ge=5, le=10_080)
    insures: bool
    forms_per_address: PositiveInt


class PresenceRules(Policy):
    """[presence]. A check by position counts within ``geofence_metres`` of the place, when the telephone
    knows where it is to ``accuracy_metres``; one kept without signal counts with its true time for
    ``late_minutes``. The code on a screen changes every ``screen_seconds``, and counts for one turn more;
    ``codes_per_address``: codes typed in 15 minutes from one network address by people who scanned it with a
    telephone that knows nobody."""

    geofence_metres: PositiveInt = 300
    accuracy_metres: PositiveInt = 150
    late_minutes: PositiveInt = 720
    screen_seconds: PositiveInt = 60
    codes_per_address: PositiveInt = 60


class Callouts(Policy):
    """config/callouts.toml."""

    callout: CalloutRules
    field: FieldRules
    gate: GateRules
    presence: PresenceRules = PresenceRules()
    travel: Travel
    goal: Goal


class Default(Policy):
    """Chance that a person accepts, worth ``strength`` earlier asks: Beta(accept x strength, (1 - accept) x
    strength). ``measured``: learned from so many asks of one's own, not assumed."""

    accept: Probability
    strength: PositiveFloat
    measured: bool = False


class Prior(Default):
    """The same of a person asked this way."""

    channel: Channel
    when: When
    kind: CalloutKind


class Correlation(Policy):
    """[[correlations]]. How far answers go together then; where ``hazard`` is left out, in any."""

    value: float = Field(ge=0, lt=1)
    when: When | None = None
    hazard: str | None = None


class Delay(Policy):
    """By how many minutes each of ``shares`` of all answers that come at all has come."""

    shares: tuple[Probability, ...] = Field(min_length=2)
    day: tuple[PositiveInt, ...]
    night: tuple[PositiveInt, ...]

    @model_validator(mode="after")
    def _curves_rise(self) -> "Delay":
        for key, values in (("shares", self.shares), ("day", self.day), ("night", self.night)):
            if len(values) != len(self.shares):
                raise ValueError(f"{key}: {len(values)} values for {len(self.shares)} shares; give one each")
            if any(left >= right for left, right in pairwise(values)):
                raise ValueError(f"{key} must rise from each value to the next")
        return self

    def minutes(self, when: When) -> tuple[PositiveInt, ...]:
        """The minutes of that time of day."""
        return self.day if when == "day" else self.night


class ChannelDelay(Delay):
    """[[delays]]. The same of one channel, where ``kind`` is left out, for callouts and drills."""

    channel: Channel
    kind: CalloutKind | None = None


class Learning(Policy):
    """[learning]. How answers are learned from: an ask counts half after ``half_life_days``. A callout is
    settled ``settle_minutes`` after its end, when receipts have come; all is fitted anew when the last time
    is ``anew_hours`` ago, and in between the newest callouts are added.

    ``person``, ``area``: how alike the answers of one person are within their community, of one community
    within its city (intraclass correlations), until it is measured: worth what ``people`` asked more than
    once, or ``areas``, would show. ``correlation`` is worth that of so many ``callouts``.

    ``ways``: the share of what a city lies off the assumed by one way of asking that it lies off by all: so
    drills tell of callouts, and days of nights. With 0 each way is learned for itself.
    """

    half_life_days: PositiveFloat = 365
    settle_minutes: NonNegativeInt = 30
    anew_hours: PositiveInt = 24
    person: Probability = 0.1
    area: Probability = 0.01
    people: PositiveInt = 300
    areas: PositiveInt = 30
    callouts: PositiveInt = 12
    ways: float = Field(default=0.7, ge=0, lt=1)


class Answers(Policy):
    """config/answers.toml. ``correlation``: how far answers to one callout go together (0 = independent)."""

    learning: Learning = Learning()
    default: Default
    correlation: float = Field(ge=0, lt=1)
    correlations: tuple[Correlation, ...] = ()
    delay: Delay
    delays: tuple[ChannelDelay, ...] = ()
    priors: tuple[Prior, ...] = ()

    def prior(self, channel: Channel, when: When, kind: CalloutKind) -> Default:
        """What is believed of a way of asking; the default where nothing is stated."""
        for row in self.priors:
            if (row.channel, row.when, row.kind) == (channel, when, kind):
                return row
        return self.default

    def together(self, when: When, hazard: str) -> float:
        """How far answers go together: the first of [[correlations]] that fits, else ``correlation``."""
        for row in self.correlations:
            if row.when in (None, when) and row.hazard in (None, hazard):
                return row.value
        return self.correlation

    def delay_of(self, channel: Channel, kind: CalloutKind) -> Delay:
        """How fast a channel is answered: the first of [[delays]] that fits, else ``delay``."""
        for row in self.delays:
            if row.channel == channel and row.kind in (None, kind):
                return row
        return self.delay

    @model_validator(mode="after")
    def _stated_once(self) -> "Answers":
        seen: set[tuple[str, str, str]] = set()
        for number, row in enumerate(self.priors):
            key = (row.channel, row.when, row.kind)
            if key in seen:
                raise ValueError(f"priors.{number}: {' '.join(key)} is stated twice; keep one of the two")
            seen.add(key)
        return self
