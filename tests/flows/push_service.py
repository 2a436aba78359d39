"""A real push service for tests, and browsers subscribed to it, which open what comes as browsers do."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from volunteer_hub.core.settings import settings


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Phone:
    """One browser: its keys, and what it was shown."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    shown: list[dict[str, Any]] = field(default_factory=list)

    def subscription(self) -> dict[str, str]:
        """What its page sends us."""
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"endpoint": self.endpoint, "p256dh": _text(point), "auth": _text(self.auth)}

    def show(self, body: bytes) -> None:
        """Opens what came."""
        text = http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        self.shown.append(json.loads(text))


class PushService:
    """``answer``: what it says to each request; ``signers``: public keys that signed, as in the header."""

    def __init__(self, port: int = 0) -> None:
        self.phones: dict[str, Phone] = {}
        self.answer = 201
        self.heard: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.take(self.path, dict(self.headers), body)
                self.send_response(outer.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def phone(self) -> Phone:
        """A browser that has just subscribed."""
        path = f"/send/{secrets.token_hex(8)}"
        self.phones[path] = Phone(f"http://{self.host}{path}")
        return self.phones[path]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """One notification, which must be signed for this service."""
        self.heard.append(headers | {"signer": self._signer(headers["Authorization"])})
        if self.answer == 201:
            self.phones[path].show(body)

    def _signer(self, authorization: str) -> str:
        token, key = (part.partition("=")[2] for part in authorization.removeprefix("vapid ").split(","))
        head, claims, signature = token.split(".")
        assert json.loads(_bytes(claims))["aud"] == f"http://{self.host}"
        raw = _bytes(signature)
        proof = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(key))
        public.verify(proof, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        return key

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def push_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """A push service on a free port, and settings that allow it and turn web push on."""
    service = PushService()
    try:
        monkeypatch.setenv("HUB_PUSH", "true")
        monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([service.host]))
        settings.cache_clear()
        yield service
    finally:
        service.close()
        settings.cache_clear()
