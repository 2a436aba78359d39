"""What an alert does here: the status gate, repeats, updates and cancellations in any order, expiry.

Pure: what is already stored comes in as ``KnownAlert``s, the time as ``now``. To replay an old alert, call
with ``now`` = the time it was sent.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol

from volunteer_hub.core import geo
from volunteer_hub.incidents.cap_model import (
    ALL_CLEAR,
    CapAlert,
    CapArea,
    CapInfo,
    MsgType,
    Point,
    Reference,
    Severity,
    Status,
    Urgency,
)

Colour = Literal["blue", "yellow", "orange", "red"]
Language = Literal["en", "zh"]

LIFE_WITHOUT_EXPIRES = timedelta(hours=24)  # CAP leaves it to the recipient
CLOCK_TOLERANCE = timedelta(hours=1)
COLOURS: tuple[Colour, ...] = ("blue", "yellow", "orange", "red")
SEVERITIES = (Severity.UNKNOWN, Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
URGENCIES = (Urgency.UNKNOWN, Urgency.PAST, Urgency.FUTURE, Urgency.EXPECTED, Urgency.IMMEDIATE)
# senders name their own colour in a parameter: Taiwan alert_color, MeteoAlarm awareness_level
_SIMPLIFIED = str.maketrans("藍黃紅", "蓝黄红")  # Taiwan and Hong Kong name the same colours
_COLOUR_PARAMETERS = ("color", "colour", "颜色", "顏色", "awareness_level")


class Kind(StrEnum):
    PROPOSE = "propose"  # offer the coordinator a real incident
    PROPOSE_DRILL = "propose_drill"
    UPDATE = "update"  # the incidents that the alert references
    CANCEL = "cancel"  # the incidents, and what is still only proposed
    EXPIRED = "expired"  # shown, nothing proposed
    STALE = "stale"  # a newer message on the same matter came first
    REPEAT = "repeat"  # already here: changes nothing
    IGNORE_TEST = "ignore_test"
    KEEP = "keep"  # stored and shown, does nothing; `why` says so


class Why(StrEnum):
    """Why an alert is only kept."""

    ACKNOWLEDGEMENT = "acknowledgement"
    NO_INFO = "no_info"
    NO_REFERENCES = "no_references"
    REFERENCE_UNSEEN = "reference_unseen"
    OTHER_SENDER = "other_sender"
    OTHER_STATUS = "other_status"
    CANCELLED_BEFORE = "cancelled_before"
    ALL_CLEAR = "all_clear"
    SENT_IN_FUTURE = "sent_in_future"


class HazardTables(Protocol):
    """The operator's editable tables, as far as alerts need them."""

    def match(self, event: str, categories: tuple[Any, ...] = ()) -> str | None:
        """The hazard that a text names, among those of the categories."""
        ...

    def colour_of(self, text: str) -> Colour | None:
        """The warning colour that a text names."""
        ...

    def colour_for(self, severity: Any) -> Colour:
        """The warning colour that stands for a CAP severity."""
        ...


@dataclass(frozen=True)
class KnownAlert:
    """A stored alert, and the incident it led to or acted on."""

    reference: Reference
    status: Status
    msg_type: MsgType
    references: tuple[Reference, ...] = ()
    incident_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """What to do with an alert.

    ``infos`` are the blocks still in force, worst first (all blocks when none is); severity and colour are
    the worst of them, whatever the language shown. ``acts_on`` are the stored alerts an update or
    cancellation concerns, ``incident_ids`` what they led to (may be empty: then only proposals change).
    ``then`` are stored messages that waited for this one: decide each again, in this order.
    """

    kind: Kind
    why: Why | None = None
    expired: bool = False
    infos: tuple[CapInfo, ...] = ()
    severity: Severity = Severity.UNKNOWN
    colour: Colour | None = None
    hazard: str | None = None
    areas: tuple[CapArea, ...] = ()
    place: Point | None = None
    acts_on: tuple[Reference, ...] = ()
    incident_ids: tuple[int, ...] = ()
    then: tuple[Reference, ...] = ()

    def info(self, language: Language) -> CapInfo | None:
        """The block to show to a reader of this language."""
        return choose_info(self.infos, language)


