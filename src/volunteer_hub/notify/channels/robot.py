"""Chat robots of groups (DingTalk, WeCom, Feishu, ntfy) and JSON gateways, each in its own format by apprise.

What a person typed leads to any host, and apprise calls it by requests: the check of core/net is put where
urllib3 opens a socket, so that nothing in this process that calls out by it reaches the inside.
"""

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

import apprise
from urllib3.util import connection as sockets

from volunteer_hub.core import net, vault
from volunteer_hub.core.errors import FieldError, HubError, Malformed, Refused
from volunteer_hub.core.settings import settings
from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken
from volunteer_hub.notify.rules import Channel as Name

SCHEMES: Final = ("dingtalk", "wecombot", "feishu", "lark", "ntfy", "ntfys", "json", "jsons")
"""All call by HTTP alone; of apprise's others some run programs, or open sockets that nothing checks."""
LONGEST: Final = 500
_THREADS: Final = 4
_open_socket = sockets.create_connection


def check(url: str) -> None:
    """Raises Malformed for an address that is none of a robot. Where it leads is judged when it is called."""
    known = len(url) <= LONGEST and urlsplit(url).scheme.lower() in SCHEMES
    if not known or apprise.Apprise.instantiate(url) is None:
        wrong = FieldError("url", "robot.url", {"schemes": ", ".join(SCHEMES)})
        raise Malformed("form", fields=[wrong])


class Robot:
    """``address`` of a letter is the sealed address of a robot, in apprise's form."""

    name = Name.ROBOT
    senders = 1

    def __init__(self) -> None:
        sockets.create_connection = _checked_socket
        self._threads = ThreadPoolExecutor(_THREADS)

    def sender(self, address: str) -> str:
        """Nobody in particular."""
        del address
        return ""

    async def send(self, letter: Letter) -> Taken:
        """Posts the message in the group. Raises DeliveryError, permanent for an address that may not be
        called."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _send, letter)

    async def close(self) -> None:
        """Ends its threads."""
        self._threads.shutdown()


def _send(letter: Letter) -> Taken:
    url = vault.unseal_here(letter.address)
    robot = apprise.Apprise.instantiate(url) if url is not None else None
    if robot is None:
        raise DeliveryError("not a robot", permanent=True)
    try:
        posted = robot.notify(body=letter.body, title=letter.subject)
    except Refused as error:
        raise DeliveryError(error.code, permanent=True) from None
    except HubError as error:
        raise DeliveryError(error.code) from None
    if not posted:
        raise DeliveryError("robot did not take it")
    return Taken()


def _checked_socket(address: tuple[str, int], *given: Any, **options: Any) -> socket.socket:
    """As urllib3 opens one, to an address that has been checked. Raises Refused, Unavailable, OSError."""
    host, port = address
    outbound = net.Outbound(internal=settings().internal_hosts)
    *others, last = net.checked_addresses(host.strip("[]"), port, outbound)
    for one in others:
        with contextlib.suppress(OSError):
            return _open_socket((one, port), *given, **options)
    return _open_socket((last, port), *given, **options)
