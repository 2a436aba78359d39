"""Pages: one template in, one answer in the reader's language out.

`page` finds the language, then the theme, and renders with an environment made for that language and the
area's time zone, so templates and macros say `t("key")` and `moment | when` and carry nothing around.
Security headers are the middleware's; it takes `CRITICAL_STYLE` for its style-src.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, format_percent
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import HTTPConnection

from volunteer_hub.core.i18n import LANGUAGES, Text, negotiate, pick, say, t

Lang = Literal["en", "zh"]
Theme = Literal["auto", "light", "dark"]

WEB = Path(__file__).parent
STATIC = WEB / "static"
LANGUAGE_COOKIE = "hub_lang"
THEME_COOKIE = "hub_theme"
A_YEAR = 365 * 24 * 3600
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "zh": "中文"}
_LOCALES = {"en": Locale.parse("en_GB"), "zh": Locale.parse("zh_Hans_CN")}


@dataclass(frozen=True)
class NavEntry:
    """One line of the console's navigation; entries with the same `group` stand together, in list order.
    ``key``: what opens it from the keyboard, if anything."""

    href: str
    label: str
    icon: str = "list"
    group: str = ""
    key: str = ""

    def current(self, path: str, among: Iterable[NavEntry] = ()) -> bool:
        """True on the entry's own page and below it, where none of ``among`` is nearer."""
        nearer = [one for one in among if len(one.href) > len(self.href)]
        above = path == self.href or path.startswith(self.href.rstrip("/") + "/")
        return above and not any(one.current(path) for one in nearer)


# -- language and theme ------------------------------------------------------------------------------------


