"""The road service of this installation: found by its setting, tried out by `doctor`."""

import time
from typing import Final

import numpy as np
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db, net, roads
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings

SECONDS: Final = 20.0


def service() -> roads.Roads | None:
    """The road service of HUB_ROADS. Raises Malformed for a setting that cannot be used."""
    spec = settings().roads
    outbound = net.Outbound(internal=settings().internal_hosts)
    return roads.configured(spec.get_secret_value() if spec else None, outbound=outbound)


def probe() -> str | None:
    """The provider's name when it answers for every means of travel; None when none is configured.

    Raises Malformed for a setting that cannot be used, Unavailable or Refused when there is no answer.
    """
    found = service()
    if found is None:
        return None
    with db.read(SYSTEM) as tx:
        root = select(Jurisdiction.lat, Jurisdiction.lon).where(col(Jurisdiction.parent_id).is_(None))
        here = np.array([tx.exec(root).first() or (0.0, 0.0)])
    for profile in sorted(found.profiles):
        found.table(profile, here, here, until=time.monotonic() + SECONDS)
    return found.provider
