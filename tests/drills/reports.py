"""Where the drills that are no tests keep what they last found: a page each in docs/quality."""

from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "quality"


def keep(name: str, lines: Sequence[str]) -> None:
    """Writes the report and shows it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
