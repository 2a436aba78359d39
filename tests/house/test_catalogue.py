"""Everything a person reads is in the catalogue, in both languages, with the same parameters."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from volunteer_hub.core.i18n import LOCALE, catalogue

SOURCE = Path(__file__).resolve().parents[2] / "src" / "volunteer_hub"
FILES = sorted(path.name for path in (LOCALE / "en").glob("*.po"))
_KEY_IN_TEMPLATE = re.compile(r"""\bt\(\s*["']([a-z0-9_.\-]+)["']\s*[,)]""")
_KEY_IN_PYTHON = re.compile(
    r"""\bt\(\s*\w+(?:\.\w+)*,\s*["']([a-z0-9_.\-]+)["']\s*[,)]|\bText\(\s*["']([a-z0-9_.\-]+)["']"""
)
_ERROR_IN_PYTHON = re.compile(
    r"""\b(?:Malformed|Refused|NotFound|Forbidden|Unauthenticated|Gone|TooMany|Unavailable|PreconditionFailed)"""
    r"""\(\s*["']([a-z0-9_.\-]+)["']"""
)


def parameters(text: str | tuple[str, ...]) -> set[str]:
    forms = (text,) if isinstance(text, str) else text
    return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name is not None}


def test_both_languages_have_the_same_files() -> None:
    assert sorted(path.name for path in (LOCALE / "zh").glob("*.po")) == FILES


@pytest.mark.parametrize("name", FILES)
def test_both_languages_have_the_same_keys(name: str) -> None:
    keys = []
    for lang in ("en", "zh"):
        with (LOCALE / lang / name).open("rb") as file:
            keys.append({m.id if isinstance(m.id, str) else m.id[0] for m in read_po(file) if m.id})
    assert keys[0] == keys[1]


def test_both_languages_have_the_same_parameters_and_no_empty_text() -> None:
    en, zh = catalogue("en"), catalogue("zh")
    unlike = {key for key in en if parameters(en[key]) | {"n"} != parameters(zh[key]) | {"n"}}
    assert unlike == set()
    assert {key for texts in (en, zh) for key, text in texts.items() if not all(text)} == set()


def test_chinese_is_chinese() -> None:
    latin = {
        key
        for key, text in catalogue("zh").items()
        if re.fullmatch(r"[\x00-\x7f]*[A-Za-z]{4,}[\x00-\x7f]*", "".join(text))
    }
    assert {key for key in latin if "{" not in "".join(catalogue("zh")[key])} - NAMES == set()


NAMES: set[str] = {"ui.lang.en"}


def test_every_key_that_the_source_names_is_there() -> None:
    known = set(catalogue("en"))
    missing = set()
    for path in SOURCE.rglob("*.html"):
        missing |= {
            (path.name, key) for key in _KEY_IN_TEMPLATE.findall(path.read_text()) if key not in known
        }
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        named = {a or b for a, b in _KEY_IN_PYTHON.findall(text)}
        named |= {f"error.{code}" for code in _ERROR_IN_PYTHON.findall(text)}
        missing |= {(path.name, key) for key in named if key not in known}
    assert missing == set()
