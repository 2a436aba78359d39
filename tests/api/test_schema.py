"""The API as its own schema describes it, asked thousands of odd things by everybody: never a fault of ours,
and every answer in a documented shape.

A third of the requests are made of whatever the schema allows, a third of what it forbids, and a third start
from the documented example with some of its fields replaced, so that they come further in. Identifiers are
mostly those of rows that exist.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from sqlalchemy import Connection

from tests.api.grown import Grown, grown
from tests.doors import ORIGIN
from volunteer_hub.app import create_app

SCHEMA = schemathesis.openapi.from_dict(create_app().openapi())
OPERATIONS = {
    op.label: op
    for op in (found.ok() for found in SCHEMA.get_all_operations())
    # A stream ends only with its reader: tests/stories/test_live.py asks for those.
    if "text/event-stream" not in op.definition.raw["responses"].get("200", {}).get("content", {})
}
ROLES = ("guest", "coordinator", "clerk", "council", "volunteer")
ASKED = 5_000
PER_OPERATION = -(-ASKED // len(OPERATIONS))
KEPT = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]
answers: Counter[str] = Counter()


@pytest.fixture(scope="module")
def world(template: str) -> Iterator[tuple[Grown, Connection]]:
    with grown(template) as found:
        yield found


def examples(body: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The documented examples of a body, by its reference in the schema's components."""
    name = (body or {}).get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    model = SCHEMA.raw_schema["components"]["schemas"].get(name.rpartition("/")[2], {})
    return [example for example in model.get("examples", []) if isinstance(example, dict)]


@st.composite
def asked(draw: st.DrawFn, label: str, world: Grown) -> tuple[Case, str]:
    """A request and who makes it."""
    operation = OPERATIONS[label]
    kind = draw(st.sampled_from(("allowed", "forbidden", "example")))
    mode = GenerationMode.NEGATIVE if kind == "forbidden" else GenerationMode.POSITIVE
    case: Case = draw(operation.as_strategy(generation_mode=mode))
    shown = examples(operation.definition.raw.get("requestBody"))
    if kind == "example" and shown and isinstance(case.body, dict):
        replaced = draw(st.sets(st.sampled_from(sorted(case.body) or [""]), max_size=2))
        case.body = draw(st.sampled_from(shown)) | {k: v for k, v in case.body.items() if k in replaced}
    if kind != "forbidden" and draw(st.integers(0, 3)):
        known = world.parameters(case.path, list(case.path_parameters), draw(st.integers(0, 3)))
        case.path_parameters = dict(case.path_parameters) | known
        if "if-match" in {name.lower() for name in case.headers}:
            case.headers["if-match"] = '"1"'
    return case, draw(st.sampled_from(ROLES))


def ask_oddly(label: str, grown_world: Grown, connection: Connection) -> None:
    """Asks one operation again and again, and holds every answer against its documentation."""

    @seed(20310120)
    @settings(
        max_examples=PER_OPERATION,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(request=asked(label, grown_world))
    def every(request: tuple[Case, str]) -> None:
        case, role = request
        kwargs = case.as_transport_kwargs(base_url=ORIGIN)
        prepared = requests.Request(**kwargs).prepare()
        answer = grown_world.who[role].request(
            prepared.method, prepared.url, content=prepared.body, headers=dict(prepared.headers)
        )
        answers[f"{role} {answer.status_code // 100}xx"] += 1
        case.validate_response(answer, checks=KEPT)

    with connection.begin_nested() as before:
        every()
        before.rollback()


def test_odd_requests_are_answered_as_documented(world: tuple[Grown, Connection]) -> None:
    for label in OPERATIONS:
        try:
            ask_oddly(label, *world)
        except Exception as error:
            error.add_note(f"while asking {label}")
            raise
    assert sum(answers.values()) >= ASKED * 0.98  # the generator gives up on a few
    assert {key.split()[0] for key in answers} == set(ROLES)
    assert sum(count for key, count in answers.items() if key.endswith("2xx")) > ASKED // 50
    assert [key for key in answers if key.endswith("5xx")] == []