def _known_language(tag: str | None) -> Lang | None:
    """A language we speak for a tag such as `zh-Hant-TW` or `en_GB`."""
    head = re.split("[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return head if head in LANGUAGES else None


def language_of(request: HTTPConnection) -> Lang:
    """`?lang=`, then the cookie, then Accept-Language."""
    return (
        _known_language(request.query_params.get("lang"))
        or _known_language(request.cookies.get(LANGUAGE_COOKIE))
        or negotiate(request.headers.get("accept-language"))
    )


def theme_of(request: HTTPConnection) -> Theme:
    """`?theme=`, then the cookie; "auto" follows the reader's system."""
    for said in (request.query_params.get("theme"), request.cookies.get(THEME_COOKIE)):
        if said in get_args(Theme):
            return said  # type: ignore[return-value]  # just tested against the Literal's values
    return "auto"


def _here_with(request: HTTPConnection) -> Callable[..., str]:
    """`here_with(lang="zh")`: this page's address with some of its query changed."""

    def here_with(**changes: str) -> str:
        return f"{request.url.path}?{urlencode({**request.query_params, **changes})}"

    return here_with


# -- static files ------------------------------------------------------------------------------------------


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static(name: str) -> str:
    """Address of a file under static/, changed whenever its content changes. Raises FileNotFoundError."""
    return f"/static/{name}?v={_fingerprint(name)}"


def _squeeze(css: str) -> str:
    """Drop comments and the spaces nobody needs."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(";}", "}").strip()


def critical_style() -> str:
    """The sections of hub.css whose heading carries `[phone]`: all that a phone page needs, to be inlined."""
    sections = re.split(r"(?=/\* == )", (STATIC / "hub.css").read_text())
    chosen = [sections[0]] + [part for part in sections[1:] if "[phone]" in part.split("*/", 1)[0]]
    return _squeeze("".join(chosen))


CRITICAL_STYLE = critical_style()
CRITICAL_STYLE_SOURCE = f"'sha256-{b64encode(hashlib.sha256(CRITICAL_STYLE.encode()).digest()).decode()}'"
"""What style-src must hold, beside 'self', for the phone pages' inlined style."""


# -- how times and figures are said ------------------------------------------------------------------------


@dataclass(frozen=True)
class Speech:
    """Times, figures and distances as a reader of `lang` expects them, on the clocks of `zone`."""

    lang: Lang
    zone: str

    def local(self, moment: datetime) -> datetime:
        """The moment on the area's clock. Raises ValueError for a time without a zone."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone")
        return moment.astimezone(ZoneInfo(self.zone))

    def clock(self, moment: datetime) -> str:
        """03:00"""
        return self.local(moment).strftime("%H:%M")

    def day(self, moment: datetime | date, *, year: bool = False) -> str:
        """Sat 14 Mar / 3月14日 周六"""
        on = self.local(moment).date() if isinstance(moment, datetime) else moment
        weekday = format_date(on, "EEE", locale=_LOCALES[self.lang])
        words = format_skeleton("yMMMd" if year else "MMMd", on, locale=_LOCALES[self.lang])
        return f"{weekday} {words}" if self.lang == "en" else f"{words} {weekday}"

    def _named_day(self, on: date, today: date | None) -> str:
        if today is not None:
            apart = (on - today).days
            if -1 <= apart <= 1:
                return t(self.lang, ("ui.yesterday", "ui.today", "ui.tomorrow")[apart + 1])
            if not -7 < apart < 7:
                return self.day(on, year=on.year != today.year)
        return format_date(on, "EEE", locale=_LOCALES[self.lang])

    def when(self, moment: datetime, now: datetime | None = None) -> str:
        """Sat 03:00 / 周六 03:00; given `now`: today 03:00, and the date for days a week or more away."""
        today = None if now is None else self.local(now).date()
        return f"{self._named_day(self.local(moment).date(), today)} {self.clock(moment)}"

    def span(self, start: datetime, end: datetime, now: datetime | None = None) -> str:
        """Sat 03:00–07:00, Today 03:00–07:00: it begins a line. A span over midnight says both days."""
        begins = self.when(start, now)
        begins = begins[0].upper() + begins[1:]
        if self.local(start).date() == self.local(end).date():
            return f"{begins}–{self.clock(end)}"
        return f"{begins} – {self.when(end, now)}"

    def duration(self, minutes: int) -> str:
        """2 h 15 min / 2小时15分钟; days from 48 hours on."""
        sign = "−" if minutes < 0 else ""
        hours, rest = divmod(abs(minutes), 60)
        days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)
        parts = [("ui.days", days), ("ui.hours", hours), ("ui.minutes", rest if not days else 0)]
        said = [t(self.lang, key, n=n) for key, n in parts if n]
        return sign + (" " if self.lang == "en" else "").join(said or [t(self.lang, "ui.minutes", n=0)])

    def number(self, value: float) -> str:
        """2,140"""
        return str(format_decimal(value, locale=_LOCALES[self.lang]))

    def percent(self, share: float, digits: int = 0) -> str:
        """0.384 -> 38%"""
        pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
        return str(format_percent(share, format=pattern, locale=_LOCALES[self.lang]))

    def distance(self, km: float) -> str:
        """350 m, 1.8 km, 12 km: no finer than the position behind it."""
        if km < 0.995:
            return t(self.lang, "ui.metres", count=self.number(round(km * 100) * 10))
        return t(self.lang, "ui.kilometres", count=self.number(round(km, 1) if km < 9.95 else round(km)))

    def time_tag(self, moment: datetime, text: str | None = None) -> Markup:
        """`text`, or `when`, inside a <time> that carries the exact moment for machines."""
        exact = self.local(moment).isoformat(timespec="minutes")
        return Markup('<time datetime="{}">{}</time>').format(exact, text or self.when(moment))


# -- the environment ---------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def environment(lang: Lang, zone: str = "UTC") -> Environment:
    """Templates for readers of `lang` in an area on the clocks of `zone`. Raises ZoneInfoNotFoundError."""
    ZoneInfo(zone)
    speech = Speech(lang, zone)
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=lambda value: say(lang, value) if isinstance(value, Text) else value,
    )
    env.globals.update(
        lang=lang,
        html_lang={"en": "en", "zh": "zh-Hans"}[lang],
        language_names=LANGUAGE_NAMES,
        t=lambda key, **params: t(lang, key, **params),
        t_in=t,
        static=static,
        critical_style=Markup(CRITICAL_STYLE),  # noqa: S704 - our own stylesheet
    )
    env.filters.update(
        named=lambda name: pick(name, lang),
        when=speech.when,
        clock=speech.clock,
        day=speech.day,
        span=speech.span,
        duration=speech.duration,
        number=speech.number,
        percent=speech.percent,
        distance=speech.distance,
        time_tag=speech.time_tag,
        as_json=lambda value: json.dumps(value, ensure_ascii=False),
    )
    return env


def page(
    request: HTTPConnection,
    template: str,
    *,
    zone: str = "UTC",
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """Render `template` for this reader.

    `zone` is the time zone of the area the page is about. Layouts look for `title`, `nav` (list of NavEntry),
    `account` (a mapping with `name` and `role`, or None) and `kind` ("real", "drill" or None); see
    docs/design.md. A language or theme asked for in the address is remembered in a cookie.
    """
    lang, theme = language_of(request), theme_of(request)
    layout = {"nav": (), "account": None, "kind": None, "theme": theme, "path": request.url.path}
    text = (
        environment(lang, zone)
        .get_template(template)
        .render({**layout, "here_with": _here_with(request), **context})
    )
    response = HTMLResponse(text, status_code=status)
    response.headers["content-language"] = "zh-Hans" if lang == "zh" else "en"
    response.headers["vary"] = "Accept-Language, Cookie"
    secure = request.url.scheme == "https"
    for asked, cookie, value in (("lang", LANGUAGE_COOKIE, lang), ("theme", THEME_COOKIE, theme)):
        if asked in request.query_params:
            response.set_cookie(cookie, value, max_age=A_YEAR, samesite="lax", secure=secure, httponly=True)
    return response
