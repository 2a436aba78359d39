"""A gateway for text messages and calls with telephones behind it: a real HTTP server on loopback.

It speaks Twilio's Messages and Calls format with receipts, signed calls to us and TwiML, and the template
gateway's SendSms (notify/channels/sms_template). A test or demo uses it so::

    with Gateway() as gateway:                 # HUB_SMS_URL=gateway.sms_url HUB_VOICE_URL=gateway.voice_url
        lin = gateway.phones["+8613900000002"] # every number exists; simulation/phones: how they behave
        lin.inbox[-1].body                     # what arrived
        lin.reply("A1")                        # an inbound text, signed; returns our answer
        lin.press("5", "1")                    # keys for the calls to come; lin.calls[-1].heard
        lin.silent = True                      # or lin.voicemail, lin.dead, lin.off
        gateway.trouble(Trouble.BUSY, times=3) # the line: refused, 429, 500, or taken without an answer
        gateway.taken["offer:12:offer"]        # how often this key was handed over; it arrives once

Receipts and calls go out by themselves from threads of the gateway. With ``live=False`` they wait until
``gateway.settle()`` does them in the caller's own thread: for tests on one rolled-back transaction, which
also give ``post``, the hub's door (`tests.doors.gateway_post`), and for reports of templates ``report``.
"""

import argparse
import itertools
import json
import queue
import secrets
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from http.server import ThreadingHTTPServer
from typing import Any, Final, Self

import httpx2

from volunteer_hub.core.log import logger
from volunteer_hub.notify import callbacks
from volunteer_hub.notify.channels.sms_template import authorization
from volunteer_hub.simulation.gateway_door import Door
from volunteer_hub.simulation.phones import Call, Phone, Text, said, talk

ACCOUNT: Final = "AC00000000000000000000000000000001"
NUMBER: Final = "+8610690000"
UNKNOWN_NUMBER: Final = "30005"
_HANDS: Final = 4
Post = Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, str]]
"""Address, form and headers to status and body."""
Report = Callable[[str, list[dict[str, Any]]], tuple[int, str]]
"""The same for the reports of the template gateway, which are not signed."""
_log = logger("gateway")


class Trouble(StrEnum):
    """What the line does instead of taking a message."""

    DOWN = "down"
    BUSY = "busy"
    BROKEN = "broken"
    MUTE = "mute"


class _Phones(dict[str, Phone]):
    def __init__(self, send: Callable[[str, str], str]) -> None:
        super().__init__()
        self._send = send

    def __missing__(self, number: str) -> Phone:
        return self.setdefault(number, Phone(number, self._send))


