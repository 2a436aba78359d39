"""The tree's table holds what the paths promise."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import text

from tests.areas import plant
from volunteer_hub.core.db import Tx


def test_a_path_that_does_not_end_in_the_nodes_own_id_is_refused(tx: Tx) -> None:
    plant(tx)
    with pytest.raises(IntegrityError, match="path_ends_in_id"), tx.begin_nested():
        tx.execute(text("UPDATE jurisdictions SET path = '/1/2/9/' WHERE id = 3"))
