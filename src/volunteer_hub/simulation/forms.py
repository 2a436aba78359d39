"""The forms of a page, as whoever fills them in sees them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where it goes, what it holds already, and among which values each field of choice may be chosen."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(held.get("action", "")))
            self._inside = True
        elif self._inside and tag == "select":
            self._select = held.get("name", "")
            self.forms[-1].choices[self._select] = []
        elif self._inside and tag == "option":
            self._choice(self._select, held, chosen="selected" in held)
        elif self._inside and tag == "textarea":
            self.forms[-1].texts.append(held.get("name", ""))
        elif self._inside and tag == "input" and held.get("name"):
            self._input(held)

    def _input(self, held: dict[str, str]) -> None:
        form, name = self.forms[-1], held["name"]
        match held.get("type", "text"):
            case "radio":
                self._choice(name, held, chosen="checked" in held)
            case "hidden":
                form.fields[name] = held.get("value", "")
            case "checkbox" | "submit" | "button":
                pass
            case _:
                form.texts.append(name)

    def _choice(self, name: str, held: dict[str, str], *, chosen: bool) -> None:
        form = self.forms[-1]
        value = held.get("value", "")
        if value:
            form.choices.setdefault(name, []).append(value)
        if chosen:
            form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def forms(page: str) -> list[Form]:
    """Every form of an HTML page, in order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def form_to(page: str, ending: str) -> Form | None:
    """The form whose action ends so; None when the page has none."""
    return next((form for form in forms(page) if form.action.endswith(ending)), None)
