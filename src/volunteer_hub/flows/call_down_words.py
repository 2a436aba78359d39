"""The call-down as a page that prints: complete in itself, so that it opens on any computer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from volunteer_hub.core.i18n import t

_STYLE = Markup("""
body{font:10.5pt/1.35 "Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif;margin:1rem;
color:#000;background:#fff}
h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.15em;margin:1.2em 0 .3em}p{margin:.3em 0}
.point{border:3px solid #000;padding:.6em .8em;margin:.8em 0}.wrap{overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25em .4em;text-align:left;
vertical-align:top}
.box{min-width:4em}section{break-inside:auto}tr{break-inside:avoid}thead{display:table-header-group}
@media print{@page{margin:12mm}body{margin:0}}
""")


@dataclass(frozen=True)
class Door:
    """One person on the sheet. ``by`` is empty for whom the leader at the muster point knocks at."""

    name: str
    phone: str
    skills: Mapping[str, str]
    by: str
    guardian: str = ""


@dataclass(frozen=True)
class Sheet:
    """All that is printed of one community. ``point``: name, position, words; None where none is set."""

    community: Mapping[str, str]
    written: str
    point: tuple[str, str, str] | None
    buildings: Sequence[tuple[str, Sequence[Door]]]

    @property
    def people(self) -> int:
        """How many are on it."""
        return sum(len(doors) for _, doors in self.buildings)


def page(sheet: Sheet, lang: str) -> str:
    """The sheet in one language, as HTML without anything outside itself."""
    title = t(lang, "calldown.sheet.title", community=sheet.community)
    return str(
        Markup(
            '<!doctype html><html lang="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{}</title>'
            "<style>{}</style></head><body><h1>{}</h1><p>{}</p>{}<p>{}</p>{}</body></html>"
        ).format(
            {"zh": "zh-Hans"}.get(lang, lang),
            title,
            _STYLE,
            title,
            t(lang, "calldown.sheet.written", when=sheet.written, n=sheet.people),
            _point(sheet, lang),
            t(lang, "calldown.sheet.how"),
            Markup("").join(_building(name, doors, lang) for name, doors in sheet.buildings),
        )
    )


def _point(sheet: Sheet, lang: str) -> Markup:
    if sheet.point is None:
        return Markup('<p class="point">{}</p>').format(t(lang, "calldown.sheet.no_point"))
    name, position, words = sheet.point
    return Markup('<div class="point"><strong>{}: {}</strong><p>{}</p><p>{}</p></div>').format(
        t(lang, "calldown.sheet.point"), name, position, words
    )


def _building(name: str, doors: Sequence[Door], lang: str) -> Markup:
    heads = ("name", "phone", "skills", "by", "answer", "time")
    head = Markup("").join(Markup("<th>{}</th>").format(t(lang, f"calldown.sheet.{one}")) for one in heads)
    return Markup(
        '<section><h2>{}</h2><div class="wrap"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
        "</div></section>"
    ).format(
        name or t(lang, "calldown.sheet.no_building"),
        head,
        Markup("").join(_door(door, lang) for door in doors),
    )


def _door(door: Door, lang: str) -> Markup:
    guardian = t(lang, "calldown.sheet.guardian", guardian=door.guardian) if door.guardian else ""
    return Markup(
        '<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td class="box"></td><td class="box"></td></tr>'
    ).format(
        door.name,
        " ".join(filter(None, (door.phone, guardian))),
        door.skills[lang],
        door.by or t(lang, "calldown.sheet.leader"),
    )
