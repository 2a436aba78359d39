"""A browser or program at our doors, signed in as somebody, on the test's own transaction."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

from tests import loop
from volunteer_hub.access import accounts, sessions
from volunteer_hub.access.models import Account
from volunteer_hub.app import create_app
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM, Actor

_APP = create_app()
ORIGIN = "http://testserver"


def client(actor: Actor | None = None, *, lang: str = "en") -> TestClient:
    """A client in English unless said otherwise; with an actor, holding a session cookie of theirs.

    The application's lifespan is not run: the test's fixtures made the database it needs.
    """
    browser = TestClient(_APP, follow_redirects=False, headers={"accept-language": lang, "origin": ORIGIN})
    browser.portal = loop.portal()
    if actor is None:
        return browser
    with db.transaction(SYSTEM, "test.session") as tx:
        if actor.kind == "volunteer":
            assert actor.id is not None
            opened = sessions.open_for_volunteer(tx, actor.id)
        else:
            account = tx.get(Account, actor.id)
            assert account is not None
            opened = sessions.open_for_account(tx, account)
    browser.cookies.set("hub_session", opened.token)
    return browser


def acting(email: str) -> Actor:
    """The actor behind an account's address, with the rights it holds now."""
    with db.transaction(SYSTEM, "test.actor") as tx:
        account = accounts.by_email(tx, email)
        assert account is not None
        return accounts.actor_for(tx, account)


def gateway_post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
    """What the made-up gateway posts to us (``Gateway(post=...)``), on the test's own transaction."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    answer = client().post(path, data=dict(form), headers=dict(headers))
    return answer.status_code, answer.text
