"""How ready each community is at an hour of the week with a skill: a map, a table, and what it rests on."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import area_map
from volunteer_hub.boards import readiness as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills.rules import HOURS
from volunteer_hub.flows import whatif_words as words
from volunteer_hub.volunteers.skills import taxonomy
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
USUAL_SKILL: Final = "general"
USUAL_HOUR: Final = 1


@router.get("/readiness")
def show(
    request: Request,
    actor: Annotated[Actor, allow("drill.read")],
    area: str = "",
    skill: str = USUAL_SKILL,
    hour: int = USUAL_HOUR,
) -> Response:
    """The communities of an area for a skill and an hour; of all that the reader may see if none is named."""
    lang = language_of(request)
    if skill not in taxonomy().skills or hour not in HOURS:
        raise NotFound("not_found")
    with db.read(actor) as tx:
        nodes = list(jurisdictions.listed(tx, "drill.read"))
        chosen = _chosen(nodes, area)
        found = board.view(tx, chosen, skill, hour)
        context = nav.console(
            request,
            actor,
            title=t(lang, "readiness.title"),
            zone=chosen.zone,
            broad=True,
            view=found,
            chosen=chosen,
            picture=area_map.picture([line.area for line in found.lines]),
            name_of={line.area.path: line.area.name for line in found.lines},
            steps={line.area.path: line.step for line in found.lines},
            link_of={line.area.path: f"#a{line.area.id}" for line in found.lines},
            numbers={line.area.path: line.bands[-1][1] for line in found.lines if line.step},
            areas=[
                (node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang))
                for node in nodes
                if any(other.path.startswith(node.path) and other is not node for other in nodes)
                or node is chosen
            ],
            skills=[(code, pick(one.name, lang)) for code, one in taxonomy().skills.items()],
            hours=[(str(number), words.hour(number, lang)) for number in HOURS],
            words=words,
            lang=lang,
            may=actor.may,
        )
    return page(request, "console/readiness.html", **context)


def _chosen(nodes: list[Jurisdiction], code: str) -> Jurisdiction:
    """The node of that code among these; the first without one. Raises NotFound."""
    found = next((node for node in nodes if not code or node.code == code), None)
    if found is None:
        raise NotFound("not_found")
    return found
