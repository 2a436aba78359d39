"""The picture of a year of drills: how far beliefs lie off the truth, and how many the same need wakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, ACROSS, DOWN = 760, 330, 50, 46, 300, 220
GAP = WIDTH - 2 * (LEFT + ACROSS) - 20
COLOURS = ("#1f5fa8", "#b3470f", "#3b7d3b", "#6b4a93")
_STEPS = 4


@dataclass(frozen=True)
class Line:
    """A figure after each drill, from none on. ``dashed``: what would do if everything were known."""

    name: str
    values: Sequence[float]
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Lines over one scale from 0 to ``top``."""

    title: str
    lines: Sequence[Line]
    top: float


def write(path: Path, panels: Sequence[Panel]) -> None:
    """Draws the panels side by side."""
    drawn = "".join(_panel(one, LEFT + number * (ACROSS + LEFT + GAP)) for number, one in enumerate(panels))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{drawn}</svg>\n',
        encoding="utf-8",
    )


def _panel(panel: Panel, left: float) -> str:
    drills = len(panel.lines[0].values) - 1

    def x(drill: float) -> float:
        return left + ACROSS * drill / drills

    def y(value: float) -> float:
        return TOP + DOWN * (1 - value / panel.top)

    parts = [f'<text x="{left - 30}" y="20" font-weight="600">{panel.title}</text>']
    for step in range(_STEPS + 1):
        value = panel.top * step / _STEPS
        at = f'x1="{left}" x2="{left + ACROSS}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line {at} stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for drill in range(0, drills + 1, max(1, drills // 6)):
        parts.append(f'<text x="{x(drill):.1f}" y="{TOP + DOWN + 18}" text-anchor="middle">{drill}</text>')
    for number, line in enumerate(panel.lines):
        points = " ".join(f"{x(drill):.1f},{y(value):.1f}" for drill, value in enumerate(line.values))
        dash = ' stroke-dasharray="4 4"' if line.dashed else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>'
        )
        along, below = left + ACROSS / 2 * (number % 2), TOP + DOWN + 38 + 17 * (number // 2)
        parts.append(
            f'<line x1="{along}" x2="{along + 22}" y1="{below}" y2="{below}" stroke="{line.colour}" '
            f'stroke-width="2"{dash}/><text x="{along + 28}" y="{below + 4}">{line.name}</text>'
        )
    return "\n".join(parts) + "\n"
