"""Two questions a watcher asks: is the process alive, and may it be sent requests."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text

from volunteer_hub.api.guard import PUBLIC
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.migrations import runner as migrations

router = APIRouter(tags=["health"])


@router.get("/livez", dependencies=[PUBLIC])
async def livez() -> dict[str, str]:
    """The process answers; a watcher restarts it when it does not."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[PUBLIC])
def readyz() -> JSONResponse:
    """Requests can be served: the database answers and has this program's schema."""
    try:
        with db.read(SYSTEM) as tx:
            tx.execute(text("SET LOCAL statement_timeout = '5s'"))
            tx.execute(text("SELECT 1"))
        schema = migrations.current(db.engine()) == migrations.head()
    except Exception:
        return JSONResponse({"status": "unavailable", "database": "down"}, 503)
    if not schema:
        return JSONResponse({"status": "unavailable", "database": "ok", "schema": "old"}, 503)
    return JSONResponse({"status": "ok", "database": "ok", "schema": "ok"})
