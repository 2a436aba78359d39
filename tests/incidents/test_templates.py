"""What templates are called in the reader's language."""

from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.incidents.models import Task
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.templates import shown_role

HAZARDS = read(SHIPPED / "hazards.toml", Hazards)


def task(template: str | None) -> Task:
    return Task(template=template)


def test_a_templates_role_is_named_in_the_readers_language():
    assert shown_role(HAZARDS, task("flood.sandbagging"), "Sandbag crew", "zh") == "沙袋组"
    assert shown_role(HAZARDS, task("flood.sandbagging"), "沙袋组", "en") == "Sandbag crew"


def test_what_somebody_wrote_stands_as_it_is():
    assert shown_role(HAZARDS, task("flood.sandbagging"), "My crew", "zh") == "My crew"
    assert shown_role(HAZARDS, task(None), "Sandbag crew", "zh") == "Sandbag crew"
    assert shown_role(HAZARDS, task("meteor.dust"), None, "zh") is None
