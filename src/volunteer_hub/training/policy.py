"""Courses and how they are judged (config/training.toml). A course of the staff's own has the same shape."""

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from volunteer_hub.core.policy import Name, Policy


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


class Course(Policy):
    """One course. ``requires``: courses to be passed before; ``attend``: whether one has to attend a session.

    Passing gives ``skill`` at ``level`` with a certification for ``valid_months`` (0: without end), and
    ``points``. ``mandatory``: whoever holds the skill and has let this course lapse, or failed it, is not
    called out for the skill until they pass.
    """

    name: Name
    outline: tuple[Name, ...] = Field(min_length=1, max_length=30)
    requires: tuple[str, ...] = ()
    attend: bool = True
    materials: tuple[Material, ...] = ()
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


class Attendance(Policy):
    """[attendance]. Minutes before the start and after the end of a session in which people check in, and for
    how long a shown code holds."""

    before_minutes: NonNegativeInt
    after_minutes: NonNegativeInt
    code_minutes: PositiveInt


class Training(Policy):
    """config/training.toml."""

    attendance: Attendance
    courses: dict[str, Course] = Field(min_length=1)

    @model_validator(mode="after")
    def _requirements_exist(self) -> "Training":
        for code, course in self.courses.items():
            for wanted in course.requires:
                if wanted not in self.courses or wanted == code:
                    raise ValueError(f'courses.{code}.requires: "{wanted}" is no other course; correct it')
        return self
