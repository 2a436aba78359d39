"""A real HTTP server for tests, which counts connections and keeps what it was sent."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
Respond = Callable[[socket.socket], None]


@dataclass
class Server:
    host: str
    port: int
    connections: int = 0
    heard: list[bytes] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@contextlib.contextmanager
def serving(
    respond: bytes | Respond = HELLO,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    listener = socket.create_server((host, 0))
    server = Server(host, listener.getsockname()[1])
    stop = threading.Event()

    def answer(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            stream = tls.wrap_socket(peer, server_side=True) if tls else peer
            server.heard.append(stream.recv(65536))
            if isinstance(respond, bytes):
                stream.sendall(respond)
            else:
                respond(stream)

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=answer, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
