"""The laws of the house that a linter does not know."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "volunteer_hub"
PYTHON = sorted([*SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
COLUMNS = (
    "access",
    "audit",
    "drills",
    "feedback",
    "incentives",
    "incidents",
    "mobilization",
    "notify",
    "training",
    "volunteers",
)
FORBIDDEN_NAMES = {"service.py", "utils.py", "helpers.py", "manager.py"}
MAY_IMPORT_LATE = ("engine/", "cli/", "core/embedded.py")


@cache
def tree_of(path: Path) -> ast.Module:
    """The file, parsed once for all laws."""
    return ast.parse(path.read_text())


def test_the_import_laws_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_file_is_longer_than_400_lines() -> None:
    assert {str(p.relative_to(ROOT)): n for p in PYTHON if (n := p.read_text().count("\n")) > 400} == {}


def test_no_file_is_named_for_nothing() -> None:
    assert [p for p in PYTHON if p.name in FORBIDDEN_NAMES] == []


_SET_ASIDE = re.compile(r"# (?:type: ignore\[[\w, -]+\]|noqa: ?[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)(.*)")
_BARE = re.compile(r"# (?:type: ignore(?!\[)|noqa(?!:))")


def test_a_check_that_is_set_aside_is_named_and_says_why() -> None:
    silent = []
    for path in (*PYTHON, *(ROOT / "scripts").glob("*.py"), *(ROOT / "benchmarks").rglob("*/*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = _SET_ASIDE.search(line)
            if _BARE.search(line) or (found and not re.search(r"[a-z]{2}", found[1])):
                silent.append(f"{path.relative_to(ROOT)}:{number}")
    assert silent == []


def test_no_alias_is_shared_between_threads() -> None:
    """An alias finds its columns when they are first asked for, and two threads that ask at once may leave it
    with the plain table's column for as long as the process lives: a statement about somebody else."""
    shared = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for line in tree_of(path).body
        if not isinstance(line, ast.FunctionDef | ast.ClassDef)
        for call in ast.walk(line)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "aliased"
    ]
    assert shared == []


def late_imports(path: Path) -> list[int]:
    functions = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [i.lineno for f in functions for i in ast.walk(f) if isinstance(i, ast.Import | ast.ImportFrom)]


def test_nothing_is_imported_inside_a_function_but_what_is_slow() -> None:
    found = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if not str(path.relative_to(SOURCE)).startswith(MAY_IMPORT_LATE) and (lines := late_imports(path))
    }
    assert found == {}


@cache
def calls_of(path: Path) -> set[str]:
    """What the file calls, as it is written there: "clock.now", "select"."""
    called = {node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}
    return {ast.unparse(one) for one in called if isinstance(one, ast.Name | ast.Attribute)}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_never_commits_and_never_asks_the_time(column: str) -> None:
    for path in (SOURCE / column).rglob("*.py"):
        calls = calls_of(path)
        assert (
            calls & {"tx.commit", "session.commit", "clock.now", "datetime.now", "db.transaction"} == set()
        ), path


@pytest.mark.parametrize("column", COLUMNS)
def test_rules_know_no_database(column: str) -> None:
    text = (SOURCE / column / "rules.py").read_text()
    assert "sqlmodel" not in text
    assert "sqlalchemy" not in text


def test_sql_never_asks_the_time() -> None:
    late = [
        p for p in SOURCE.rglob("*.py") if {"func.now", "sa.func.now", "func.current_timestamp"} & calls_of(p)
    ]
    assert late == []


def test_every_public_function_of_the_source_says_what_it_does() -> None:
    silent = []
    for path in SOURCE.rglob("*.py"):
        for node in tree_of(path).body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if named and not node.name.startswith("_") and ast.get_docstring(node) is None:
                silent.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}")
    allowed = [name for name in silent if "migrations/versions" in name]
    assert sorted(set(silent) - set(allowed)) == []
