"""Which pages are photographed: (name of the picture, who looks, where). Words in braces are addresses that a
made-up city gives, named in `screens_stage` and `screens.details`."""

import re
from collections.abc import Collection
from typing import Final

_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")

SHOTS: Final = (
    ("login", "guest", "/login"),
    ("join", "guest", "/join"),
    ("code", "guest", "/login/code"),
    ("unknown", "guest", "/c/xxxxxxxxxxxxxxxxxxxxxx"),
    ("incidents", "coordinator", "/incidents"),
    ("incidents-closed", "coordinator", "/incidents?closed=1"),
    ("declare", "coordinator", "/incidents/new"),
    ("board-declared", "coordinator", "{declared}"),
    ("board-planned", "coordinator", "{planned}"),
    ("board", "coordinator", "{running}"),
    ("board-closed", "coordinator", "{closed}"),
    ("field", "coordinator", "{running}/field"),
    ("field-roll", "coordinator", "{running}/field/roll"),
    ("print", "coordinator", "{running}/print"),
    ("print-sign-in", "coordinator", "{running}/print/sign-in"),
    ("print-assignments", "coordinator", "{running}/print/assignments"),
    ("print-briefing", "coordinator", "{running}/print/briefing"),
    ("print-badges", "coordinator", "{running}/print/badges"),
    ("print-log", "coordinator", "{running}/print/log"),
    ("print-duties", "coordinator", "{running}/print/duties"),
    ("print-check-out", "coordinator", "{running}/print/check-out"),
    ("release", "coordinator", "{running}/release"),
    ("injuries", "coordinator", "{running}/injuries"),
    ("upward", "coordinator", "{running}/upward"),
    ("tell", "coordinator", "{running}/tell"),
    ("gates", "coordinator", "{running}/gates"),
    ("plan", "coordinator", "{planned-plan}"),
    ("callout-live", "coordinator", "{running-callout}"),
    ("callout-closed", "coordinator", "{closed-callout}"),
    ("replies", "coordinator", "{running-callout}/replies"),
    ("hand-calls", "coordinator", "{running-callout}/hand-calls"),
    ("paper", "coordinator", "{running-callout}/paper"),
    ("task", "coordinator", "{task}"),
    ("check-in-screen", "coordinator", "{task}/screen"),
    ("replay", "coordinator", "{closed}/replay"),
    ("report", "coordinator", "{closed}/report"),
    ("drills", "coordinator", "/drills"),
    ("drill-new", "coordinator", "/drills/new"),
    ("answers", "coordinator", "/drills/answers"),
    ("readiness", "coordinator", "/readiness"),
    ("what-if", "coordinator", "/what-if"),
    ("floors", "coordinator", "/floors"),
    ("call-downs", "coordinator", "/call-downs"),
    ("actions", "coordinator", "/actions"),
    ("action-new", "coordinator", "/actions/new"),
    ("promise", "coordinator", "/promise"),
    ("training", "coordinator", "/training"),
    ("training-session", "coordinator", "{session}"),
    ("training-courses", "coordinator", "/training/courses"),
    ("training-results", "coordinator", "/training/results"),
    ("hours", "coordinator", "/hours"),
    ("newcomers", "coordinator", "/newcomers"),
    ("evaluations", "coordinator", "{closed}/evaluations"),
    ("training-lessons", "coordinator", "/training/courses/first_aid/lessons"),
    ("deductions", "coordinator", "/deductions"),
    ("gifts", "coordinator", "/gifts"),
    ("recognition", "coordinator", "/recognition"),
    ("rewards", "coordinator", "/rewards"),
    ("counter", "coordinator", "/counter"),
    ("unclear", "coordinator", "/unclear-replies"),
    ("accounts", "coordinator", "/accounts"),
    ("areas", "coordinator", "/areas"),
    ("jobs", "coordinator", "/jobs"),
    ("job", "coordinator", "/jobs/deliver"),
    ("settings", "coordinator", "/settings"),
    ("audit", "coordinator", "/audit"),
    ("volunteers", "clerk", "/volunteers"),
    ("volunteer", "clerk", "{volunteer}"),
    ("import", "clerk", "/volunteers/import"),
    ("callout", "guest", "{asked}"),
    ("callout-accepted", "guest", "{accepted}"),
    ("callout-on-site", "guest", "{on_site}"),
    ("callout-declined", "guest", "{declined}"),
    ("callout-standing-by", "guest", "{standing_by}"),
    ("callout-decline", "guest", "{asked}/decline"),
    ("callout-later", "guest", "{asked}/later"),
    ("duty-accepted", "guest", "{accepted}/duty"),
    ("duty-on-site", "guest", "{on_site}/duty"),
    ("survey", "guest", "{survey}"),
    ("today", "volunteer", "/today"),
    ("me", "volunteer", "/me"),
    ("me-availability", "volunteer", "/me/availability"),
    ("me-correct", "volunteer", "/me/correct"),
    ("me-erase", "volunteer", "/me/erase"),
    ("me-certificates", "volunteer", "/me/certificates"),
    ("me-points", "volunteer", "/me/points"),
    ("offline", "guest", "/offline"),
    ("learn", "volunteer", "/learn"),
    ("learn-course", "volunteer", "/learn/courses/first_aid"),
    ("learn-lesson", "volunteer", "/learn/courses/first_aid/lessons/safety_and_120"),
    ("my-rewards", "volunteer", "/me/rewards"),
    ("my-gifts", "volunteer", "/me/give"),
    ("my-recognition", "volunteer", "/me/recognition"),
)

ROUTES: Final = {
    "declared": "/incidents/{id:uuid}",
    "planned": "/incidents/{id:uuid}",
    "running": "/incidents/{id:uuid}",
    "closed": "/incidents/{id:uuid}",
    "planned-plan": "/plans/{id:uuid}",
    "running-callout": "/callouts/{id:uuid}",
    "closed-callout": "/callouts/{id:uuid}",
    "session": "/training/sessions/{id:uuid}",
    "task": "/tasks/{id:uuid}",
    "volunteer": "/volunteers/{id:uuid}",
    "asked": "/c/{token}",
    "accepted": "/c/{token}",
    "on_site": "/c/{token}",
    "declined": "/c/{token}",
    "standing_by": "/c/{token}",
    "survey": "/s/{token}",
}
"""What the router calls such an address: docs/screens.md is made from it."""


def pattern(where: str, routes: Collection[str]) -> str:
    """The route that the place of a shot, or an address, belongs to."""
    path = where.format_map(ROUTES).partition("?")[0]
    if path in routes:
        return path
    return next(one for one in routes if re.fullmatch(_PARAMETER.sub("[^/]+", one), path))


def named(route: str) -> str:
    """What the picture of a page without a shot is called."""
    return _PARAMETER.sub(r"\1", route).strip("/").replace("/", "-")
