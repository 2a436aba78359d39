"""The alert with which the night begins: a CAP 1.2 document, as the city's command system sends it."""

from datetime import datetime, timedelta

from volunteer_hub.core.i18n import t
from volunteer_hub.incidents import cap_write
from volunteer_hub.incidents.cap_model import (
    CapAlert,
    CapArea,
    CapInfo,
    Category,
    Certainty,
    Circle,
    MsgType,
    Point,
    Scope,
    Severity,
    Status,
    Urgency,
)

SENDER = "command@daqing.example"
_LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
_RADIUS_KM = 2.0
_HOURS = 8


def blizzard(sent: datetime, place: Point, names: dict[str, str]) -> bytes:
    """A blizzard round a place; ``names`` is what the place is called in each language."""
    infos = tuple(
        CapInfo(
            event=t(lang, "demo.alert.event"),
            categories=(Category.MET,),
            urgency=Urgency.IMMEDIATE,
            severity=Severity.SEVERE,
            certainty=Certainty.OBSERVED,
            language=code,
            expires=sent + timedelta(hours=_HOURS),
            sender_name=t(lang, "demo.name.command"),
            headline=t(lang, "demo.alert.headline", place=names[lang]),
            description=t(lang, "demo.alert.description", place=names[lang]),
            areas=(CapArea(names[lang], circles=(Circle(place, _RADIUS_KM),)),),
        )
        for lang, code in _LANGUAGES.items()
    )
    return cap_write.write(
        CapAlert(
            identifier=f"DQ-{sent:%Y%m%d-%H%M}",
            sender=SENDER,
            sent=sent,
            status=Status.ACTUAL,
            msg_type=MsgType.ALERT,
            scope=Scope.PUBLIC,
            infos=infos,
        )
    )
