"""The public promise, as it was kept over the last year."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter

from volunteer_hub.api.guard import allow
from volunteer_hub.api.jurisdictions import AreaOut, area_out
from volunteer_hub.api.pages import Out
from volunteer_hub.boards import promise as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.drills.promise import Kept

router = APIRouter(tags=["drills"])


class KeptOut(Out):
    """``in_time`` of ``sent`` callouts went out within the promised seconds. Minutes until the need was met
    in half and in nine of ten of them, by us and by the phone tree; null where it was not met in as many."""

    callouts: int
    sent: int
    in_time: int
    p50: float | None
    p90: float | None
    tree_p50: float | None
    tree_p90: float | None


class AreaPromiseOut(Out):
    """One area's callouts; ``drills`` of them were drills."""

    area: AreaOut
    drills: int
    kept: KeptOut


class PromiseOut(Out):
    """``seconds``: promised from declaring to the first message."""

    seconds: int
    everywhere: KeptOut
    areas: list[AreaPromiseOut]


@router.get("/promise")
def show(actor: Annotated[Actor, allow("drill.read")]) -> PromiseOut:
    """Every callout and drill of the last year in the actor's areas that asked for anybody."""
    with db.read(actor) as tx:
        view = board.view(tx)
        areas = [
            AreaPromiseOut(area=area_out(one.area), drills=one.drills, kept=_kept(one.kept))
            for one in view.areas
        ]
        return PromiseOut(seconds=view.seconds, everywhere=_kept(view.everywhere), areas=areas)


def _kept(kept: Kept) -> KeptOut:
    return KeptOut(**asdict(kept))
