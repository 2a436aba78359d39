"""Courses and how they are judged (config/training.toml). A course of the staff's own has the same shape."""

from itertools import pairwise
from typing import Final

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from volunteer_hub.core.policy import Name, Policy

LONGEST_TITLE: Final = 200
LONGEST_LESSON: Final = 8_000
MOST_LESSONS: Final = 30


class Material(Policy):
    """Something to read beforehand: a page elsewhere, or the words themselves."""

    name: Name
    url: str = Field(default="", max_length=500, pattern=r"^(https?://\S+)?$")
    text: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Material":
        if not self.url and self.text is None:
            raise ValueError("give url or text")
        return self


class Question(Policy):
    """One question; ``right`` counts its answers from 1."""

    code: str = Field(min_length=1, max_length=40)
    text: Name
    answers: tuple[Name, ...] = Field(min_length=2, max_length=6)
    right: PositiveInt

    @model_validator(mode="after")
    def _one_is_right(self) -> "Question":
        if self.right > len(self.answers):
            raise ValueError(f"right: there are {len(self.answers)} answers; correct it")
        return self


class Test(Policy):
    """An assessment: ``draw`` of the questions by lot, passed from ``pass_percent`` on within ``minutes``;
    ``attempts`` within `Assessment.again_days`."""

    __test__ = False  # no test of pytest's
    draw: PositiveInt
    pass_percent: int = Field(ge=1, le=100)
    minutes: PositiveInt
    attempts: PositiveInt
    questions: tuple[Question, ...] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _enough(self) -> "Test":
        codes = [question.code for question in self.questions]
        if len(set(codes)) < len(codes):
            raise ValueError("questions: a code is used twice; rename one")
        if self.draw > len(codes):
            raise ValueError(f"draw: there are {len(codes)} questions; draw fewer or add some")
        return self


class Item(Policy):
    """One thing to be shown to an assessor."""

    code: str = Field(min_length=1, max_length=40)
    text: Name


class Lesson(Policy):
    """One lesson to be read: ``text`` in paragraphs and lists, as `lesson_text.blocks` reads them."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: Name
    text: Name

    @model_validator(mode="after")
    def _of_a_length(self) -> "Lesson":
        if any(len(words) > LONGEST_TITLE for words in (self.title.en, self.title.zh)):
            raise ValueError(f"title: longer than {LONGEST_TITLE} characters; shorten it")
        if any(len(words) > LONGEST_LESSON for words in (self.text.en, self.text.zh)):
            raise ValueError(f"text: longer than {LONGEST_LESSON} characters; make two lessons of it")
        return self


class Course(Policy):
    """One course. ``requires``: courses to be passed before; ``attend``: whether one has to attend a session.

    Passed is who has attended, passed the ``test`` and shown every item of the ``checklist``, where there are
    such. Passing gives ``skill`` at ``level`` with a certification for ``valid_months`` (0: without end), and
    ``points``. ``lessons`` are read on the phone, in their order; with ``read_first`` all of them before the
    test, and whoever has not read them has not passed. ``mandatory``: whoever holds the skill and has let
    this course lapse, or failed it, is not called out for the skill until they pass.
    """

    name: Name
    outline: tuple[Name, ...] = Field(min_length=1, max_length=30)
    requires: tuple[str, ...] = ()
    attend: bool = True
    materials: tuple[Material, ...] = ()
    lessons: tuple[Lesson, ...] = Field(default=(), max_length=MOST_LESSONS)
    read_first: bool = False
    test: Test | None = None
    checklist: tuple[Item, ...] = Field(default=(), max_length=30)
    skill: str | None = None
    level: int = Field(default=1, ge=1, le=3)
    valid_months: NonNegativeInt = 0
    points: NonNegativeInt = 0
    mandatory: bool = False

    @model_validator(mode="after")
    def _mandatory_for_something(self) -> "Course":
        if self.mandatory and self.skill is None:
            raise ValueError("mandatory: name the skill that the course is mandatory for")
        return self

    @model_validator(mode="after")
    def _lessons_apart(self) -> "Course":
        codes = [lesson.code for lesson in self.lessons]
        if len(set(codes)) < len(codes):
            raise ValueError("lessons: a code is used twice; rename one")
        if self.read_first and not codes:
            raise ValueError("read_first: there is no lesson; write one, or take this out")
        return self


class Attendance(Policy):
    """[attendance]. Minutes before the start and after the end of a session in which people check in, and for
    how long a shown code holds."""

    before_minutes: NonNegativeInt
    after_minutes: NonNegativeInt
    code_minutes: PositiveInt


class Assessment(Policy):
    """[assessment]. Failures count for ``again_days``; ``renew_days`` before a certificate ends the course
    can be taken again; after ``refresher_after`` failures a refresher is suggested; answers come in until
    ``grace_seconds`` after the time, for slow networks."""

    again_days: PositiveInt
    renew_days: NonNegativeInt
    refresher_after: PositiveInt
    grace_seconds: NonNegativeInt


class Lessons(Policy):
    """[lessons]. A file beside a lesson is at most ``largest_file_kb``, and a lesson has ``most_files``;
    ``words_minute`` and ``signs_minute``: how fast people read English words and Chinese characters."""

    largest_file_kb: int = Field(default=5_120, ge=1, le=20_480)
    most_files: PositiveInt = 5
    words_minute: PositiveInt = 180
    signs_minute: PositiveInt = 300


class Band(Policy):
    """A level of results: scores from ``from_percent`` on."""

    code: str = Field(pattern=r"^[a-z][a-z_]*$")
    name: Name
    from_percent: int = Field(ge=0, le=100)


class Introduction(Policy):
    """[introduction]. Which steps a newcomer is led through: an ``interview`` before they are taken in, a
    ``mentor`` of their community, a ``first_duty`` that is easy. A mentor has served ``mentor_duties`` duties
    and has fewer than ``mentor_newcomers`` newcomers at a time."""

    interview: bool = True
    mentor: bool = True
    mentor_duties: PositiveInt = 3
    mentor_newcomers: PositiveInt = 3
    first_duty: bool = True


class Training(Policy):
    """config/training.toml. ``bands``: from the best down to one that begins at 0."""

    introduction: Introduction = Introduction()
    attendance: Attendance
    assessment: Assessment
    lessons: Lessons = Lessons()
    bands: tuple[Band, ...] = Field(min_length=1)
    courses: dict[str, Course] = Field(min_length=1)

    @model_validator(mode="after")
    def _bands_fall(self) -> "Training":
        starts = [band.from_percent for band in self.bands]
        if starts[-1] != 0 or any(left <= right for left, right in pairwise(starts)):
            raise ValueError(f"bands: from_percent must fall and end at 0 ({starts}); correct it")
        return self

    @model_validator(mode="after")
    def _requirements_exist(self) -> "Training":
        for code, course in self.courses.items():
            for wanted in course.requires:
                if wanted not in self.courses or wanted == code:
                    raise ValueError(f'courses.{code}.requires: "{wanted}" is no other course; correct it')
        return self
