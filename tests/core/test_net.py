import re
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.core.http_server import Server, serving
from volunteer_hub.core import net
from volunteer_hub.core.errors import HubError, Malformed, Refused, Unavailable
from volunteer_hub.core.i18n import has
from volunteer_hub.core.net import Outbound, check_url, checked_addresses, resolve_host, safe_client


def allowed(server: Server, **more: float) -> Outbound:
    return Outbound(internal=frozenset({server.name}), ports=frozenset({80, 443, server.port}), **more)


def guarded(server: Server) -> Outbound:
    """A policy that objects to nothing but the address."""
    return Outbound(ports=frozenset({80, 443, server.port}))


def refusal(url: str, outbound: Outbound, **client: object) -> HubError:
    with safe_client(outbound, **client) as http, pytest.raises(HubError) as caught:
        http.get(url)
    return caught.value


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
    ],
)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    with serving() as server:
        error = refusal(f"http://{host}:{server.port}/", guarded(server))
        assert isinstance(error, Refused)
        assert error.code == "net.address"
        assert server.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.9.9",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "127.8.8.8",
        "240.0.0.1",
        "198.18.0.1",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fe80::1",
        "fe80::1%lo",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_an_inside_address_behind_a_name_is_refused(address: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_addresses("hooks.example", 443, Outbound(), lambda *_: [address])
    assert caught.value.code == "net.address"


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:808:808"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert checked_addresses("hooks.example", 443, Outbound(), lambda *_: [address]) == [address]


def test_one_inside_address_among_public_ones_is_refused() -> None:
    with serving() as server:
        error = refusal(
            f"http://hooks.example:{server.port}/",
            guarded(server),
            resolve=lambda *_: ["93.184.215.14", "127.0.0.1"],
        )
        assert (error.code, server.connections) == ("net.address", 0)


def test_a_name_that_changes_its_mind_after_the_check_gains_nothing() -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def rebinding(_host: str, _port: int) -> list[str]:
        return [next(answers)]

    with serving() as server:
        url = f"http://hooks.example:{server.port}/"
        check_url(url, guarded(server), rebinding)  # at registration it was public
        error = refusal(url, guarded(server), resolve=rebinding)
        assert (error.code, server.connections) == ("net.address", 0)


def test_the_connection_goes_to_the_address_checked_and_the_name_is_resolved_once() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.2"]

    with serving(host="127.0.0.2") as server:
        outbound = Outbound(internal=frozenset({f"geocoder.internal:{server.port}"}))
        with safe_client(outbound, resolve=resolve) as http:
            assert http.get(f"http://geocoder.internal:{server.port}/search?q=1").text == "hello"
        assert asked == [("geocoder.internal", server.port)]
        assert server.connections == 1
        head = server.heard[0].decode().lower()
        assert head.startswith("get /search?q=1 http/1.1\r\n")
        assert f"host: geocoder.internal:{server.port}\r\n" in head


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("follow", [True, False])
def test_a_redirect_is_refused_and_its_target_never_reached(status: int, follow: bool) -> None:
    with serving() as inside:
        redirect = f"HTTP/1.1 {status} Moved\r\nLocation: http://{inside.name}/\r\nContent-Length: 0\r\n\r\n"
        with serving(redirect.encode()) as outside:
            outbound = Outbound(
                internal=frozenset({outside.name}), ports=frozenset({outside.port, inside.port})
            )
            with safe_client(outbound) as http, pytest.raises(Refused) as caught:
                http.get(f"http://{outside.name}/", follow_redirects=follow)
            assert caught.value.code == "net.redirect"
            assert (outside.connections, inside.connections) == (1, 0)


def test_an_entry_of_the_operator_opens_one_host_and_port_only() -> None:
    with serving() as allowed_one, serving() as other:
        outbound = Outbound(internal=frozenset({allowed_one.name}), ports=frozenset({other.port}))
        with safe_client(outbound) as http:
            assert http.get(f"http://{allowed_one.name}/").status_code == 200
            with pytest.raises(Refused) as caught:
                http.get(f"http://{other.name}/")
            assert caught.value.code == "net.address"
            assert http.get(f"http://{allowed_one.name}/").status_code == 200
        assert (allowed_one.connections, other.connections) == (2, 0)


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "168.63.129.16"])
def test_even_the_operator_cannot_open_the_metadata_service(address: str) -> None:
    outbound = Outbound(internal=frozenset({"meta.internal:80"}))
    with pytest.raises(Refused):
        checked_addresses("meta.internal", 80, outbound, lambda *_: [address])


