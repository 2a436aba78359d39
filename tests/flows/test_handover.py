"""Arrays cross to another process through memory, and are there what they were here."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from volunteer_hub.flows.handover import Handed


def _answers(line: Connection) -> None:
    """Tells what it received, and writes into what may be written to."""
    while True:
        try:
            given = line.recv()
        except EOFError:
            return
        told = {
            name: (array.copy(), array.flags.f_contiguous, array.flags.writeable)
            for name, array in given.items()
        }
        for array in given.values():
            if array.flags.writeable:
                array[...] = 0
        line.send(told)


@pytest.mark.parametrize("size", [3, 1 << 18])
def test_arrays_arrive_as_they_were_and_stay_here_as_they_are(size: int) -> None:
    given = {
        "rows": np.arange(size),
        "matrix": np.asfortranarray(np.arange(size * 2.0).reshape(size, 2)),
        "flags": np.arange(size) % 3 == 0,
    }
    given["rows"].flags.writeable = False
    before = {name: array.copy() for name, array in given.items()}
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_answers, args=(there,), daemon=True)
    process.start()
    there.close()
    before_that = _open_files()
    for _ in range(3):
        here.send(Handed(given))
        told = here.recv()
        assert all(np.array_equal(told[name][0], before[name]) for name in given)
        assert told["matrix"][1]
        assert [told[name][2] for name in given] == [False, True, True]
        assert all(np.array_equal(given[name], before[name]) for name in given)
    assert _open_files() <= before_that + 3  # what hands descriptors over, once
    here.close()
    process.join(10)
    assert process.exitcode == 0


def _open_files() -> int:
    """How many files this process has open; 0 where the system does not say."""
    files = Path("/proc/self/fd")
    return len(list(files.iterdir())) if files.exists() else 0
