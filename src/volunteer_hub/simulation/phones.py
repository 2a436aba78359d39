"""Telephones behind a made-up gateway: what came to them, and how whoever owns one behaves."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

_LONGEST_CALL: Final = 30
Fetch = Callable[[str, Mapping[str, str]], str]
"""Posts a form to an address of the hub, signed; what it answers."""


@dataclass(frozen=True)
class Text:
    """A text message that arrived. ``key``: what it was sent under; ``template``: its id, if it has one."""

    sid: str
    sender: str
    body: str
    key: str
    template: str = ""


@dataclass
class Call:
    """One call: what the person heard, sentence by sentence, and pressed; ``status`` is the gateway's."""

    sid: str
    key: str
    heard: list[str] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    status: str = "queued"


@dataclass
class Phone:
    """A telephone. ``silent``: rings and nobody answers. ``voicemail``: a machine answers calls. ``dead``:
    no such number; texts do not arrive. ``off``: no receipt ever comes."""

    number: str
    send: Callable[[str, str], str] = field(repr=False)
    inbox: list[Text] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    silent: bool = False
    voicemail: bool = False
    dead: bool = False
    off: bool = False
    keys: deque[str] = field(default_factory=deque)

    def reply(self, body: str) -> str:
        """Writes back to the hub's number at once; the text that the hub answers with, "" for none."""
        return self.send(self.number, body)

    def press(self, *keys: str) -> None:
        """What this person will press when a call asks for a key, one after another."""
        self.keys.extend(keys)


def said(twiml: str) -> str:
    """What an answer of the hub says or writes, in one piece."""
    if not twiml.strip():
        return ""
    words = [node.text or "" for node in fromstring(twiml).iter() if node.tag in ("Say", "Message", "Body")]
    return " ".join(word.strip() for word in words if word.strip())


def talk(phone: Phone, call: Call, url: str, form: Mapping[str, str], fetch: Fetch) -> None:
    """A call from picking up to hanging up: TwiML's Say, Gather, Redirect and Hangup, no other verb.

    A menu of which nobody presses a key goes on with what follows it.
    https://www.twilio.com/docs/voice/twiml
    """
    following: tuple[str, Mapping[str, str]] | None = (url, form)
    for _ in range(_LONGEST_CALL):
        if following is None:
            return
        here, given = following
        following = _walk(phone, call, here, form, fromstring(fetch(here, given)))
    raise RuntimeError(f"the call {call.sid} does not end")


def _walk(
    phone: Phone, call: Call, here: str, form: Mapping[str, str], twiml: Element
) -> tuple[str, Mapping[str, str]] | None:
    for verb in twiml:
        match verb.tag:
            case "Say":
                call.heard.append((verb.text or "").strip())
            case "Gather":
                call.heard += [(word.text or "").strip() for word in verb.iter("Say")]
                if phone.keys:
                    key = phone.keys.popleft()
                    call.pressed.append(key)
                    return verb.get("action") or here, {**form, "Digits": key}
            case "Redirect":
                return (verb.text or here).strip(), form
            case "Hangup":
                return None
            case "Pause":
                continue
            case other:
                raise ValueError(f"{other} is no verb that this telephone knows")
    return None
