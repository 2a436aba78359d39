"""The trail of changes, and the proof that nothing in it was changed."""

import json
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.audit import trail
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.audit.rules import PERSONAL, Verdict
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.web import nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/audit")
Reader = Annotated[Actor, allow("audit.read")]
Name = Annotated[str, Query(max_length=100)]
ROWS: Final = 50
_SHOWN: Final = 3


@router.get("")
def listed(
    request: Request,
    actor: Reader,
    table: Name = "",
    row_id: Name = "",
    action: Name = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Lines of the actor's areas, the newest first."""
    return _page(request, actor, {"table": table, "row_id": row_id, "action": action}, cursor)


@router.post("/verify")
def verify(request: Request, actor: Reader, form: Sent) -> Response:
    """Recomputes the whole chain and says what it found."""
    noted = form.text("noted", 100).lower().replace(" ", "")
    with db.read(actor) as tx:
        verdict = trail.verify(tx, noted or None)
    return _page(request, actor, {}, None, verdict)


def _page(
    request: Request,
    actor: Actor,
    asked: dict[str, str],
    cursor: str | None,
    verdict: Verdict | None = None,
) -> Response:
    lang = language_of(request)
    filters = {name: value or None for name, value in asked.items()}
    zone = policy.load("hub", Site).zone
    with db.read(actor) as tx:
        lines = trail.lines(tx, before=decode_cursor(cursor), limit=ROWS + 1, **filters)
        shown = [_line(tx, line, lang, ZoneInfo(zone)) for line in lines[:ROWS]]
    more = None
    if len(lines) > ROWS:
        more = "/audit?" + urlencode({**asked, "cursor": encode_cursor(lines[ROWS - 1].id)})
    context = nav.console(
        request, actor, lines=shown, asked=asked, more=more, verdict=verdict, head=_parted(verdict)
    )
    return page(request, "console/audit.html", zone=zone, title=t(lang, "trail.title"), **context)


def _parted(verdict: Verdict | None) -> str:
    """A head in groups of eight, which fit a phone and are copied by hand without a slip."""
    head = verdict.head if verdict is not None else ""
    return " ".join(head[start : start + 8] for start in range(0, len(head), 8))


def _line(tx: db.Tx, line: AuditLine, lang: str, zone: ZoneInfo) -> dict[str, Any]:
    changes = trail.shown(tx, line)
    said = [(name, *_pair(pair, lang, zone)) for name, pair in changes.items()]
    return {
        "id": line.id,
        "at": line.at,
        "who": t(lang, f"nav.kind.{line.actor_kind}") + (f" {line.actor_id}" if line.actor_id else ""),
        "action": line.action,
        "op": t(lang, f"audit.operation.{line.op.value}"),
        "table": line.table_name,
        "row": line.row_id or "",
        "changes": said[:_SHOWN],
        "rest": said[_SHOWN:],
    }


def _pair(pair: Any, lang: str, zone: ZoneInfo) -> tuple[str, str]:
    if isinstance(pair, list) and len(pair) == 2:
        return _value(pair[0], lang, zone), _value(pair[1], lang, zone)
    return "", _value(pair, lang, zone)


def _value(value: Any, lang: str, zone: ZoneInfo) -> str:
    if value is None:
        return "–"
    if value == PERSONAL:
        return t(lang, "audit.value.personal")
    return _local(value, zone) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _local(value: str, zone: ZoneInfo) -> str:
    """A stored moment on the installation's clocks, to the second; any other text as it stands."""
    try:
        moment = datetime.fromisoformat(value) if "T" in value[10:11] else None
    except ValueError:
        moment = None
    aware = moment is not None and moment.tzinfo is not None
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" if moment is not None and aware else value