def decide(alert: CapAlert, known: Sequence[KnownAlert], now: datetime, tables: HazardTables) -> Decision:
    """Decide on one alert.

    ``known``: every stored alert which has this one's sender and identifier, or is referenced by this one,
    or references this one or one of those; without the alert itself when it is decided again.
    """
    if any(k.reference == alert.reference for k in known):
        return Decision(Kind.REPEAT)
    verdict = _verdict(alert, [k for k in known if k.reference.sent <= now + CLOCK_TOLERANCE], now)
    live = [info for info in alert.infos if not _over(info, alert, now)]
    shown = tuple(sorted(live or alert.infos, key=_gravity, reverse=True))
    return replace(
        verdict,
        expired=bool(alert.infos) and not live,
        infos=shown,
        severity=shown[0].severity if shown else Severity.UNKNOWN,
        colour=warning_colour(shown, tables),
        hazard=hazard(shown, tables),
        areas=tuple(dict.fromkeys(area for info in shown for area in info.areas)),
        place=place(shown),
        then=_waiting(alert, known),
    )


def choose_info(infos: Iterable[CapInfo], language: Language) -> CapInfo | None:
    """The gravest block in the reader's language; in any language when there is none."""
    found = list(infos)
    own = [info for info in found if info.language.lower().replace("_", "-").split("-")[0] == language]
    return max(own or found, key=_gravity, default=None)


def warning_colour(infos: Sequence[CapInfo], tables: HazardTables) -> Colour | None:
    """The gravest colour that the sender names; failing that, the one standing for the worst severity.
    None without blocks."""
    named = [
        colour
        for info in infos
        for text in _colour_texts(info)
        if (colour := tables.colour_of(text.translate(_SIMPLIFIED)))
    ]
    meant = named or [tables.colour_for(info.severity.value) for info in infos]
    return max(meant, key=COLOURS.index, default=None)


def hazard(infos: Sequence[CapInfo], tables: HazardTables) -> str | None:
    """The hazard that event, headline or event code name, in this order. None: the coordinator chooses."""
    parts: tuple[Callable[[CapInfo], Iterable[str]], ...] = (
        lambda info: (info.event,),
        lambda info: (info.headline,),
        lambda info: (code.value for code in info.event_codes),
    )
    for texts in parts:
        for info in infos:
            categories = tuple(category.value for category in info.categories)
            for text in texts(info):
                if found := tables.match(text, categories):
                    return found
    return None


def place(infos: Iterable[CapInfo]) -> Point | None:
    """Where to put the proposed incident: the middle of the largest shape. None when areas are only names
    or codes."""
    areas = [area for info in infos for area in info.areas]
    polygons = [ring for area in areas for ring in area.polygons]
    if polygons:
        return geo.centroid(max(polygons, key=geo.area_km2))
    circles = [circle for area in areas for circle in area.circles]
    return max(circles, key=lambda circle: circle.radius_km).centre if circles else None


def _verdict(alert: CapAlert, known: Sequence[KnownAlert], now: datetime) -> Decision:
    if alert.status not in (Status.ACTUAL, Status.EXERCISE):
        return Decision(Kind.IGNORE_TEST)
    if alert.sent > now + CLOCK_TOLERANCE:
        return _keep(Why.SENT_IN_FUTURE)
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        return _keep(Why.ACKNOWLEDGEMENT)
    targets = [k for k in known if _concerns(alert, k)]
    if targets or alert.msg_type is not MsgType.ALERT:
        return _follow(alert, targets, known, now)
    return _propose(alert, known, now)


def _propose(alert: CapAlert, known: Sequence[KnownAlert], now: datetime) -> Decision:
    if not alert.infos:
        return _keep(Why.NO_INFO)
    followers = _followers(alert.reference, alert, known)
    if any(k.msg_type is MsgType.CANCEL for k in followers):
        return _keep(Why.CANCELLED_BEFORE)
    if any(k.incident_id is not None for k in followers):
        return Decision(Kind.STALE)
    live = [info for info in alert.infos if not _over(info, alert, now)]
    if not live:
        return Decision(Kind.EXPIRED)
    if all(ALL_CLEAR in info.response_types for info in live):
        return _keep(Why.ALL_CLEAR)
    return Decision(Kind.PROPOSE if alert.status is Status.ACTUAL else Kind.PROPOSE_DRILL)


