"""What every benchmark prints: the machine and versions, a table, and BAR lines a script can read."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "scipy", "numba", "ortools", "psycopg", "sqlmodel", "fastapi", "granian")


def machine() -> None:
    """Print processor, memory, load and the versions that matter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    print(
        f"machine: {os.cpu_count()} cores, {memory:.0f} GiB, {_processor()}, {platform.system()}; "
        f"load before the run {load:.1f}" + (" (others share the cores: seconds drift)" if load > 0.5 else "")
    )
    versions = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    print("versions: " + ", ".join(versions))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns; numbers to the right, floats with three significant digits."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    print(f"\n{title}")
    print("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)).rstrip())
    for row in cells:
        print("  ".join(_align(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def bar(name: str, value: float, relation: str, limit: float) -> bool:
    """Print `BAR name value >= limit ok|short`; relation is ">=" or "<="."""
    met = value >= limit if relation == ">=" else value <= limit
    print(f"BAR {name} {value:.3g} {relation} {limit:g} {'ok' if met else 'short'}")
    return met


def info(name: str, value: float) -> None:
    """Print `INFO name value`: a figure that is held to no bar."""
    print(f"INFO {name} {value:.3g}")


def put_into(path: Path, said: str) -> None:
    """Puts what a run has said into its report, in place of what an earlier one said; the words stay."""
    before, _, rest = path.read_text(encoding="utf-8").partition("```\n")
    path.write_text(f"{before}```\n{said.strip()}\n```{rest.partition('```')[2]}", encoding="utf-8")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _align(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() or cell[:1] == "-" else cell.ljust(width)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
