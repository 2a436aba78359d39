"""The console's navigation: what this account may open, in the order of a working night."""

from typing import Any, Final

from fastapi import Request

from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import t
from volunteer_hub.web.render import NavEntry, language_of

# href, catalogue key, icon, the permission that opens it
_ENTRIES: Final = (
    ("/incidents", "nav.incidents", "alert", "incident.read"),
    ("/volunteers", "nav.volunteers", "person", "volunteer.read"),
    ("/floors", "nav.floors", "shield", "floor.read"),
    ("/call-downs", "nav.call_downs", "print", "volunteer.export"),
    ("/drills", "nav.drills", "clock", "drill.read"),
    ("/training", "nav.training", "book", "training.read"),
    ("/readiness", "nav.readiness", "map", "drill.read"),
    ("/what-if", "nav.whatif", "chart", "drill.read"),
    ("/hours", "nav.hours", "star", "points.write"),
    ("/robots", "nav.robots", "message", "jurisdiction.write"),
    ("/recognition", "nav.recognition", "flag", "points.read"),
    ("/rewards", "nav.rewards", "star", "reward.write"),
    ("/counter", "nav.counter", "check", "reward.redeem"),
    ("/actions", "nav.actions", "flag", "action.read"),
    ("/audit", "nav.audit", "list", "audit.read"),
)


def console(request: Request, actor: Actor, **context: Any) -> dict[str, Any]:
    """The context that every console page starts from: ``nav``, ``account``, and what the page adds."""
    lang = language_of(request)
    entries = [NavEntry(href, t(lang, key), icon) for href, key, icon, right in _ENTRIES if actor.may(right)]
    account = {"name": actor.name, "role": t(lang, f"nav.kind.{actor.kind}"), "sign_out": "/logout"}
    return {"nav": entries, "account": account, **context}