def _follow(
    alert: CapAlert, targets: Sequence[KnownAlert], known: Sequence[KnownAlert], now: datetime
) -> Decision:
    """An update or cancellation, or an alert issued again under its old identifier."""
    own = [k for k in targets if _same_hand(k, alert)]
    rivals = [k for target in own for k in _followers(target.reference, alert, known)]
    if obstacle := _obstacle(alert, targets, own, rivals):
        return obstacle
    acts_on = tuple(k.reference for k in own)
    incidents = tuple(sorted({k.incident_id for k in (*own, *rivals) if k.incident_id is not None}))
    if alert.msg_type is MsgType.CANCEL:
        return Decision(Kind.CANCEL, acts_on=acts_on, incident_ids=incidents)
    verdict = _propose(alert, known, now)
    if incidents and (verdict.kind in (Kind.PROPOSE, Kind.PROPOSE_DRILL) or verdict.why is Why.ALL_CLEAR):
        return Decision(Kind.UPDATE, acts_on=acts_on, incident_ids=incidents)
    return replace(verdict, acts_on=acts_on)


def _obstacle(
    alert: CapAlert, targets: Sequence[KnownAlert], own: Sequence[KnownAlert], rivals: Sequence[KnownAlert]
) -> Decision | None:
    """Why a message may not act on what it references, if so."""
    if not targets:
        return _keep(Why.REFERENCE_UNSEEN if alert.references else Why.NO_REFERENCES)
    if not own:
        # somebody else's message, or an exercise, must never end a real incident
        same_sender = any(k.reference.sender == alert.sender for k in targets)
        return _keep(Why.OTHER_STATUS if same_sender else Why.OTHER_SENDER)
    if any(k.reference.sent >= alert.sent for k in (*own, *rivals)):
        return Decision(Kind.STALE)
    return _keep(Why.CANCELLED_BEFORE) if any(k.msg_type is MsgType.CANCEL for k in rivals) else None


def _followers(target: Reference, alert: CapAlert, known: Sequence[KnownAlert]) -> list[KnownAlert]:
    """Stored messages on ``target`` of the alert's own sender and status."""
    return [
        k
        for k in known
        if _same_hand(k, alert) and any(_same(reference, target) for reference in k.references)
    ]


def _waiting(alert: CapAlert, known: Sequence[KnownAlert]) -> tuple[Reference, ...]:
    """Messages on this alert that came before it and did nothing yet, in the order sent."""
    early = [k.reference for k in _followers(alert.reference, alert, known) if k.incident_id is None]
    return tuple(sorted(early, key=lambda reference: reference.sent))


def _same(a: Reference, b: Reference) -> bool:
    """Whether two references mean one alert. The sent time is not compared: senders print it differently,
    and CAP demands that identifiers be unique for a sender."""
    return a.sender == b.sender and a.identifier == b.identifier


def _concerns(alert: CapAlert, k: KnownAlert) -> bool:
    return any(_same(k.reference, reference) for reference in (*alert.references, alert.reference))


def _same_hand(k: KnownAlert, alert: CapAlert) -> bool:
    return k.reference.sender == alert.sender and k.status is alert.status


def _over(info: CapInfo, alert: CapAlert, now: datetime) -> bool:
    until = info.expires or (info.onset or info.effective or alert.sent) + LIFE_WITHOUT_EXPIRES
    return until <= now


def _gravity(info: CapInfo) -> tuple[int, int]:
    return SEVERITIES.index(info.severity), URGENCIES.index(info.urgency)


def _colour_texts(info: CapInfo) -> Iterable[str]:
    yield info.event
    yield info.headline
    for parameter in info.parameters:
        if any(word in parameter.name.lower() for word in _COLOUR_PARAMETERS):
            yield parameter.value


def _keep(why: Why) -> Decision:
    return Decision(Kind.KEEP, why=why)
