"""What a reader typed into a form: read field by field, kept as typed, every mistake named."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from volunteer_hub.core import idempotency
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import t

LONGEST: Final = 4_000
_WHOLE: Final = 9  # digits


class Form:
    """The fields of one posted form. Readers note what is wrong in ``faults``; `check` raises it all."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self.values = values
        self.faults: list[FieldError] = []

    def text(self, name: str, longest: int = LONGEST) -> str:
        """A text, trimmed; empty when it was not sent."""
        value = self._first(name).strip()
        if "\0" in value:
            self._fault(name, "text.nul")
            return ""
        if len(value) > longest:
            self._fault(name, "incident.text.too_long", longest=longest)
        return value

    def many(self, name: str) -> list[str]:
        """Every value sent under a name."""
        return [value for value in self.values.get(name, ()) if "\0" not in value]

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self._first(name))

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number."""
        value = self._first(name).strip()
        if not value:
            return default
        if not value.lstrip("-").isdecimal() or len(value) > _WHOLE:
            self._fault(name, "form.number")
            return default
        return int(value)

    def decimal(self, name: str) -> float | None:
        """A number with a point or comma; None when it was left empty."""
        value = self._first(name).strip().replace(",", ".")
        try:
            number = float(value) if value else None
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            self._fault(name, "form.number")
            return None
        return number

    def moment(self, name: str, zone: str) -> datetime | None:
        """A day and hour on the clocks of a zone."""
        value = self._first(name).strip()
        try:
            return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone)) if value else None
        except ValueError:
            self._fault(name, "form.moment")
            return None

    def require(self, name: str) -> None:
        """Notes a field that was left empty."""
        if not self._first(name).strip():
            self._fault(name, "incident.text.missing")

    @property
    def typed(self) -> dict[str, str]:
        """What stood in each field, to be shown again."""
        return {name: values[0] for name, values in self.values.items() if values}

    def check(self) -> None:
        """Raises Malformed when anything was wrong."""
        if self.faults:
            raise Malformed(self.faults[0].code, fields=self.faults, **self.faults[0].params)

    def once(self, tx: Tx, where: str, deed: Any) -> str:
        """The address that ``deed`` gives; a form sent twice acts once, and leads to the same address."""
        key = self.text("once", 100)
        if not key:
            return str(deed())
        mark = idempotency.fingerprint("FORM", where, b"")
        before = idempotency.earlier(tx, key, mark)
        if before is not None:
            return str(before.response)
        address = str(deed())
        idempotency.remember(tx, key, mark, 303, address)
        return address

    def _first(self, name: str) -> str:
        return next(iter(self.values.get(name, ())), "")

    def _fault(self, name: str, code: str, **params: Any) -> None:
        self.faults.append(FieldError(name, code, params))


async def _sent(request: Request) -> Form:
    found: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return Form(found)


Sent = Annotated[Form, Depends(_sent)]


def new_key() -> str:
    """A fresh key for a hidden field ``once``."""
    return str(uuid7())


class Faults(dict[str, str]):
    """Field -> what is wrong with it, nothing for the others; under "" what concerns the whole form."""

    def __missing__(self, name: str) -> str:
        return ""


def words(lang: str, error: HubError) -> Faults:
    """An error as it stands beside the fields of a form."""
    if not error.fields:
        return Faults({"": t(lang, f"error.{error.code}", **error.params)})
    return Faults({fault.where: t(lang, f"error.{fault.code}", **fault.params) for fault in error.fields})


def to(path: str) -> Response:
    """After a form was taken: go and look, so that reloading does not send it again."""
    return RedirectResponse(path, status_code=303)
