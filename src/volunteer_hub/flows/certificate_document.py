"""A certificate in words, from what was frozen when it was issued: one document for paper and terminal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.core.document import Document, Section, Table
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.settings import settings
from volunteer_hub.incentives import certificates
from volunteer_hub.incentives.certificates_models import Certificate
from volunteer_hub.incentives.certificates_rules import Paper

_DUTY: Final = ("day", "begins", "ends", "duty", "role", "place", "time", "grade", "counts")
_BASIC: Final = ("name", "number", "born", "area", "since")
_GRADES: Final = ("A", "B", "C")
_PRINTED: Final = 16
"""Hexadecimal digits of the hash that are printed."""
Content = Mapping[str, Any]


def address(certificate: Certificate) -> str:
    """Where anybody can check it: what the printed code says."""
    return f"{settings().base_url.rstrip('/')}/v/{certificates.token(certificate.public_id)}"


def document(certificate: Certificate, content: Content, lang: str) -> Document:
    """All of it."""
    parts = _letter if certificate.paper is Paper.ABSENCE else _record
    title = t(lang, f"certificate.title.{certificate.paper.value}")
    zone = content["zone"]
    issued = t(
        lang,
        "certificate.under",
        number=certificates.number(certificate),
        day=_local(certificate.issued_at, zone).date().isoformat(),
    )
    return Document(
        lang=lang,
        banner=issuer(content, lang),
        title=title,
        under=issued,
        sections=(*parts(content, lang), _signatures(lang)),
        upright=True,
        code=address(certificate),
        code_text=(
            t(lang, "certificate.verify"),
            address(certificate),
            t(lang, "certificate.digest", digest=certificate.digest.hex()[:_PRINTED]),
            t(lang, "certificate.free"),
        ),
    )


def issuer(content: Content, lang: str) -> str:
    """The areas that stand behind it, the widest first in Chinese, last in English."""
    names = [pick(name, lang) for name in content["issuer"]]
    return "".join(names) if lang == "zh" else ", ".join(reversed(names))


def duration(minutes: int, lang: str) -> str:
    """3 h 20 min, as hours however many: nobody counts service in days."""
    hours, rest = divmod(minutes, 60)
    said = [
        t(lang, key, n=n)
        for key, n in (("ui.hours", hours), ("ui.minutes", rest))
        if n or (key == "ui.minutes" and not hours)
    ]
    return ("" if lang == "zh" else " ").join(said)


def duties(content: Content, zone: str, lang: str) -> Table:
    """The duties one by one, on the clocks of their place."""
    return Table(
        t(lang, "certificate.duties"),
        [t(lang, f"certificate.column.{name}") for name in _DUTY],
        [_duty(one, zone, lang) for one in content["duties"]],
        frozenset({6}),
    )


def figures(found: Content, lang: str) -> Iterator[str]:
    """The sums, in sentences."""
    yield t(lang, "certificate.counted", time=duration(found["counted"], lang))
    for grade in _GRADES:
        if found["grades"].get(grade):
            time = duration(found["grades"][grade], lang)
            yield t(lang, "certificate.by_grade", time=time, grade=t(lang, f"certificate.grade.{grade}"))
    if found["other"]:
        yield t(lang, "certificate.other", time=duration(found["other"], lang))


def times(span: Sequence[str], zone: str) -> str:
    """2031-01-20 11:00 - 15:00; both days where they differ."""
    since, until = (_local(datetime.fromisoformat(one), zone) for one in span)
    last = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%Y-%m-%d %H:%M}"
    return f"{since:%Y-%m-%d %H:%M} – {last}"


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _duty(one: Content, zone: str, lang: str) -> list[str]:
    since, until = (_local(datetime.fromisoformat(one[key]), zone) for key in ("begins", "ends"))
    drill = t(lang, "certificate.drill") if one["kind"] == "drill" else ""
    return [
        since.date().isoformat(),
        f"{since:%H:%M}",
        f"{until:%H:%M}",
        f"{drill}{pick(one['title'], lang)}",
        pick(one["role"], lang),
        pick(one["place"], lang),
        duration(one["minutes"], lang),
        one["grade"],
        t(lang, f"certificate.counts.{'yes' if one['counts'] else 'no'}"),
    ]


def _record(content: Content, lang: str) -> Iterator[Section]:
    person, found = content["person"], content["figures"]
    begins, ends = content["period"]
    basic = [
        t(lang, f"certificate.basic.{name}", value=pick(person["area"], lang) if name == "area" else value)
        for name in _BASIC
        if (value := person[name])
    ]
    basic += [t(lang, "certificate.basic.skills", value=_skills(person, lang))] if person["skills"] else []
    yield Section(t(lang, "certificate.person"), (*basic, t(lang, "certificate.basic.identity")))
    yield Section(
        t(lang, "certificate.service"),
        (t(lang, "certificate.period", begins=begins, ends=ends), *figures(found, lang), *_none(found, lang)),
        duties(found, content["zone"], lang),
    )
    yield Section(t(lang, "certificate.training"), *_training(content, lang))
    awards = [pick(one, lang) for one in content["awards"]]
    yield Section(t(lang, "certificate.awards"), awards or (t(lang, "certificate.nothing"),))


def _none(found: Content, lang: str) -> tuple[str, ...]:
    return () if found["duties"] else (t(lang, "certificate.no_duties"),)


def _skills(person: Content, lang: str) -> str:
    joint = "、" if lang == "zh" else ", "
    return joint.join(
        t(lang, "certificate.skill", name=pick(one["name"], lang), level=one["level"])
        for one in person["skills"]
    )


def _training(content: Content, lang: str) -> tuple[tuple[str, ...], Table | None]:
    if not content["training"]:
        return (t(lang, "certificate.nothing"),), None
    columns = ("skill", "issuer", "issued", "expires")
    rows = [[pick(one["skill"], lang), *(one[name] for name in columns[1:])] for one in content["training"]]
    head = [t(lang, f"certificate.column.{name}") for name in columns]
    return (), Table(t(lang, "certificate.training"), head, rows)


def _letter(content: Content, lang: str) -> Iterator[Section]:
    found, zone = content["figures"], content["zone"]
    facts = {
        "name": content["person"]["name"],
        "issuer": issuer(content, lang),
        "title": pick(content["title"], lang),
        "role": pick(content["role"], lang),
        "place": pick(content["place"], lang),
    }
    served = found["served"]
    about = (
        t(lang, "certificate.letter.served", time=times(served, zone), **facts)
        if served
        else t(lang, "certificate.letter.called", time=times((found["begins"], found["ends"]), zone), **facts)
    )
    drill = [t(lang, "certificate.letter.drill")] if content["kind"] == "drill" else []
    yield Section(
        t(lang, "certificate.letter.to"),
        (about, *drill, t(lang, f"certificate.letter.{'thanks' if served else 'please'}")),
    )


def _signatures(lang: str) -> Section:
    return Section(t(lang, "certificate.sealed"), (t(lang, "certificate.sealed.text"),))
