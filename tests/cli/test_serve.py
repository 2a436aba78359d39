"""The server does not start where it would share a port with another."""

import socket

from tests.cli.test_commands import hub


def test_a_port_that_is_taken_is_said_and_nothing_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = hub("serve", "--host", "127.0.0.1", "--port", str(port))
    assert said.returncode == 1
    assert f"127.0.0.1:{port} (Address already in use)" in said.stderr
    assert "--port" in said.stderr
