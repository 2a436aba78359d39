"""Text messages as Chinese carriers take them: an approved text by its id, and variables.

The signature comes first, then 演练 or 实战 as fixed text, so that each has templates of its own; the
domain is fixed in the text, and of a link only what follows it is a variable (config/sms_templates.toml).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, PositiveInt

from volunteer_hub.core.i18n import LANGUAGES, catalogue
from volunteer_hub.core.policy import Policy
from volunteer_hub.notify.rules import Kind

MARKERS: Final = {
    Kind.REAL: {"zh": "实战：", "en": "REAL CALLOUT: "},
    Kind.DRILL: {"zh": "演练：", "en": "DRILL: "},
    Kind.NONE: {"zh": "", "en": ""},
}
_STAFF: Final = ("action_", "alert_", "debrief_", "handover_", "incident_", "level_", "second_", "upward_")
"""How purposes begin that are told to staff alone, by console and e-mail."""
_PLAIN: Final = frozenset(
    {
        *("application_declined", "certification", "heard", "login_code", "welcome"),
        *("training_promoted", "training_changed", "training_cancelled", "training_passed"),
        *("training_refresher", "training_suspended", "training_restored"),
        *("mentor_asked", "mentor_agreed"),
        *("deduction", "deduction_confirmed", "deduction_given_back"),
        *("gift_given", "gift_received", "gift_waits", "gift_refused"),
    }
)
"""Purposes that belong neither to a real callout nor to a drill."""
_ANY: Final = frozenset({"note"})
"""Purposes that may belong to either, and to none."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_LINK: Final = re.compile(r"(https?://[^\s$]*)\$\{link\}")


class Template(Policy):
    """One approved text. ``id`` is the provider's, empty until it is approved."""

    id: str = ""
    text: str = Field(min_length=1)


class Templates(Policy):
    """config/sms_templates.toml: ``templates.<purpose>.<kind>.<language>``. A variable longer than
    ``longest_variable`` is shortened, because carriers refuse it."""

    signature: str = Field(min_length=2, max_length=12)
    longest_variable: PositiveInt
    templates: dict[str, dict[Kind, dict[str, Template]]]


@dataclass(frozen=True)
class Filled:
    """What goes out: the template's ``id``, its ``variables``, and the ``text`` that the person reads."""

    id: str
    variables: dict[str, str]
    text: str


class NoTemplate(ValueError):
    """Nothing approved can say this."""


def fill(
    policy: Templates, purpose: str, kind: Kind, lang: str, facts: Mapping[str, Any], link: str
) -> Filled:
    """A message put into its template. Raises NoTemplate, KeyError for a fact that is missing."""
    template = policy.templates.get(purpose, {}).get(kind, {}).get(lang)
    if template is None or not template.id:
        raise NoTemplate(f"no template for {purpose}.{kind}.{lang}")
    fixed = _LINK.search(template.text)
    given = dict(facts)
    if fixed is not None:
        if not link.startswith(fixed[1]):
            raise NoTemplate(f"the template of {purpose} names another address than HUB_BASE_URL")
        given["link"] = link.removeprefix(fixed[1])
    variables = {
        name: _short(str(given[name]), policy.longest_variable) for name in _VARIABLE.findall(template.text)
    }
    return Filled(template.id, variables, _VARIABLE.sub(lambda found: variables[found[1]], template.text))


def _short(value: str, longest: int) -> str:
    value = " ".join(value.split())
    return value if len(value) <= longest else value[: longest - 1] + "…"


def wrong(policy: Templates, base_url: str) -> list[str]:
    """What keeps these templates from carrying every message to people, a line each with what to do."""
    return list(_wrong(policy, base_url.rstrip("/")))


def _wrong(policy: Templates, base_url: str) -> Iterator[str]:
    for purpose, kind, lang in needed():
        key = f"templates.{purpose}.{kind}.{lang}"
        template = policy.templates.get(purpose, {}).get(kind, {}).get(lang)
        if template is None:
            yield f"{key}: add this template; without it the message cannot be sent"
            continue
        first = f"【{policy.signature}】{MARKERS[kind][lang]}"
        if not template.id:
            yield f"{key}.id: submit the text to your provider and enter the id it is approved under"
        if not template.text.startswith(first):
            yield f'{key}.text: begin with "{first}"'
        for address in re.findall(r"https?://[^\s$]*", template.text):
            if not address.startswith(f"{base_url}/"):
                yield f"{key}.text: {address} is not below HUB_BASE_URL, {base_url}; register that domain"


def needed() -> list[tuple[str, Kind, str]]:
    """(purpose, kind, language) of every text message to people."""
    keys = (str(key).split(".") for key in catalogue("zh"))
    purposes = {parts[1] for parts in keys if parts[0] == "message" and parts[-1] == "short"}
    return [
        (purpose, kind, lang)
        for purpose in sorted(purposes)
        if not purpose.startswith(_STAFF)
        for kind in _kinds(purpose)
        for lang in sorted(LANGUAGES)
    ]


def _kinds(purpose: str) -> tuple[Kind, ...]:
    if purpose in _PLAIN:
        return (Kind.NONE,)
    return (Kind.REAL, Kind.DRILL, Kind.NONE) if purpose in _ANY else (Kind.REAL, Kind.DRILL)
