"""The console's navigation: what this account may open, in the order of a working night."""

from typing import Any, Final

from fastapi import Request

from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.web.render import NavEntry, language_of

# What stands together -> (href, catalogue key, icon, the permission that opens it)
_GROUPS: Final = {
    "": (
        ("/incidents", "nav.incidents", "alert", "incident.read"),
        ("/unclear-replies", "unclear.title", "message", "duty.write"),
    ),
    "nav.group.people": (
        ("/volunteers", "nav.volunteers", "person", "volunteer.read"),
        ("/newcomers", "nav.newcomers", "person", "volunteer.read"),
        ("/training", "nav.training", "book", "training.read"),
        ("/training/courses", "training.courses", "book", "training.read"),
        ("/hours", "nav.hours", "clock", "points.write"),
        ("/deductions", "nav.deductions", "flag", "points.write"),
        ("/recognition", "nav.recognition", "star", "points.read"),
        ("/rewards", "nav.rewards", "star", "reward.write"),
        ("/gifts", "nav.gifts", "person", "points.write"),
        ("/counter", "nav.counter", "check", "reward.redeem"),
    ),
    "nav.group.ready": (
        ("/drills", "nav.drills", "clock", "drill.read"),
        ("/readiness", "nav.readiness", "map", "drill.read"),
        ("/what-if", "nav.whatif", "chart", "drill.read"),
        ("/floors", "nav.floors", "shield", "floor.read"),
        ("/call-downs", "nav.call_downs", "print", "volunteer.export"),
        ("/actions", "nav.actions", "flag", "action.read"),
    ),
    "nav.group.house": (
        ("/accounts", "nav.accounts", "person", "account.read"),
        ("/areas", "nav.areas", "map", "account.read"),
        ("/jobs", "nav.jobs", "clock", "job.read"),
        ("/settings", "nav.settings", "list", "settings.read"),
        ("/robots", "nav.robots", "message", "jurisdiction.write"),
        ("/audit", "nav.audit", "list", "audit.read"),
    ),
}

# The pages of a busy night -> the key that opens them, held with the browser's own (Alt; on a Mac Control and
# Option), so that no letter typed by mistake leads away from a page
_KEYS: Final = {
    "/incidents": "1",
    "/unclear-replies": "2",
    "/volunteers": "3",
    "/drills": "4",
    "/readiness": "5",
    "/what-if": "6",
    "/actions": "7",
}


def console(request: Request, actor: Actor, **context: Any) -> dict[str, Any]:
    """The context that every console page starts from: ``nav``, ``account``, and what the page adds."""
    lang = language_of(request)
    entries = [
        NavEntry(href, t(lang, key), icon, t(lang, group) if group else "", _KEYS.get(href, ""))
        for group, pages in _GROUPS.items()
        for href, key, icon, right in pages
        if actor.may(right)
    ]
    account = {"name": actor.name, "role": t(lang, f"nav.kind.{actor.kind}"), "sign_out": "/logout"}
    return {"nav": entries, "account": account, **context}
