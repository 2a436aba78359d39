"""The short surveys asked after release or drill (config/surveys.toml)."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from volunteer_hub.core.policy import Name, Policy

QuestionKind = Literal["scale", "choice", "text"]
Role = Literal["volunteer", "leader", "coordinator", "drill", "standby"]


class Choice(Policy):
    code: str
    name: Name


class Question(Policy):
    """One question. A scale runs from 1 to 5; an answer at or below ``finding_at_most``, or a choice in
    ``finding_choices``, is proposed as a finding."""

    code: str
    kind: QuestionKind
    text: Name
    required: bool = False
    choices: tuple[Choice, ...] = ()
    finding_at_most: int | None = Field(default=None, ge=1, le=5)
    finding_choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Question":
        if (self.kind == "choice") != (len(self.choices) >= 2):
            raise ValueError('choices: give two or more to a question of kind "choice", none to another')
        if self.kind != "scale" and self.finding_at_most is not None:
            raise ValueError('finding_at_most: only a question of kind "scale" has it; remove it')
        unknown = set(self.finding_choices) - {choice.code for choice in self.choices}
        if unknown:
            raise ValueError(f"finding_choices: {', '.join(sorted(unknown))} not among the choices")
        return self


class Keywords(Policy):
    """Beginnings of words in English, words in Chinese."""

    en: tuple[str, ...] = Field(min_length=1)
    zh: tuple[str, ...] = Field(min_length=1)


class Theme(Policy):
    """What several people may write about, each in words of their own."""

    code: str
    name: Name
    keywords: Keywords


class Survey(Policy):
    """The questions one role is asked: few, so that they are answered on a phone in a minute.

    ``smallest_group``: its answers are shown once so many have answered; that of all forms if not given.
    """

    name: Name
    smallest_group: PositiveInt | None = None
    questions: tuple[Question, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _codes_differ(self) -> "Survey":
        codes = [question.code for question in self.questions]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f'questions: the code "{code}" is used twice; rename one')
        return self


class Criterion(Policy):
    """One thing that is looked at after a duty; the answer is yes, partly or not yet."""

    code: str = Field(pattern=r"^[a-z][a-z_]{0,39}$")
    text: Name


class Advice(Policy):
    """So many evaluations with this ``mark`` for a criterion within the days suggest something to the person:
    in words, with the code of a course where one helps. A suggestion and nothing else."""

    criterion: str
    mark: Literal["yes", "partly", "not_yet"] = "not_yet"
    times: PositiveInt
    within_days: PositiveInt
    text: Name
    course: str = ""


class Evaluation(Policy):
    """[evaluation]. What leaders say of volunteers (``of_volunteer``) and volunteers of how they were led
    (``of_leader``), within ``open_days`` of the check-out, and the ``rules`` by which that suggests anything.
    Without criteria nobody is asked."""

    open_days: PositiveInt = 14
    of_volunteer: tuple[Criterion, ...] = Field(default=(), max_length=8)
    of_leader: tuple[Criterion, ...] = Field(default=(), max_length=8)
    rules: tuple[Advice, ...] = ()

    @model_validator(mode="after")
    def _rules_name_criteria(self) -> "Evaluation":
        known = [one.code for one in self.of_volunteer]
        for rule in self.rules:
            if rule.criterion not in known:
                raise ValueError(f'rules: "{rule.criterion}" is not in of_volunteer; correct it')
        return self


class Surveys(Policy):
    """config/surveys.toml. Whole hours after the request: a reminder at each of ``reminder_hours``, none once
    answered; nothing is accepted after ``closes_hours``. Answers of fewer than ``smallest_group`` people are
    not shown. Without a form for who stood by they are not asked."""

    reminder_hours: tuple[PositiveInt, ...]
    closes_hours: PositiveInt
    smallest_group: PositiveInt = 5
    themes: tuple[Theme, ...] = ()
    evaluation: Evaluation = Evaluation()
    surveys: dict[Role, Survey]

    def shown_from(self, role: str) -> int:
        """From how many answers on those of a form are shown."""
        found = next(survey for name, survey in self.surveys.items() if name == role)
        return found.smallest_group or self.smallest_group

    @model_validator(mode="after")
    def _hours_in_order(self) -> "Surveys":
        hours = (*self.reminder_hours, self.closes_hours)
        if any(left >= right for left, right in pairwise(hours)):
            raise ValueError("reminder_hours must rise and end before closes_hours")
        return self

    @model_validator(mode="after")
    def _themes_differ(self) -> "Surveys":
        codes = [theme.code for theme in self.themes]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f'themes: the code "{code}" is used twice; rename one')
        return self

    @model_validator(mode="after")
    def _everyone_is_asked(self) -> "Surveys":
        for role in ("volunteer", "leader", "coordinator", "drill"):
            if role not in self.surveys:
                raise ValueError(f"surveys.{role} is missing; add the questions for this role")
        return self
