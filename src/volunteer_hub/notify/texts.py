"""From a message's purpose and facts to the words one person reads. REAL or DRILL always comes first."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from volunteer_hub.core.i18n import pick, t
from volunteer_hub.notify.rules import Channel, Kind

_LOCALES: Final = {"en": "en_GB", "zh": "zh_Hans_CN"}
_PATTERNS: Final = {
    "email": {"en": "EEE d MMM HH:mm", "zh": "M月d日 EEE HH:mm"},
    "voice": {"en": "EEEE d MMMM, HH:mm", "zh": "M月d日H点mm分"},
    "short": {"en": "d MMM HH:mm", "zh": "M月d日HH:mm"},  # one Chinese text message holds 70 characters
    "robot": {"en": "EEE d MMM HH:mm", "zh": "M月d日 EEE HH:mm"},
    "push": {"en": "EEE d MMM HH:mm", "zh": "M月d日 EEE HH:mm"},
}


_LENGTHS: Final = {
    Channel.EMAIL: "email",
    Channel.VOICE: "voice",
    Channel.WEBPUSH: "push",
    Channel.ROBOT: "robot",
}
_TITLED: Final = frozenset({Channel.WEBPUSH, Channel.ROBOT})
"""Where the subject, which says REAL or DRILL, stands above the body."""


@dataclass(frozen=True)
class Rendered:
    """What goes out: ``subject`` is used by e-mail, and as the title of a notification."""

    subject: str
    body: str


def render(
    purpose: str, channel: Channel, lang: str, kind: Kind, params: dict[str, Any], personal: dict[str, Any]
) -> Rendered:
    """The subject and body of a message.

    ``params`` are the stored facts: a moment is ISO 8601 text under a key ending in ``_at``, shown in the
    zone of ``params["zone"]``; a configured name is ``{en, zh}``. ``personal`` comes at sending: name, link.
    """
    length = _LENGTHS.get(channel, "short")
    facts = facts_of(params, lang, length) | personal
    spoken = ".voice" if channel is Channel.VOICE else ""
    marker = t(lang, f"message.kind.{kind}{spoken}") if kind is not Kind.NONE else ""
    body = t(lang, f"message.{purpose}.{length}", **facts)
    subject = t(lang, f"message.{purpose}.subject", **facts)
    return Rendered(f"{marker}{subject}", body if channel in _TITLED else f"{marker}{body}")


def facts_of(params: dict[str, Any], lang: str, length: str = "short") -> dict[str, Any]:
    """The stored facts as they are read, moments in the form for this ``length``."""
    pattern = _PATTERNS[length][lang]
    zone = ZoneInfo(params.get("zone", "UTC"))
    return {name: _fact(name, value, lang, pattern, zone) for name, value in params.items()}


def _fact(name: str, value: Any, lang: str, pattern: str, zone: ZoneInfo) -> Any:
    if name.endswith("_at") and isinstance(value, str):
        return _moment(value, lang, pattern, zone)
    if isinstance(value, dict) and {"en", "zh"} <= value.keys():
        return pick(value, lang)
    return value


@lru_cache(maxsize=1_000)
def _moment(value: str, lang: str, pattern: str, zone: ZoneInfo) -> str:
    """Kept, because everybody asked for one slot reads the same hours."""
    return format_datetime(datetime.fromisoformat(value).astimezone(zone), pattern, locale=_LOCALES[lang])
