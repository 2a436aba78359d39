"""Text messages by approved template, through Aliyun's SendSms: an id and variables, never free text.

https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms; every request is signed
(ACS3-HMAC-SHA256). Whether a message arrived is reported to an address set up with the provider
(`callbacks.reports`), under the id that we give.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import httpx2

from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken
from volunteer_hub.notify.rules import Channel as Name

_TIMEOUT_SECONDS: Final = 20.0
_NUMBER_WRONG: Final = frozenset(
    {"isv.MOBILE_NUMBER_ILLEGAL", "isv.PARAM_LENGTH_LIMIT", "isv.BLACK_KEY_CONTROL_LIMIT"}
)
_NUMBER_BUSY: Final = frozenset({"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL"})
"""This number has had its share for now; the line works."""


class SmsTemplate:
    """``url`` is template+https://key:secret@dysmsapi.aliyuncs.com; ``signature`` is the registered one."""

    name = Name.SMS
    senders = 1

    def __init__(self, url: str, signature: str) -> None:
        parts = urlsplit(url.removeprefix("template+"))
        self._host = parts.netloc.rpartition("@")[2]
        self._address = f"{parts.scheme}://{self._host}/"
        self._key, self._secret = unquote(parts.username or ""), unquote(parts.password or "")
        self._signature = signature
        self._client = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False)

    def sender(self, address: str) -> str:
        """The one signature there is."""
        del address
        return self._signature

    async def send(self, letter: Letter) -> Taken:
        """Hands template and variables over. Raises DeliveryError."""
        if letter.template is None:
            raise DeliveryError("no template", permanent=True)
        query = canonical(
            {
                "PhoneNumbers": letter.address.removeprefix("+86"),
                "SignName": self._signature,
                "TemplateCode": letter.template.id,
                "TemplateParam": json.dumps(letter.template.variables, ensure_ascii=False),
                "OutId": str(letter.public_id),
            }
        )
        headers = {
            "host": self._host,
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        headers["authorization"] = authorization(self._key, self._secret, query, headers)
        try:
            answer = await self._client.post(f"{self._address}?{query}", headers=headers)
            document = answer.json()
            code, name = str(document["Code"]), document.get("BizId")
        except httpx2.HTTPError as error:
            raise DeliveryError(type(error).__name__, line=True) from None
        except (ValueError, KeyError, TypeError):
            raise DeliveryError(f"gateway {answer.status_code}", line=True) from None
        if code == "OK":
            return Taken(provider_id=name if isinstance(name, str) else None)
        line = code not in _NUMBER_WRONG | _NUMBER_BUSY
        raise DeliveryError(f"gateway {code[:60]}", permanent=code in _NUMBER_WRONG, line=line)

    async def close(self) -> None:
        """Ends kept connections."""
        await self._client.aclose()


def canonical(parameters: Mapping[str, str]) -> str:
    """Parameters in order, each escaped as RFC 3986 has it."""
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parameters.items())
    )


def authorization(key: str, secret: str, query: str, headers: Mapping[str, str]) -> str:
    """The header that signs a request without a body, over its query and these headers.

    https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(["POST", "/", query, lines, names, headers["x-acs-content-sha256"]])
    signed = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    proof = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256).hex()
    return f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={names},Signature={proof}"
