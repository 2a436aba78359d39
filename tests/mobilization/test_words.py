"""Every state, reason, outcome and error of the column has its words in both languages."""

import re
from pathlib import Path

import pytest

from volunteer_hub import mobilization
from volunteer_hub.core import i18n
from volunteer_hub.mobilization import rules

SOURCES = tuple(Path(mobilization.__file__).parent.glob("*.py"))
RAISED = re.compile(r'(?:Refused|Malformed|Gone|NotFound)\(\s*"([a-z_.]+)"')
ENUMS = {
    "plan.state": rules.PlanState,
    "callout.state": rules.CalloutState,
    "callout.kind": rules.Kind,
    "offer.state": rules.OfferState,
    "offer.reason": rules.DeclineReason,
    "duty.state": rules.DutyState,
    "duty.grade": rules.Grade,
    "duty.evidence": rules.Evidence,
}


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_nothing_is_left_without_words(lang: str) -> None:
    raised = {code for path in SOURCES for code in RAISED.findall(path.read_text(encoding="utf-8"))}
    steps = {f"{noun}.step" for noun in ("plan", "callout", "offer", "duty")}
    outcomes = {outcome: rules.refusal(outcome) for outcome in rules.Outcome}
    refused = {error.code for error in outcomes.values() if error is not None}
    wanted = {f"error.{code}" for code in raised | steps | refused}
    wanted |= {f"{prefix}.{member}" for prefix, members in ENUMS.items() for member in members}
    wanted |= {f"offer.outcome.{outcome}" for outcome, error in outcomes.items() if error is None}
    assert len(raised) > 15
    assert {key for key in wanted if not i18n.has(lang, key)} == set()
