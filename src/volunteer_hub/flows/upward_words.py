"""A report upward as it is read: on paper, as plain text, in a letter; and what the program writes in one
before anybody does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.boards import command, situation
from volunteer_hub.boards.upward import Known, Missing
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.incidents import upward, upward_rules
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import LONGEST_TEXT, Kind, TaskState
from volunteer_hub.incidents.templates import shown_role, shown_title
from volunteer_hub.incidents.upward_models import UpwardReport
from volunteer_hub.incidents.upward_rules import Content
from volunteer_hub.volunteers.policy import Skills


@dataclass(frozen=True)
class Document:
    """A report in its language, in the order in which it is read. ``drill``: what must be said first."""

    drill: str
    title: str
    head: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, int], ...]
    sections: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """All of it, a line each."""
        lines = [*filter(None, (self.drill, self.title)), ""]
        lines += [f"{label}: {value}" for label, value in self.head]
        lines += ["", *(f"{label}: {number}" for label, number in self.figures)]
        for heading, words in self.sections:
            lines += ["", heading, words]
        return "\n".join(lines) + "\n"


def document(
    report: UpwardReport, incident: Incident, way: Sequence[Jurisdiction], accounts: Mapping[int, Account]
) -> Document:
    """A report that was sent, or its draft, in the language in which it was written."""
    lang, zone = report.lang, way[-1].zone
    hazard = policy.load("hazards", Hazards).hazards.get(incident.hazard)
    sender = accounts.get(report.sent_by or 0)
    head = {
        "title": incident.title,
        "hazard": pick(hazard.name, lang) if hazard is not None else incident.hazard,
        "area": " › ".join(pick(node.name, lang) for node in way),
        "level": t(lang, f"incidents.level.{report.level}"),
        "started_at": moment(incident.started_at, zone),
        "declared_at": moment(incident.declared_at, zone),
        "closed_at": moment(incident.closed_at, zone) if incident.closed_at is not None else "",
        "as_of": moment(report.as_of, zone),
        "sent_to": report.sent_to or "",
        "sent_at": moment(report.sent_at, zone) if report.sent_at is not None else "",
        "sent_by": sender.name if sender is not None else "",
    }
    return Document(
        drill=t(lang, "upward.drill") if incident.kind is Kind.DRILL else "",
        title=title(report, lang),
        head=tuple((t(lang, f"upward.head.{name}"), value) for name, value in head.items() if value),
        figures=tuple(
            (t(lang, f"upward.figure.{name}"), report.figures[name]) for name in upward_rules.FIGURES
        ),
        sections=tuple(
            (t(lang, f"upward.words.{name}"), words)
            for name in upward_rules.WORDS
            if (words := getattr(report, name))
        ),
    )


def one(tx: Tx, incident: Incident, number: int) -> Document:
    """A report of an incident by its number. Raises NotFound."""
    report = upward.find(tx, incident, number)
    accounts = situation.accounts(tx, [report.sent_by])
    return document(report, incident, command.way(tx, incident.area), accounts)


def title(report: UpwardReport, lang: str) -> str:
    """Which report it is."""
    return t(lang, "upward.numbered", kind=t(lang, f"upward.kind.{report.kind}"), number=report.number)


def moment(at: datetime, zone: str) -> str:
    """A moment on the clocks of a zone, with its day: a report is read on other days too."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def letters(tx: Tx, ids: Collection[int]) -> dict[int, tuple[str, Document]]:
    """Report id -> address and content, of those that are mailed."""
    if not ids:
        return {}
    wanted = select(UpwardReport, Incident).join(Incident, col(Incident.id) == col(UpwardReport.incident_id))
    rows = tx.exec(wanted.where(col(UpwardReport.id).in_(ids))).all()
    accounts = situation.accounts(tx, [report.sent_by for report, _ in rows])
    return {
        report.id: (
            report.email or "",
            document(report, incident, command.way(tx, incident.area), accounts),
        )
        for report, incident in rows
    }


def first_words(known: Known, lang: str) -> Content:
    """What the program can say by itself: the figures, the work, who is missing."""
    hazards = policy.load("hazards", Hazards)
    incident, zone = known.board.incident, known.board.area.zone
    hazard = hazards.hazards.get(incident.hazard)
    said = [
        t(
            lang,
            "upward.said.situation",
            when=moment(incident.started_at, zone),
            area=pick(known.board.area.name, lang),
            hazard=pick(hazard.name, lang) if hazard is not None else incident.hazard,
            level=t(lang, f"incidents.level.{incident.level}"),
        )
    ]
    work = [
        t(lang, "upward.said.task", task=shown_title(hazards, line.task, lang), place=line.task.place or "–")
        for line in known.board.tasks
        if line.task.state is not TaskState.CANCELLED
    ]
    needs = [
        t(
            lang,
            "upward.said.need",
            task=shown_title(hazards, one.line.task, lang),
            role=_role(one, lang),
            n=one.heads,
        )
        for one in known.missing
    ]
    return Content(
        figures=known.figures,
        situation=_within(said),
        measures=_within(work),
        needs=_within(needs),
    )


def _role(one: Missing, lang: str) -> str:
    slot = one.slot.slot
    named = shown_role(policy.load("hazards", Hazards), one.line.task, slot.name, lang)
    skill = policy.load("skills", Skills).skills.get(slot.skill or "")
    return named or (pick(skill.name, lang) if skill is not None else t(lang, "board.anybody"))


def _within(lines: Sequence[str]) -> str:
    """As many whole lines as a report takes."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > LONGEST_TEXT:
            break
        kept.append(line)
    return "\n".join(kept)
