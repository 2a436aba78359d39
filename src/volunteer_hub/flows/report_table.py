"""The report of what was said, as a table: one row a form, question and answer, in people."""

import csv
import io

from volunteer_hub.boards.report import Report
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.feedback.policy import Question


def answer_words(question: Question, code: str, lang: str) -> str:
    """What an answer to a scale or choice says."""
    if question.kind == "scale":
        return t(lang, f"survey.page.scale.{code}")
    found = {choice.code: choice.name for choice in question.choices}
    return pick(found[code], lang) if code in found else code


def as_csv(report: Report, lang: str) -> str:
    """The figures as a file that spreadsheets open: no words of anybody, and no answers that are too few to
    be shown."""
    out = io.StringIO()
    out.write("\ufeff")
    table = csv.writer(out)
    table.writerow([t(lang, f"report.column.{name}") for name in ("form", "question", "answer", "people")])
    for part in report.parts:
        form = pick(part.named.name, lang)
        for name in ("asked", "seen", "answered", "stopped", "expired", "waiting"):
            table.writerow([form, "", t(lang, f"report.rate.{name}"), getattr(part.results, name)])
        for asked in part.questions:
            for code, people in asked.tally.counts.items():
                words = answer_words(asked.question, code, lang)
                table.writerow([form, pick(asked.question.text, lang), words, people])
            if asked.question.kind == "text":
                words = t(lang, "report.wrote")
                table.writerow([form, pick(asked.question.text, lang), words, asked.tally.words])
    for touched in report.themes:
        table.writerow([t(lang, "report.themes"), "", pick(touched.theme.name, lang), touched.people])
    return out.getvalue()
