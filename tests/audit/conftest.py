"""The listener is on for these tests, as it is in every process of the program."""

import pytest

from volunteer_hub.audit import listener


@pytest.fixture(autouse=True)
def _listening() -> None:
    listener.install()
    listener.install()  # twice is once
