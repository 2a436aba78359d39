"""Callouts by text message, over the made-up gateway."""

from collections.abc import Iterator

import pytest

from tests.doors import gateway_post
from tests.flows.callouts import at_ten
from volunteer_hub.core.settings import settings
from volunteer_hub.simulation.gateway import Gateway

LIN = "+8613900000002"
STRANGER = "+8613911112222"


def by_text(monkeypatch: pytest.MonkeyPatch, **names: str) -> Iterator[Gateway]:
    """Body of a fixture: it is ten o'clock, and everybody is written to by text message; there is no mail.

    ``names``: what else is set, such as HUB_BASE_URL; HUB_VOICE_URL may be "gateway".
    """
    with Gateway("http://127.0.0.1:8000", live=False, post=gateway_post) as opened:
        for _ in at_ten(monkeypatch):
            monkeypatch.delenv("HUB_SMTP_URL")
            monkeypatch.setenv("HUB_SMS_URL", opened.sms_url)
            for name, value in names.items():
                monkeypatch.setenv(name, opened.voice_url if value == "gateway" else value)
            settings.cache_clear()
            yield opened
