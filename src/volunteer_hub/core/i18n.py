"""Words for people: catalogue keys to English and Chinese, one .po file per area and language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from babel.messages.pofile import read_po

LOCALE: Final = Path(__file__).resolve().parent.parent / "locale"
Lang = Literal["en", "zh"]
LANGUAGES: Final[tuple[Lang, ...]] = ("en", "zh")
DEFAULT: Final[Lang] = "zh"


class MissingText(KeyError):
    """A key that no catalogue holds: a mistake in the program, found by the catalogue test."""


@dataclass(frozen=True)
class Text:
    """A text not yet in a language: resolved at the door with the reader's."""

    key: str
    params: dict[str, Any] = field(default_factory=dict)


class _Named(Protocol):
    @property
    def en(self) -> str: ...
    @property
    def zh(self) -> str: ...


@cache
def catalogue(lang: str) -> Mapping[str, str | tuple[str, ...]]:
    """All texts of one language, key -> text, or -> plural forms. Raises ValueError on a key held twice."""
    texts: dict[str, str | tuple[str, ...]] = {}
    for path in sorted((LOCALE / lang).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                if not message.id:
                    continue
                key = message.id if isinstance(message.id, str) else message.id[0]
                if key in texts:
                    raise ValueError(f"{path.name} ({lang}) repeats {key}")
                texts[key] = (
                    message.string if isinstance(message.string, str) else tuple(message.string or ())
                )
    return texts


def _plural_index(lang: str, n: int) -> int:
    return int(n != 1) if lang == "en" else 0


def t(lang: str, key: str, /, **params: Any) -> str:
    """The text of ``key`` in ``lang`` with its parameters; plural forms are chosen by ``n``.

    A parameter that is itself a `Text`, or a name in both languages, is resolved first.
    Raises MissingText when the catalogue does not hold the key.
    """
    try:
        text = catalogue(lang)[key]
    except KeyError:
        raise MissingText(key) from None
    if not isinstance(text, str):
        text = text[min(_plural_index(lang, int(params.get("n", 0))), len(text) - 1)]
    return text.format(**{name: _resolved(lang, value) for name, value in params.items()})


def say(lang: str, text: Text) -> str:
    """A lazy text in a language."""
    return t(lang, text.key, **text.params)


def has(lang: str, key: str) -> bool:
    """Whether the catalogue holds a key."""
    return key in catalogue(lang)


def _resolved(lang: str, value: Any) -> Any:
    if isinstance(value, str):  # most are, and to ask whether one is a Mapping takes ten times as long
        return value
    if isinstance(value, Text):
        return say(lang, value)
    if isinstance(value, Mapping) and set(value) >= set(LANGUAGES):
        return value[lang]
    return value


def pick(name: Mapping[str, str] | _Named, lang: str) -> str:
    """One language of a configured name ``{en, zh}``."""
    if isinstance(name, Mapping):
        return name[lang] if lang in name else name["en"]
    return name.zh if lang == "zh" else name.en


def negotiate(header: str | None) -> Lang:
    """The language to answer in, from an Accept-Language header; every ``zh*`` is Chinese.

    Babel's own negotiation sends zh-Hans-CN to English, so the first subtag decides here.
    """
    wishes: list[tuple[float, str]] = []
    for part in (header or "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        wishes.append((quality, tag.split("-")[0].lower()))
    for _, tag in sorted(wishes, key=lambda wish: -wish[0]):
        for lang in LANGUAGES:
            if tag == lang:
                return lang
    return DEFAULT
