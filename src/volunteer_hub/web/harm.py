"""The form for an injury, an exposure or a near miss, as people and those in charge fill it in."""

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from volunteer_hub.core.i18n import t
from volunteer_hub.mobilization.field_rules import LONGEST_PLACE, LONGEST_WORDS, Harm, Severity, Treated
from volunteer_hub.mobilization.injuries import Happened
from volunteer_hub.web.forms import Form

E = TypeVar("E", bound=StrEnum)


def choices(lang: str) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen in each field, in words."""
    return {
        "kind": [(one.value, t(lang, f"field.harm.{one}")) for one in Harm],
        "severity": [(one.value, t(lang, f"field.severity.{one}")) for one in Severity],
        "treated": [(one.value, t(lang, f"field.treated.{one}")) for one in Treated],
    }


def happened(form: Form, at: datetime) -> Happened:
    """What the form says; what is wrong with it is among its faults."""
    return Happened(
        kind=_one(form, "kind", Harm.INJURY),
        severity=_one(form, "severity", Severity.MINOR),
        treated=_one(form, "treated", Treated.NOT_NEEDED),
        words=form.text("words", LONGEST_WORDS),
        place=form.text("place", LONGEST_PLACE),
        happened_at=at,
    )


def _one(form: Form, name: str, default: E) -> E:
    """The value chosen, the default for none of ours."""
    value = form.text(name, 40)
    return next((one for one in type(default) if one.value == value), default)
