"""Parts of a page that follow what happens: asked for every few seconds, swapped only when they differ."""

import hashlib
from typing import Any

from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from volunteer_hub.web.render import Lang, environment


def part(
    name: str, template: str, address: str, *, lang: Lang, zone: str, live: bool = True, **context: Any
) -> Markup:
    """The part as it stands, in a wrapper that asks for itself again and names what it showed.

    Where nothing happens any more (``live`` false) it asks no more.
    """
    text = environment(lang, zone).get_template(template).render(**context)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    again = f"{address}{'&' if '?' in address else '?'}seen={mark}"
    asking = Markup(' hx-get="{}" hx-trigger="every 3s" hx-swap="outerHTML"').format(again)
    inside = Markup(text)  # noqa: S704 - rendered by our own escaping environment
    return Markup('<div id="part-{}" class="stack" data-mark="{}"{}>{}</div>').format(
        name, mark, asking if live else "", inside
    )


def answer(shown: Markup, seen: str) -> Response:
    """The part, or "nothing new" (204), which leaves the page and what is being typed alone."""
    if seen and f'data-mark="{seen}"' in shown:
        return Response(status_code=204)
    return HTMLResponse(shown)
