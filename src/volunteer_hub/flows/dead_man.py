"""Somebody outside is told every minute that the clock lives; when it falls silent, they raise the alarm.

The watching service stands outside this installation and its network, or it would die together with it. It is
told nothing of the city: a bare request to the address of HUB_DEAD_MAN, made only while the database answers
and the checks of the last sweep found every promise kept or told of.
"""

from volunteer_hub.core import net
from volunteer_hub.core.errors import Unavailable
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import auditor


def sweep() -> int:
    """Checks the promises, then pings; what was found broken. Raises Unavailable or Refused when nobody is
    there to hear it, so that the job's failure is on record."""
    found = auditor.sweep()
    address = settings().dead_man
    if address is not None:
        _ping(address.get_secret_value())
    return found


def _ping(address: str) -> None:
    outbound = net.Outbound(internal=settings().internal_hosts)
    with net.safe_client(outbound) as client:
        answer = client.get(address)
    if answer.is_error:
        raise Unavailable("net.answer", host=answer.url.host, status=answer.status_code)
