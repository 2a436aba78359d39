"""What the pages on which people evaluate each other share: the form read, and the words of its choices."""

from dataclasses import dataclass
from typing import Final

from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.feedback import evaluation_rules as rules
from volunteer_hub.feedback import evaluations
from volunteer_hub.feedback.evaluation_rules import Mark, Side
from volunteer_hub.web.forms import Form

_MARK: Final = "mark."


@dataclass(frozen=True)
class Asked:
    """What is asked of a side, in words; ``options`` are the three marks."""

    criteria: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]


def asked(side: Side, lang: str) -> Asked:
    """The criteria of the configuration in one language."""
    return Asked(
        tuple((one.code, pick(one.text, lang)) for one in rules.criteria(evaluations.in_force(), side)),
        tuple((mark.value, t(lang, f"evaluation.mark.{mark}")) for mark in Mark),
    )


def marks(form: Form) -> dict[str, object]:
    """Criterion -> mark, as sent."""
    return {
        name.removeprefix(_MARK): values[0]
        for name, values in form.values.items()
        if name.startswith(_MARK) and values
    }


def fault(lang: str, error: HubError) -> str:
    """What is wrong, in one line."""
    found = [t(lang, f"error.{one.code}", **one.params) for one in error.fields]
    return " ".join(found) or t(lang, f"error.{error.code}", **error.params)
