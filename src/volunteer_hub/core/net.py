"""HTTP to addresses that a person typed: webhooks, geocoders. Never to the inside of our own network.

The check sits where the socket is opened: a name is resolved once, every address it has must be public, and
the connection goes to the address checked, so a name that changes its mind in between gains nothing. The
name stays in the Host header and in TLS. Proxies from the environment are not used: they would resolve the
name themselves.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from volunteer_hub.core.errors import HubError, Malformed, Refused, Unavailable

Resolve = Callable[[str, int], Sequence[str]]
"""Host name and port to its addresses, as text. Raises OSError when the name is not known."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# public by their number, but answered by the cloud's own machinery with credentials
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Outbound:
    """What may be reached.

    ``internal`` are "host:port" entries that the operator configured: these may be private or loopback, at
    any port. ``seconds`` bounds a whole request from connecting to the last byte.
    """

    internal: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    seconds: float = 10.0
    max_bytes: int = 1_000_000


def resolve_host(host: str, port: int) -> list[str]:
    """The system's answer."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet; one that carries another inside counts as that one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address not in _GLOBAL_V6:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and address not in _METADATA
    )


def checked_addresses(host: str, port: int, outbound: Outbound, resolve: Resolve = resolve_host) -> list[str]:
    """The addresses of a host, all of them allowed.

    Raises Refused when the port or one of the addresses is not; Unavailable when the name is not known.
    """
    host = host.lower().rstrip(".")
    internal = f"{host}:{port}" in outbound.internal
    if not internal and port not in outbound.ports:
        raise Refused("net.port", host=host, port=port)
    try:
        found = [ipaddress.ip_address(text) for text in resolve(host, port)]
    except (OSError, ValueError) as error:
        raise Unavailable("net.unresolved", host=host) from error
    if not found:
        raise Unavailable("net.unresolved", host=host)
    # one inside address among public ones is refused too: which of them is used would be luck
    if not all(is_public(address) or (internal and _may_be_internal(address)) for address in found):
        raise Refused("net.address", host=host)
    return [str(address) for address in found]


def check_url(url: str, outbound: Outbound, resolve: Resolve = resolve_host) -> None:
    """Say at once what is wrong with an address somebody enters. Reaching it later checks again.

    Raises Malformed when it is no http(s) address, else as ``checked_addresses``.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise Malformed("net.url") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise Malformed("net.url")
    checked_addresses(parsed.raw_host.decode("ascii"), _port(parsed), outbound, resolve)


def safe_client(
    outbound: Outbound,
    *,
    resolve: Resolve = resolve_host,
    tls: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Client:
    """A client that cannot leave the policy, whatever it is asked for.

    Every failure of the network is a HubError: Refused for what the policy forbids (a redirect too: the
    address entered is the address used), Unavailable for what may work later.
    """
    return httpx2.Client(
        transport=_GuardedTransport(outbound, resolve, tls),
        trust_env=False,
        timeout=outbound.seconds,
        headers={"accept-encoding": "identity", **(headers or {})},
    )


def _may_be_internal(address: Address) -> bool:
    """Even a configured host is never the metadata service nor everybody at once."""
    return not (
        address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA
    )


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


class _GuardedTransport(httpx2.BaseTransport):
    def __init__(self, outbound: Outbound, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._outbound = outbound
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or httpx2.create_ssl_context(trust_env=False),
            max_keepalive_connections=0,  # a connection serves one request: its deadline is the request's
            network_backend=_GuardedBackend(outbound, resolve),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme not in ("http", "https"):
            raise Malformed("net.url")
        assert isinstance(request.stream, httpx2.SyncByteStream)
        outgoing = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        host = request.url.host
        try:
            answer = self._pool.handle_request(outgoing)
        except httpcore2.TimeoutException as error:
            raise Unavailable("net.timeout", host=host) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise Unavailable("net.unreachable", host=host) from error
        response = httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_BoundedBody(answer, self._outbound.max_bytes, host),
            extensions=answer.extensions,
        )
        if problem := _problem(response, host):
            response.close()
            raise problem
        return response

    def close(self) -> None:
        self._pool.close()


def _problem(response: httpx2.Response, host: str) -> HubError | None:
    if response.has_redirect_location:
        return Refused("net.redirect", host=host)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return Unavailable(
            "net.encoding", host=host
        )  # not asked for, and a few bytes may unpack to gigabytes
    return None


class _BoundedBody(httpx2.SyncByteStream):
    """Reads no more than the limit of an answer's body."""

    def __init__(self, answer: httpcore2.Response, limit: int, host: str) -> None:
        self._answer, self._limit, self._host = answer, limit, host

    def __iter__(self) -> Iterator[bytes]:
        left = self._limit
        try:
            for chunk in self._answer.iter_stream():
                left -= len(chunk)
                if left < 0:
                    raise Unavailable("net.too_large", host=self._host, limit=self._limit)
                yield chunk
        except httpcore2.TimeoutException as error:
            raise Unavailable("net.timeout", host=self._host) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Unavailable("net.unreachable", host=self._host) from error

    def close(self) -> None:
        self._answer.close()


class _GuardedBackend(httpcore2.NetworkBackend):
    """Opens sockets only to addresses it has checked itself."""

    def __init__(self, outbound: Outbound, resolve: Resolve) -> None:
        self._outbound, self._resolve = outbound, resolve
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        end = time.monotonic() + self._outbound.seconds
        *others, last = checked_addresses(host, port, self._outbound, self._resolve)[:3]

        def connect(address: str) -> httpcore2.NetworkStream:
            left = _left(end, timeout)
            return _TimedStream(
                self._sockets.connect_tcp(address, port, left, local_address, socket_options), end
            )

        for address in others:
            with contextlib.suppress(httpcore2.ConnectError):
                return connect(address)
        return connect(last)


class _TimedStream(httpcore2.NetworkStream):
    """A socket that ends at one moment: a server that drips a byte now and then holds nobody up."""

    def __init__(self, stream: httpcore2.NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._end, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._end, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._end, timeout))
        return _TimedStream(stream, self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(end: float, timeout: float | None) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time for the whole request is over")
    return left if timeout is None else min(left, timeout)
