"""The stylesheet is legible in both themes and to every eye, small, and asks nobody else for anything."""

import re
from collections.abc import Iterator

import pytest

from volunteer_hub.web.render import CRITICAL_STYLE, STATIC, WEB

OWN_TEXT_FILES = [STATIC / "hub.css", *sorted((WEB / "templates").rglob("*.html"))]
CSS = (STATIC / "hub.css").read_text()


def tokens() -> Iterator[tuple[str, dict[str, str]]]:
    light = re.search(r":root {(.*?)}", CSS, re.S)
    dark = re.findall(r":root(?::not\(\[data-theme=\"light\"\]\)|\[data-theme=\"dark\"\]) {(.*?)}", CSS, re.S)
    assert light
    assert len(dark) == 2
    for name, block in (("light", light[1]), ("dark, by the system", dark[0]), ("dark, by choice", dark[1])):
        yield name, dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


THEMES = dict(tokens())
GROUNDS = ("ground", "surface", "sunken")
PAIRS = (
    [
        (ink, ground)
        for ink in ("text", "muted", "accent", "short", "ok", "watch", "info")
        for ground in GROUNDS
    ]
    + [(tone, f"{tone}-soft") for tone in ("ok", "watch", "short", "info", "drill", "accent")]
    + [("text", f"{tone}-soft") for tone in ("ok", "watch", "short", "info", "accent")]
    + [("on-accent", "accent"), ("on-real", "real"), ("drill", "surface")]
)
DRAWN = [("edge", ground) for ground in ("ground", "surface")] + [("accent", "accent-soft")]


def linear(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    bent = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return bent[0], bent[1], bent[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    light = sorted(
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (one, other)
    )
    return (light[1] + 0.05) / (light[0] + 0.05)


def test_the_contrast_of_black_on_white_is_twenty_one():
    assert round(contrast("#000000", "#ffffff"), 3) == 21.0


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_is_legible_on_every_ground_it_stands_on(theme):
    colours = THEMES[theme]
    poor = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_borders_of_controls_and_drawn_lines_can_be_seen(theme):
    colours = THEMES[theme]
    assert [pair for pair in DRAWN if contrast(colours[pair[0]], colours[pair[1]]) < 3] == []


def test_dark_is_the_same_whether_the_system_or_the_reader_asks_for_it():
    assert THEMES["dark, by the system"] == THEMES["dark, by choice"]
    assert THEMES["dark, by choice"].keys() == THEMES["light"].keys()


# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def lab(colour: tuple[float, ...]) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of linear RGB."""
    red, green, blue = (min(1.0, max(0.0, c)) for c in colour)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("theme", ["light", "dark, by choice"])
@pytest.mark.parametrize("kind", BLINDNESS)
def test_met_watch_and_short_are_told_apart_in_the_common_colour_blindnesses(theme, kind):
    seen = {}
    for tone in ("ok", "watch", "short"):
        colour = linear(THEMES[theme][tone])
        seen[tone] = lab(
            tuple(sum(m * c for m, c in zip(row, colour, strict=True)) for row in BLINDNESS[kind])
        )
    gaps = {
        pair: sum((a - b) ** 2 for a, b in zip(seen[pair[0]], seen[pair[1]], strict=True)) ** 0.5
        for pair in (("ok", "watch"), ("ok", "short"), ("watch", "short"))
    }
    assert {pair: gap for pair, gap in gaps.items() if gap < 12} == {}


def test_the_map_steps_only_ever_get_stronger():
    for theme in THEMES.values():
        ratios = [contrast(theme["surface"], theme[f"step-{n}"]) for n in range(1, 6)]
        assert ratios == sorted(ratios)
        assert len(set(ratios)) == 5


def test_the_six_sizes_follow_a_scale_of_one_point_two():
    sizes = [float(size) for size in re.findall(r"--size-\d: ([\d.]+)rem", CSS)]
    assert sizes == [pytest.approx(1.2**n, abs=5e-4) for n in range(-1, 5)]


def test_spaces_are_steps_of_four_pixels():
    steps = {int(n): float(size) * 16 for n, size in re.findall(r"--s(\d+): ([\d.]+)rem", CSS)}
    assert steps == {n: n * 4.0 for n in (1, 2, 3, 4, 5, 6, 8, 12)}


def test_the_stylesheet_is_small_and_the_part_for_phones_smaller():
    assert len(CSS.encode()) < 25 * 1024
    assert len(CRITICAL_STYLE.encode()) < 13 * 1024


def test_every_rule_stands_in_a_layer():
    depth, outside = 0, []
    for line in re.sub(r"/\*.*?\*/", "", CSS, flags=re.S).splitlines():
        if depth == 0 and line.strip() and not line.startswith("@layer"):
            outside.append(line)
        depth += line.count("{") - line.count("}")
    assert outside == []
    assert depth == 0


def test_no_template_or_style_names_another_host():
    named = {
        path.name: found
        for path in OWN_TEXT_FILES
        if (
            found := re.findall(
                r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}|@import|url\(['\"]?(?!#)", path.read_text()
            )
        )
    }
    assert named == {}


def test_vendored_styles_load_nothing_from_elsewhere():
    for path in (STATIC / "vendor").rglob("*.css"):
        assert re.findall(r"@import|url\(['\"]?(?:https?:)?//", path.read_text()) == []


def test_every_vendored_package_keeps_its_licence():
    folders = [path for path in (STATIC / "vendor").iterdir() if path.is_dir()]
    assert {folder.name for folder in folders} == {"htmx", "leaflet"}
    assert [folder.name for folder in folders if not (folder / "LICENSE").exists()] == []
