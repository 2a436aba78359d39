"""Every small mistake in the rules, and whether a test notices: ``python -m tests.drills.mutants`` (five
minutes on two cores); writes its report to docs/quality/mutants.md.

mutmut makes the mistakes, one at a time, and runs the tests named in pyproject.toml against each. It works in
a copy, so the folder may be edited meanwhile. The exit code says whether every file reached the share wanted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "quality" / "mutants.md"
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.toml")
COPIED = ("src", "tests", "config", "pyproject.toml")
WANTED_PERCENT = 90
NOTICED = ("killed", "timeout", "segfault", "suspicious")


@dataclass(frozen=True)
class Change:
    """One line of a file and what a mutant made of it, both trimmed."""

    file: str
    was: str
    becomes: str


@dataclass
class Findings:
    """What the report tells. ``statuses``: file -> mutmut's word for an outcome -> how many."""

    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    alive: list[Change] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Runs it once."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="hub-mutants-") as folder:
        found = _run(Path(folder), arguments.parse_args().processes)
    _write(found, _reasons())
    shares = {file: _share(counted) for file, counted in found.statuses.items()}
    sys.exit(0 if shares and min(shares.values()) >= WANTED_PERCENT else 1)


def _run(folder: Path, processes: int) -> Findings:
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    began, found = time.monotonic(), Findings()
    _mutmut(folder, "run", "--max-children", str(processes))
    found.seconds = time.monotonic() - began
    for line in _mutmut(folder, "results", "--all", "true").splitlines():
        mutant, _, status = line.strip().rpartition(": ")
        if not mutant:
            continue
        file = mutant.rpartition(".")[0].removeprefix("volunteer_hub.").replace(".", "/") + ".py"
        found.statuses[file][status] += 1
        if status not in NOTICED:
            found.alive += _changes(file, _mutmut(folder, "show", mutant))
    return found


def _mutmut(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    env = {**os.environ, "HUB_TEST_DIR": str(folder / "run")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def _changes(file: str, shown: str) -> Iterator[Change]:
    """The changed lines of a mutant's diff; of several removed lines all are named as one."""
    lines = [line for line in shown.splitlines() if line[:3] not in ("---", "+++")]
    removed, added = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+")
    )
    yield Change(file, removed, added)


def _reasons() -> Mapping[Change, str]:
    """Why a living mutant does the same as the original, for those that somebody has looked at."""
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {
        Change(one["file"], one["was"], becomes): one["why"] for one in listed for becomes in one["becomes"]
    }


def _share(counted: Counter[str]) -> float:
    return 100 * sum(counted[status] for status in NOTICED) / counted.total()


def _row(name: str, counted: Counter[str], equivalent: int) -> str:
    noticed, late = sum(counted[status] for status in NOTICED), counted["timeout"]
    numbers = (counted.total(), noticed - late, late, counted.total() - noticed, equivalent)
    return f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} | {_share(counted):.1f} % |"


def _write(found: Findings, reasons: Mapping[Change, str]) -> None:
    alike = Counter(change.file for change in found.alive if change in reasons)
    everything = sum(found.statuses.values(), Counter[str]())
    unexplained = sorted(
        {f"- `{c.file}`: `{c.was}` → `{c.becomes}`" for c in found.alive if c not in reasons}
    )
    lines = [
        "# Mistakes made on purpose in the rules",
        "",
        f"Written by `python -m tests.drills.mutants` in {found.seconds / 60:.0f} minutes. mutmut makes one",
        "small mistake at a time (another comparison, operator, number, text, argument, result) in the",
        "functions of the files below, and runs those tests of theirs that need no database; a mistake that",
        "no test notices survives. What stands outside functions (state tables, limits) and properties it",
        "leaves alone; the ledger, whose tests need a database, is not in it.",
        f"Wanted: {WANTED_PERCENT} % of each file.",
        "",
        "| file | mistakes | noticed | noticed by never ending | survived | of these do the same | noticed |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_row(f"`{file}`", counted, alike[file]) for file, counted in sorted(found.statuses.items())),
        _row("**all**", everything, alike.total()),
        "",
        "## Survivors that do the same as the original",
        "",
        "They count as survivors above; no test can tell them from the original.",
        "",
        *sorted(
            {f"- `{c.file}`: `{c.was}` → `{c.becomes}`: {reasons[c]}" for c in found.alive if c in reasons}
        ),
        "",
        *(["## Survivors that a test should notice", "", *unexplained, ""] if unexplained else []),
    ]
    REPORT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