def test_an_odd_port_is_refused_before_the_name_is_asked_for() -> None:
    def never(_host: str, _port: int) -> list[str]:
        raise AssertionError("resolved")

    error = refusal("http://hooks.example:25/", Outbound(), resolve=never)
    assert (error.code, error.params) == ("net.port", {"host": "hooks.example", "port": 25})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://x/",
        "http://",
        "hooks.example",
        "http://u:p@x/",
        "http://[::1",
        "http://x:port/",
        "http://x\x00y/",
        "http://x\ud800/",
    ],
)
def test_what_is_no_web_address_is_malformed(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_url(url, Outbound(), lambda *_: ["93.184.215.14"])
    assert caught.value.code == "net.url"


def test_only_http_leaves_through_the_client() -> None:
    with safe_client(Outbound()) as http, pytest.raises(Malformed) as caught:
        http.get("ftp://hooks.example/")
    assert caught.value.code == "net.url"


def test_a_good_address_passes_the_check() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["93.184.215.14"]

    check_url("https://Hooks.Example./in", Outbound(), resolve)
    check_url("http://大庆.example/in", Outbound(), resolve)
    assert asked == [("hooks.example", 443), ("大庆".encode("idna").decode() + ".example", 80)]


@pytest.mark.parametrize("found", [[], ["not an address"], None])
def test_an_unknown_name_may_be_known_later(found: list[str] | None) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        if found is None:
            raise OSError("no such host")
        return found

    with pytest.raises(Unavailable) as caught:
        checked_addresses("hooks.example", 443, Outbound(), resolve)
    assert caught.value.code == "net.unresolved"


def test_the_systems_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in resolve_host("localhost", 80)


def test_a_dead_address_gives_way_to_the_next() -> None:
    with serving(host="127.0.0.3") as server:
        outbound = Outbound(internal=frozenset({f"two.internal:{server.port}"}))
        with safe_client(outbound, resolve=lambda *_: ["127.0.0.2", "127.0.0.3"]) as http:
            assert http.get(f"http://two.internal:{server.port}/").text == "hello"


def test_a_closed_port_and_a_broken_answer_may_work_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    closed = Outbound(internal=frozenset({f"127.0.0.1:{port}"}))
    assert refusal(f"http://127.0.0.1:{port}/", closed).code == "net.unreachable"
    with serving(b"SSH-2.0-x\r\n\r\n") as server:
        assert refusal(f"http://{server.name}/", allowed(server)).code == "net.unreachable"
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello") as server:
        assert refusal(f"http://{server.name}/", allowed(server)).code == "net.unreachable"


def test_a_large_answer_is_cut_off() -> None:
    def flood(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(1000):
            stream.sendall(b"x" * 65536)

    with serving(flood) as server:
        error = refusal(f"http://{server.name}/", allowed(server, max_bytes=100_000))
        assert (error.code, error.params["limit"]) == ("net.too_large", 100_000)


def test_a_packed_answer_is_refused_unread() -> None:
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"
    with serving(packed) as server:
        assert refusal(f"http://{server.name}/", allowed(server)).code == "net.encoding"
        assert b"accept-encoding: identity\r\n" in server.heard[0].lower()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
def test_a_server_that_drips_ends_at_the_deadline(head: bytes) -> None:
    def drip(stream: socket.socket) -> None:
        stream.sendall(head)
        for byte in b"HTTP/1.1 200 OK and so on for ever and ever, one byte at a time":
            stream.sendall(bytes([byte]))
            time.sleep(0.1)

    with serving(drip) as server:
        start = time.monotonic()
        assert refusal(f"http://{server.name}/", allowed(server, seconds=0.5)).code == "net.timeout"
        assert time.monotonic() - start < 1.5


def test_no_connection_begins_when_the_time_is_over() -> None:
    with serving() as server:
        assert refusal(f"http://{server.name}/", allowed(server, seconds=0.0)).code == "net.timeout"
        assert server.connections == 0


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.name}")
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.name}")
        with safe_client(allowed(server)) as http:
            assert http.get(f"http://{server.name}/").text == "hello"
        assert (proxy.connections, server.connections) == (0, 1)


def test_a_body_arrives_whole() -> None:
    with serving() as server:
        with safe_client(allowed(server), headers={"user-agent": "volunteer-hub"}) as http:
            assert http.post(f"http://{server.name}/hook", json={"kind": "drill"}).text == "hello"
        assert b"user-agent: volunteer-hub\r\n" in server.heard[0].lower()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of this name shows, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))


def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    shown, trusted = certificate(tmp_path, "hooks.example")
    with serving(tls=shown) as server:
        outbound = Outbound(
            internal=frozenset({f"hooks.example:{server.port}", f"other.example:{server.port}"})
        )
        with safe_client(outbound, resolve=lambda *_: ["127.0.0.1"], tls=trusted) as http:
            assert http.get(f"https://hooks.example:{server.port}/").text == "hello"
            with pytest.raises(Unavailable) as caught:
                http.get(f"https://other.example:{server.port}/")
            assert caught.value.code == "net.unreachable"


def test_every_refusal_can_be_said_in_both_languages() -> None:
    package = Path(net.__file__).parent.parent
    sources = [package / "core/net.py", package / "core/geo.py", package / "volunteers/geocode.py"]
    codes = {
        code for p in sources for code in re.findall(r'"((?:net|geo|geocode)\.[a-z_0-9]+)"', p.read_text())
    }
    assert len(codes) == 18
    assert [(code, lang) for code in codes for lang in ("en", "zh") if not has(lang, f"error.{code}")] == []
