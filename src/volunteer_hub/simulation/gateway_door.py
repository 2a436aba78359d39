"""The wire side of the made-up gateway: HTTP as Twilio's Messages and Calls have it."""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

_E164: Final = re.compile(r"^\+[1-9]\d{6,14}$")
_RESOURCE: Final = re.compile(r"^/2010-04-01/Accounts/(?P<account>\w+)/(?P<kind>Messages|Calls)\.json$")


class Door(BaseHTTPRequestHandler):
    """One connection to the gateway; ``server.gateway`` is the Gateway."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: in two, the second waits for the first's receipt
    disable_nagle_algorithm = True
    server: Any

    def do_GET(self) -> None:
        """How many messages and calls were taken, for whoever runs the gateway as its own process."""
        self._answer(200, {"taken": sum(self.server.gateway.taken.values())})

    def do_POST(self) -> None:
        """Takes a message or a call, or does what the line's trouble says."""
        gateway = self.server.gateway
        if self.headers.get("x-acs-action"):
            self._by_template()
            return
        form = dict(parse_qsl(self.rfile.read(int(self.headers.get("content-length", 0))).decode()))
        found = _RESOURCE.match(self.path)
        if found is None:
            self._answer(404, {"code": 20404, "message": "not found"})
            return
        if not self._known(found["account"]):
            gateway.refused += 1
            self._answer(401, {"code": 20003, "message": "authenticate"})
            return
        trouble = gateway.trouble_now()
        if trouble == "down":
            self._hang_up()
        elif trouble in ("busy", "broken"):
            self._answer(429 if trouble == "busy" else 500, {"code": 20429, "message": str(trouble)})
        elif not _E164.match(form.get("To", "")):
            self._answer(400, {"code": 21211, "message": "'To' is not a telephone number"})
        else:
            take = gateway.take_text if found["kind"] == "Messages" else gateway.take_call
            sid = take(form, self.headers.get("idempotency-key", ""))
            if trouble == "mute":
                self._hang_up()
            else:
                self._answer(201, {"sid": sid, "status": "queued", "to": form["To"]})

    def _by_template(self) -> None:
        """Aliyun's SendSms: a signed query, always answered 200 with a code but for the line's troubles."""
        gateway, query = self.server.gateway, urlsplit(self.path).query
        given = dict(parse_qsl(query, keep_blank_values=True))
        proof = self.headers.get("authorization", "")
        names = re.findall(r"SignedHeaders=([\w;-]+)", proof)
        signed = {name: self.headers.get(name, "") for name in names[0].split(";")} if names else {}
        if not gateway.signed(proof, query, signed):
            gateway.refused += 1
            self._answer(400, {"Code": "SignatureDoesNotMatch", "Message": "signature"})
            return
        trouble = gateway.trouble_now()
        number = given.get("PhoneNumbers", "")
        form = {
            "To": number if number.startswith("+") else f"+86{number}",
            "From": given.get("SignName", ""),
            "Body": given.get("TemplateParam", ""),
        }
        if trouble == "down":
            self._hang_up()
        elif trouble in ("busy", "broken"):
            code = "Throttling.User" if trouble == "busy" else "InternalError"
            self._answer(400 if trouble == "busy" else 500, {"Code": code, "Message": str(trouble)})
        elif not _E164.match(form["To"]):
            self._answer(200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "no number"})
        else:
            sid = gateway.take_text(form, given.get("OutId", ""), given.get("TemplateCode", ""))
            if trouble == "mute":
                self._hang_up()
            else:
                self._answer(200, {"Code": "OK", "Message": "OK", "BizId": sid})

    def _known(self, account: str) -> bool:
        scheme, _, word = self.headers.get("authorization", "").partition(" ")
        try:
            name, _, token = base64.b64decode(word).decode().partition(":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and name == account and self.server.gateway.lets_in(name, token)

    def _hang_up(self) -> None:
        self.close_connection = True

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet: numbers are nobody's business."""
