"""A complaint about a body goes to the node above it, never to the body itself."""

import pytest

from tests import people
from tests.areas import AREAS
from volunteer_hub.access import bodies, jurisdictions
from volunteer_hub.access.models import Complaint, Jurisdiction
from volunteer_hub.access.rules import Body, ComplaintState
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import Malformed, NotFound, Refused

DONGFENG = "DQ-ST-001"


def complaint(tx: db.Tx) -> Complaint:
    people.mei(tx)
    tx.actor = GUEST
    return bodies.complain(
        tx, jurisdictions.by_code(tx, DONGFENG), Body.WORKSTATION, " The door was shut all morning. "
    )


def test_a_guests_complaint_is_put_before_the_district(tx: db.Tx) -> None:
    row = complaint(tx)
    assert (row.area, row.area_about, row.state, row.volunteer_id) == (
        AREAS["sartu"][0],
        AREAS["dongfeng"][0],
        ComplaintState.OPEN,
        None,
    )
    assert row.text == "The door was shut all morning."
    tx.actor = people.mei(tx)
    assert [found.id for found in bodies.listed(tx)] == [row.id]
    assert bodies.find(tx, "complaint.read", row.public_id).id == row.id
    bodies.answer(tx, row, "It is open again.")
    assert (row.answer, row.answered_by, row.state) == (
        "It is open again.",
        tx.actor.id,
        ComplaintState.ANSWERED,
    )
    assert bodies.listed(tx, ComplaintState.OPEN) == []
    with pytest.raises(Refused, match=r"complaint\.answered"):
        bodies.answer(tx, row, "Again.")


def test_the_community_itself_and_another_district_do_not_see_it(tx: db.Tx) -> None:
    row = complaint(tx)
    for actor in (people.wen(tx), people.kai(tx)):
        tx.actor = actor
        assert bodies.listed(tx) == []
        with pytest.raises(NotFound):
            bodies.find(tx, "complaint.read", row.public_id)
        with pytest.raises(NotFound):
            bodies.answer(tx, row, "Nothing to see.")


def test_the_council_complains_about_the_bodies_of_its_own_community_only(tx: db.Tx) -> None:
    tx.actor = people.council(tx)
    row = bodies.complain(tx, jurisdictions.by_code(tx, DONGFENG), Body.PARTY_COMMITTEE, "Nobody answers.")
    assert row.area == AREAS["sartu"][0]
    with pytest.raises(NotFound):
        bodies.complain(tx, jurisdictions.by_code(tx, "DQ-DT-001"), Body.WORKSTATION, "Nor here.")


def test_a_community_without_a_node_above_answers_for_itself(tx: db.Tx) -> None:
    people.mei(tx)
    alone = tx.get_one(Jurisdiction, 3)
    alone.parent_id = None
    tx.flush()
    assert bodies.complain(tx, alone, Body.WORKSTATION, "Shut.").area == AREAS["dongfeng"][0]


def test_a_district_has_no_such_bodies_and_words_are_needed(tx: db.Tx) -> None:
    people.mei(tx)
    with pytest.raises(Refused, match=r"complaint\.no_body"):
        bodies.complain(tx, jurisdictions.by_code(tx, "DQ-ST"), Body.WORKSTATION, "Shut.")
    for words in ("  ", "x" * 4001):
        with pytest.raises(Malformed, match=r"complaint\.text"):
            bodies.complain(tx, jurisdictions.by_code(tx, DONGFENG), Body.WORKSTATION, words)