class Gateway:
    """``base_url``: where the hub is called with inbound texts. ``receipts``: False for a gateway that gives
    none of its text messages. ``taken`` counts by key what was handed over;
    ``refused`` what came without the right credentials."""

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        port: int = 0,
        live: bool = True,
        receipts: bool = True,
        post: Post | None = None,
        report: Report | None = None,
    ) -> None:
        self.phones: dict[str, Phone] = _Phones(self._inbound)
        self.taken: Counter[str] = Counter()
        self.refused = 0
        self.token = secrets.token_hex(16)
        self._base_url = base_url.rstrip("/")
        self._live, self._receipts = live, receipts
        self._client = httpx2.Client(timeout=60, trust_env=False)
        self._post = post or self._by_http
        self._post_json = report or self._json_by_http
        self._sids: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._trouble: tuple[Trouble | None, int | None] = (None, None)
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._server = _Server(("127.0.0.1", port), Door)
        self._server.gateway = self
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)]
        if live:
            self._threads += [threading.Thread(target=self._work, daemon=True) for _ in range(_HANDS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for _hand in self._threads[1:]:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._client.close()

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def sms_url(self) -> str:
        """For HUB_SMS_URL."""
        return self._url("Messages")

    @property
    def voice_url(self) -> str:
        """For HUB_VOICE_URL."""
        return self._url("Calls")

    @property
    def template_url(self) -> str:
        """For HUB_SMS_URL, where text messages go by template: a text's body are its variables as JSON."""
        return f"template+http://{ACCOUNT}:{self.token}@{self.address}"

    def _url(self, resource: str) -> str:
        path = f"/2010-04-01/Accounts/{ACCOUNT}/{resource}.json"
        return f"http://{ACCOUNT}:{self.token}@{self.address}{path}?From={NUMBER.replace('+', '%2B')}"

    def lets_in(self, account: str, token: str) -> bool:
        """Whether these are the credentials in our addresses."""
        return (account, token) == (ACCOUNT, self.token)

    def signed(self, proof: str, query: str, headers: Mapping[str, str]) -> bool:
        """Whether a call of the template gateway is signed with the credentials in our address."""
        return bool(headers) and proof == authorization(ACCOUNT, self.token, query, headers)

    def trouble(self, kind: Trouble | None, times: int | None = None) -> None:
        """From now on the line does this, for so many messages or until told otherwise; None: it works."""
        with self._lock:
            self._trouble = (kind, times)

    def settle(self) -> int:
        """Sends the receipts and makes the calls that wait, and those that follow from them; how many."""
        if self._live:
            self._waiting.join()
            return 0
        done = 0
        while not self._waiting.empty():
            deed = self._waiting.get()
            if deed is not None:
                deed()
                done += 1
        return done

    def trouble_now(self) -> Trouble | None:
        """What the line does to the message that is just coming in."""
        with self._lock:
            kind, times = self._trouble
            if kind is not None and times is not None:
                self._trouble = (kind, times - 1) if times > 1 else (None, None)
            return kind

    def take_text(self, form: Mapping[str, str], key: str, template: str = "") -> str:
        """A message handed over; its sid. One key is one message, however often it comes."""
        sid, new = self._sid("SM", key)
        if new:
            text = Text(sid, form.get("From", ""), form.get("Body", ""), key, template)
            self._waiting.put(lambda: self._arrive(form, text))
        return sid

    def take_call(self, form: Mapping[str, str], key: str) -> str:
        """A call ordered; its sid."""
        sid, new = self._sid("CA", key)
        if new:
            self._waiting.put(lambda: self._ring(form, Call(sid, key)))
        return sid

    def _sid(self, kind: str, key: str) -> tuple[str, bool]:
        with self._lock:
            number = next(self._numbers)
            key = key or f"without:{number}"
            self.taken[key] += 1
            new = key not in self._sids
            return self._sids.setdefault(key, f"{kind}{number:032x}"), new

    def _arrive(self, form: Mapping[str, str], text: Text) -> None:
        phone = self.phones[form["To"]]
        if not phone.dead and not phone.off:
            phone.inbox.append(text)
        told = {"MessageSid": text.sid, "To": phone.number, "From": text.sender, "AccountSid": ACCOUNT}
        if phone.off or not self._receipts:
            return
        if text.template:
            self._report(phone, text)
        if "StatusCallback" not in form:
            return
        last = {"MessageStatus": "delivered"}
        if phone.dead:
            last = {"MessageStatus": "undelivered", "ErrorCode": UNKNOWN_NUMBER}
        for more in ({"MessageStatus": "sent"}, last):
            self._tell(form["StatusCallback"], told | more)

    def _report(self, phone: Phone, text: Text) -> None:
        item = {"phone_number": phone.number, "success": not phone.dead, "biz_id": text.sid}
        item |= {"out_id": text.key, "err_code": "MK:0001" if phone.dead else "DELIVERED"}
        status, answer = self._post_json(callbacks.reports(), [item])
        if not 200 <= status < 300:
            raise ConnectionError(f"reports were answered {status}: {answer[:200]}")

    def _ring(self, form: Mapping[str, str], call: Call) -> None:
        phone = self.phones[form["To"]]
        told = {"CallSid": call.sid, "To": phone.number, "From": form.get("From", ""), "AccountSid": ACCOUNT}
        if not phone.dead and not phone.off:
            phone.calls.append(call)
        if phone.off:
            return
        if phone.dead or phone.silent:
            call.status = "failed" if phone.dead else "no-answer"
        else:
            call.status = "completed"
            if form.get("MachineDetection"):
                told["AnsweredBy"] = "machine_start" if phone.voicemail else "human"
            talk(phone, call, form["Url"], told | {"CallStatus": "in-progress"}, self._tell)
        if "StatusCallback" in form:
            self._tell(form["StatusCallback"], told | {"CallStatus": call.status})

    def _inbound(self, number: str, body: str) -> str:
        sid, _ = self._sid("SM", "")
        form = {"MessageSid": sid, "From": number, "To": NUMBER, "Body": body, "AccountSid": ACCOUNT}
        return said(self._tell(f"{self._base_url}{callbacks.INBOUND}/sms", form))

    def _tell(self, url: str, form: Mapping[str, str]) -> str:
        """Posts to the hub, signed. Raises ConnectionError unless it answers 2xx."""
        signed = {"X-Twilio-Signature": callbacks.signature(url, form.items(), self.token)}
        status, answer = self._post(url, form, signed)
        if not 200 <= status < 300:
            raise ConnectionError(f"{url} answered {status}: {answer[:200]}")
        return answer

    def _by_http(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = self._client.post(url, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.text

    def _json_by_http(self, url: str, items: list[dict[str, Any]]) -> tuple[int, str]:
        answer = self._client.post(url, json=items)
        return answer.status_code, answer.text

    def _work(self) -> None:
        while (deed := self._waiting.get()) is not None:
            try:
                deed()
            except Exception as error:
                _log.error("the hub did not take a call", exc_info=error)
            finally:
                self._waiting.task_done()
        self._waiting.task_done()


class _Server(ThreadingHTTPServer):
    gateway: Any
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serves until SIGTERM or SIGINT; telephones take everything. Prints its addresses, a line of JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--hub", default="http://127.0.0.1:8000", help="its HUB_BASE_URL")
    arguments.add_argument("--no-receipts", dest="receipts", action="store_false")
    given = arguments.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Gateway(given.hub, port=given.port, receipts=given.receipts) as gateway:
        print(json.dumps({"sms": gateway.sms_url, "voice": gateway.voice_url}), flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
