"""Somebody of the staff, or a machine of the city, at the public API: signed in as they would be."""

from typing import Any, Self

import httpx2

from volunteer_hub.simulation.installation import Login

API = "/api/v1"


class Broken(Exception):
    """The story cannot go on; the message says what the server answered."""


class Desk:
    """One reader's or machine's way to the API, in their language."""

    def __init__(self, address: str, lang: str, token: str | None = None) -> None:
        headers = {"Accept-Language": lang}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._web = httpx2.Client(base_url=address, headers=headers, timeout=60, trust_env=False)

    def sign_in(self, login: Login) -> Self:
        """Opens a session by the form that people use. Raises Broken."""
        self._web.cookies.clear()
        answer = self._web.post("/login", data={"email": login.email, "password": login.password})
        if answer.status_code != httpx2.codes.SEE_OTHER:
            raise Broken(f"/login: {answer.status_code}")
        return self

    def get(self, path: str, **query: Any) -> Any:
        """What a resource holds. Raises Broken."""
        return self._told(self._web.get(API + path, params=query))

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """Does something. Raises Broken."""
        return self._told(self._web.post(API + path, json=body or {}, params=query))

    def post_xml(self, path: str, document: bytes, **query: Any) -> Any:
        """Hands in a document. Raises Broken."""
        headers = {"Content-Type": "application/cap+xml"}
        return self._told(self._web.post(API + path, content=document, headers=headers, params=query))

    def close(self) -> None:
        """Leaves."""
        self._web.close()

    def _told(self, answer: httpx2.Response) -> Any:
        if answer.is_error:
            raise Broken(
                f"{answer.request.method} {answer.url.path}: {answer.status_code} {answer.text[:500]}"
            )
        return answer.json()
