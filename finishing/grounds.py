"""Drawn grounds for ads that lead with words: bold, flat and quiet where the words stand (the upper left), lively at the right and below.

Each is one function of a canvas, a palette's inks and a random generator; sizes are shares of the picture's shorter side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from finishing.colour import Pixels, Rgb, contrast, darken, from_lab, hue_moved, lighten, luminance, mix, parse_hex, to_lab
from finishing.drawing import Canvas, Points, Shadow, arch, below, blob, circle, ellipse, pill, rectangle, turned, wedge

ROLES = ("backdrop", "accent", "pop")
PALETTES: tuple[Mapping[str, str], ...] = (
    {"backdrop": "#1c2b8a", "accent": "#ff8fb8", "pop": "#ffd84d"},
    {"backdrop": "#e9432b", "accent": "#ffb199", "pop": "#fff0dc"},
    {"backdrop": "#cdb6f6", "accent": "#6f45d8", "pop": "#ff6b3d"},
    {"backdrop": "#f4cf57", "accent": "#ee6c4d", "pop": "#1f4a44"},
    {"backdrop": "#0f4c43", "accent": "#f2b705", "pop": "#f7a8b8"},
    {"backdrop": "#f6e8da", "accent": "#e4572e", "pop": "#17479e"},
    {"backdrop": "#ffb3c7", "accent": "#d91e57", "pop": "#1b3fc4"},
    {"backdrop": "#15131f", "accent": "#ff5a5f", "pop": "#ffd23f"},
)


class GroundError(ValueError):
    """A ground that is not there. The message is a sentence for a person."""


@dataclass(frozen=True)
class Inks:
    """A palette's colours and what is mixed from them: `soft` is the backdrop with a breath of accent, `deep` a shade of it, `tone` the accent paler or darker."""

    backdrop: Rgb
    accent: Rgb
    pop: Rgb
    soft: Rgb
    deep: Rgb
    tone: Rgb

    @classmethod
    def of(cls, palette: Mapping[str, str]) -> Inks:
        """From a palette by role; missing roles are found by lightness and hue. Raises ValueError for what is no colour."""
        backdrop = parse_hex(palette.get("backdrop", PALETTES[0]["backdrop"]))
        dark = luminance(backdrop) < 0.25
        accent = parse_hex(palette["accent"]) if "accent" in palette else (lighten(backdrop, 0.45) if dark else darken(backdrop, 0.35))
        pop = parse_hex(palette["pop"]) if "pop" in palette else hue_moved(lighten(accent, 0.25) if dark else accent, 150)
        # A pop that drowns in the backdrop is none: take it towards the other end.
        if contrast(luminance(pop), luminance(backdrop)) < 1.35:
            pop = lighten(pop, 0.6) if dark else darken(pop, 0.5)
        deep = darken(backdrop, 0.22) if luminance(backdrop) > 0.03 else lighten(backdrop, 0.08)
        tone = darken(accent, 0.28) if luminance(accent) > 0.45 else lighten(accent, 0.5)
        return cls(backdrop, accent, pop, _breath(backdrop, accent), deep, tone)


def check(name: str) -> None:
    """Raise GroundError, with the names there are, when no ground is called this."""
    if name not in GROUNDS:
        raise GroundError(f"There is no drawn ground called '{name}'. There are: {', '.join(sorted(GROUNDS))}.")


def paint(name: str, shape: tuple[int, int], palette: Mapping[str, str], rng: np.random.Generator) -> Pixels:
    """Draw a ground of `shape` pixels in a palette's colours (roles backdrop, accent, pop), as sRGB 0 to 1. Raises GroundError."""
    check(name)
    inks = Inks.of(palette)
    canvas = Canvas(*shape, inks.backdrop)
    GROUNDS[name](canvas, inks, rng)
    return canvas.pixels


def _breath(backdrop: Rgb, accent: Rgb) -> Rgb:
    """The backdrop a just visible step (7 Lab points) towards the accent: pattern that words can stand on."""
    ends = to_lab(np.array([backdrop, accent], np.float32) / 255)
    way = ends[1] - ends[0]
    step = ends[0] + way * min(1.0, 7.0 / max(float(np.linalg.norm(way * (1.0, 0.45, 0.45))), 1e-6))
    red, green, blue = np.rint(from_lab(step.astype(np.float32)) * 255).astype(int)
    return int(red), int(green), int(blue)


def _heart(canvas: Canvas, rng: np.random.Generator) -> tuple[float, float]:
    """The point that the drawing grows from: low on the right, in wide pictures at the right."""
    x = rng.uniform(0.80, 0.88) if canvas.wide else rng.uniform(0.70, 0.80)
    y = rng.uniform(0.62, 0.78) if canvas.wide else rng.uniform(0.78, 0.86)
    return x * canvas.width, y * canvas.height


def _sunburst(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    x, y = _heart(canvas, rng)
    y = canvas.height * (1.0 if rng.random() < 0.5 else 0.92)
    rays, reach = int(rng.integers(15, 21)), float(np.hypot(canvas.width, canvas.height)) * 1.2
    turn = rng.uniform(0, 360 / rays)
    step = 360 / rays
    for ray in range(rays):
        canvas.fill(wedge(x, y, turn + ray * step, turn + (ray + 0.5) * step, 0, reach), inks.soft)
    sun = canvas.side * rng.uniform(0.30, 0.36)
    canvas.fill(circle(x, y, sun * 1.42), inks.accent)
    canvas.fill(circle(x, y, sun), inks.pop)


def _arches(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    x, _y = _heart(canvas, rng)
    foot = canvas.height * 1.01
    width = canvas.side * rng.uniform(0.74, 0.86) * (0.95 if canvas.wide else 1.0)
    height = min(canvas.height * (0.80 if canvas.wide else 0.46), width * 1.15)
    colours = [inks.accent, inks.pop, inks.tone, inks.deep, inks.pop]
    if rng.random() < 0.5:
        colours = [inks.pop, inks.accent, inks.deep, inks.tone, inks.accent]
    for index, colour in enumerate(colours):
        share = 1 - index / len(colours)
        canvas.fill(arch(x, foot, width * share, height - width * (1 - share) / 2), colour, shadow=Shadow(0.004, 0.004, 0.014, 0.20))
    side = canvas.side * rng.uniform(0.055, 0.075)
    if not canvas.wide:
        return  # the lower left is the button's
    canvas.fill(circle(x - width * 0.5 - side * 1.5, foot - side * 1.6, side), inks.pop if colours[0] == inks.accent else inks.accent)


def _blobs(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    x, y = _heart(canvas, rng)
    size = canvas.side
    canvas.fill(blob(canvas.width * 1.0, canvas.height * 0.06, size * 0.30, rng, wild=0.25), inks.soft)
    canvas.fill(
        blob(x + size * 0.06, y + size * 0.12, size * 0.50, rng, wild=0.26, stretch=1.15),
        inks.accent,
        to=mix(inks.accent, inks.pop, 0.35),
        angle=60,
    )
    canvas.fill(
        blob(canvas.width * 0.10, canvas.height * 1.06, size * 0.30, rng, wild=0.26, stretch=1.3), mix(inks.backdrop, inks.accent, 0.45)
    )
    canvas.fill(blob(x + size * 0.17, y + size * 0.24, size * 0.24, rng, wild=0.24), inks.pop)
    for _ in range(3):
        angle = rng.uniform(np.pi * 0.95, np.pi * 1.5)
        reach = size * rng.uniform(0.62, 0.70)
        canvas.fill(
            circle(x + reach * np.cos(angle), y + size * 0.1 + reach * 0.8 * np.sin(angle), size * rng.uniform(0.012, 0.026)), inks.pop
        )


def _halftone(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    pitch = canvas.side / float(rng.integers(24, 30))
    turn = float(rng.uniform(18, 40))
    x, y = canvas.width * 1.02, canvas.height * 1.02
    reach = float(np.hypot(canvas.width * (0.56 if canvas.wide else 0.95), canvas.height * (1.0 if canvas.wide else 0.56)))
    count = int(np.hypot(canvas.width, canvas.height) / pitch) + 2
    steps = np.arange(-count, count + 1) * pitch
    grid = turned(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), (0.0, 0.0), turn) + (canvas.width / 2, canvas.height / 2)
    scaled = (grid - (x, y)) / ((0.62, 1.0) if not canvas.wide else (1.0, 0.9))
    near = np.clip(1.06 - np.hypot(scaled[:, 0], scaled[:, 1]) / reach, 0, 1)
    for (dot_x, dot_y), share in zip(grid, near, strict=True):
        radius = pitch * 0.70 * share**0.75
        if radius > 0.06 * pitch and -pitch < dot_x < canvas.width + pitch and -pitch < dot_y < canvas.height + pitch:
            angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            dot = np.stack([dot_x + radius * np.cos(angle), dot_y + radius * np.sin(angle)], axis=1)
            # The outermost dots are a breath only: letters may reach them.
            canvas.fill(dot, mix(inks.soft, inks.accent, float(np.clip(4.5 * share - 0.5, 0, 1))))
    sun = canvas.side * rng.uniform(0.13, 0.16)
    place = (0.83, 0.27) if canvas.wide else (0.80, 0.60)
    canvas.fill(circle(canvas.width * place[0], canvas.height * place[1], sun), inks.pop)


def _diagonal(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    angle = float(rng.choice([-38.0, -45.0, -52.0]))
    along = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    across = np.array([-along[1], along[0]])
    corner = np.array([canvas.width * (0.78 if canvas.wide else 0.62), canvas.height * (0.66 if canvas.wide else 0.74)])
    thick, offset = canvas.side * 0.205, 0.0
    colours = [inks.accent, inks.pop, inks.deep, inks.accent, inks.pop, inks.accent]
    far = float(np.hypot(canvas.width, canvas.height))
    for index, colour in enumerate(colours):
        # Bars halve in thickness, and each begins further on: a crescendo to the corner.
        start = corner + across * (canvas.side * 0.20 - offset) + along * canvas.side * (0.05 * index - 0.30 + rng.uniform(-0.04, 0.04))
        sides = across * thick / 2
        canvas.fill(np.array([start - sides, start + sides, start + sides + along * far, start - sides + along * far]), colour)
        gap = max(thick * 0.24, canvas.side * 0.008)
        offset += thick / 2 + gap + thick * 0.29
        thick *= 0.58
    tail = corner + across * canvas.side * 0.46
    sides = across * canvas.side * 0.055
    canvas.fill(np.array([tail - sides, tail + sides, tail + sides + along * far, tail - sides + along * far]), inks.pop)


def _confetti(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    colours = [inks.accent, inks.pop, inks.tone, inks.accent, inks.pop]
    taken: list[tuple[float, float, float]] = []
    for near in (0.0, 0.45, 1.0):
        for _ in range(int(rng.integers(230, 260)) if near < 1 else 30):
            x, y = rng.uniform(-0.03, 1.03, 2)
            calm = _calm(canvas, x, y)
            if rng.random() < calm:
                continue
            size = canvas.side * rng.uniform(0.016, 0.026) * (1 + 1.1 * near)
            px, py = x * canvas.width, y * canvas.height
            if any((px - ox) ** 2 + (py - oy) ** 2 < (1.5 * (size + other)) ** 2 for ox, oy, other in taken):
                continue
            taken.append((px, py, size))
            colour = colours[int(rng.integers(len(colours)))]
            soft = canvas.side * 0.0035 if near == 1.0 else 0.0
            canvas.fill(
                _piece(px, py, size, rng),
                colour,
                to=darken(colour, 0.12),
                angle=rng.uniform(0, 180),
                shadow=Shadow(0.004, 0.010, 0.008, 0.22),
                soft=soft,
            )


def _calm(canvas: Canvas, x: float, y: float) -> float:
    """How calm a place must stay, 0 to 1: the words' zone entirely, the right edge and the floor not at all."""
    if canvas.wide:
        return float(np.clip((0.90 - x) / 0.22, 0, 1) * np.clip((1.06 - y) / 0.16, 0, 1))
    return float(np.clip((1.05 - y) / 0.34, 0, 1) * np.clip((1.0 - x) / 0.12, 0, 1) * np.clip(y / 0.05, 0.0, 1))


def _piece(x: float, y: float, size: float, rng: np.random.Generator) -> Points:
    """One piece of confetti: a disc, a strip, a square seen at a slant, a triangle."""
    kind, turn = int(rng.integers(4)), float(rng.uniform(0, 180))
    if kind == 0:
        return ellipse(x, y, size * 0.8, size * rng.uniform(0.35, 0.8), turn)
    if kind == 1:
        return pill(x, y, size * 2.9, size * 0.62, turn)
    if kind == 2:
        return turned(rectangle(x - size * 0.8, y - size * 0.45, x + size * 0.8, y + size * 0.45), (x, y), turn)
    corners = np.array([[x, y - size], [x + size * 0.9, y + size * 0.6], [x - size * 0.9, y + size * 0.6]])
    return turned(corners, (x, y), turn)


def _paper_cut(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    sheets = [
        mix(inks.backdrop, inks.accent, 0.30),
        mix(inks.backdrop, inks.accent, 0.65),
        inks.accent,
        mix(inks.accent, inks.pop, 0.5),
        inks.pop,
    ]
    x = np.linspace(-0.05, 1.05, 260)
    for index, colour in enumerate(sheets):
        share = index / (len(sheets) - 1)
        # In wide pictures the hills climb to the right, clear of the words.
        base = 0.98 + 0.10 * share if canvas.wide else 0.66 + 0.085 * index
        climb = (
            (0.85 - 0.52 * share) * np.clip((x - 0.42) / 0.6, 0, 1) ** 1.4
            if canvas.wide
            else 0.20 * (1 - 0.4 * share) * np.clip(x, 0, None) ** 1.6
        )
        swell = (0.030 if canvas.wide else 0.028) * np.sin(2 * np.pi * (x * rng.uniform(0.9, 1.5) + rng.uniform()))
        ripple = 0.012 * np.sin(2 * np.pi * (x * rng.uniform(2.2, 3.0) + rng.uniform()))
        line = np.stack([x * canvas.width, (base - climb + swell + ripple) * canvas.height], axis=1)
        canvas.fill(below(line, canvas.height * 1.2), colour, to=darken(colour, 0.10), shadow=Shadow(-0.004, -0.012, 0.024, 0.34))


def _gradient_mesh(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    columns = 72
    rows = max(8, round(columns * canvas.height / canvas.width))
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    wide = canvas.width / canvas.side, canvas.height / canvas.side
    right, low = (0.86, 0.80) if canvas.wide else (0.80, 0.86)
    knots = [
        (0.18, 0.18, 1.6, inks.backdrop),
        (0.50, 0.42, 1.0, inks.backdrop),
        (right + rng.uniform(-0.06, 0.06), low + rng.uniform(-0.05, 0.05), 1.25, inks.accent),
        (right + rng.uniform(0.02, 0.2), 0.42 + rng.uniform(-0.1, 0.1), 0.8, inks.pop),
        (0.28 + rng.uniform(-0.1, 0.1), 1.04, 0.7, mix(inks.accent, inks.pop, 0.4)),
        (1.02, 0.02 + rng.uniform(0, 0.1), 0.5, inks.deep),
    ]
    total, lab = np.zeros((rows, columns, 1)), np.zeros((rows, columns, 3))
    for knot_x, knot_y, pull, colour in knots:
        distance = ((x - knot_x) * wide[0]) ** 2 + ((y - knot_y) * wide[1]) ** 2
        weight = (pull / (0.035 + distance) ** 1.25)[..., None]
        lab += weight * to_lab(np.array(colour, np.float32) / 255)
        total += weight
    small = from_lab((lab / total).astype(np.float32))
    canvas.pixels[:] = np.clip(cv2.resize(small, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC), 0, 1)


def _grid_rays(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    pitch = canvas.side / 17
    x, y = _heart(canvas, rng)
    heart = canvas.side * 0.16
    reach = canvas.side * (0.95 if canvas.wide else 0.92)
    for column in np.arange(pitch / 2, canvas.width + pitch, pitch):
        for row in np.arange(pitch / 2, canvas.height + pitch, pitch):
            distance = float(np.hypot(column - x, row - y))
            if distance < heart + pitch * 0.5:
                continue
            share = max(1 - (distance - heart) / reach, 0.0)
            # Towards the words the strokes shrink to a fine, quiet grid of points.
            length, thick = pitch * (0.10 + 0.86 * share**0.8), pitch * (0.075 + 0.13 * share)
            angle = float(np.rad2deg(np.arctan2(row - y, column - x)))
            # and their colour to a breath, so that letters stand on them.
            colour = mix(inks.soft, inks.accent, float(np.clip(2.4 * share - 0.55, 0, 1)))
            canvas.fill(pill(float(column), float(row), max(length, thick), thick, angle), colour)
    canvas.fill(circle(x, y, heart), inks.pop)


def _big_circle(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    x, y = _heart(canvas, rng)
    radius = canvas.side * (rng.uniform(0.52, 0.58) if canvas.wide else rng.uniform(0.46, 0.54))
    y += 0.0 if canvas.wide else canvas.side * 0.06
    canvas.fill(circle(x, y, radius), inks.accent, to=mix(inks.accent, inks.pop, 0.45), angle=rng.uniform(40, 80))
    angle = rng.uniform(1.12, 1.30) * np.pi
    small = radius * rng.uniform(0.24, 0.30)
    canvas.fill(circle(x + radius * np.cos(angle), y + radius * np.sin(angle), small), inks.pop)


def _waves(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    colours = [inks.accent, inks.pop, inks.tone, inks.deep, inks.accent, inks.pop]
    x = np.linspace(-0.05, 1.05, 320)
    phase, band = rng.uniform(-0.06, 0.06), (0.085 if canvas.wide else 0.058)
    for index, colour in enumerate(colours):
        if canvas.wide:
            base = 1.12 + band * index - 1.02 / (1 + np.exp(-(x - 0.80 - 0.035 * index + phase) * 11))
        else:
            base = (
                0.93
                + band * index * 0.9
                - 0.30 / (1 + np.exp(-(x - 0.60 - 0.03 * index + phase) * 9))
                + 0.025 * np.sin(2 * np.pi * (x * 0.9 + phase))
            )
        canvas.fill(below(np.stack([x * canvas.width, base * canvas.height], axis=1), canvas.height * 1.6), colour)


def _arcs(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    x, y = _heart(canvas, rng)
    x, y = x + canvas.side * 0.10, y + canvas.side * (0.04 if canvas.wide else 0.08)
    inner, thick = canvas.side * 0.13, canvas.side * 0.018
    colours = [inks.pop, inks.accent, inks.accent, inks.pop, inks.accent, inks.tone, inks.accent]
    start = rng.uniform(0, 360)
    for index in range(7):
        length = float(rng.choice([90.0, 135.0, 180.0, 112.5]))
        canvas.fill(wedge(x, y, start, start + length, inner, inner + thick), colours[index])
        canvas.fill(wedge(x, y, start + 180 + length * 0.3, start + 180 + length, inner, inner + thick), colours[(index + 3) % 7])
        start += float(rng.choice([45.0, 67.5, 90.0]))
        inner, thick = inner + thick * 1.28, thick * 1.33
    canvas.fill(circle(x, y, canvas.side * 0.085), inks.pop)


def _tiles(canvas: Canvas, inks: Inks, rng: np.random.Generator) -> None:
    # Whole pixels: neighbours meet without a hairline.
    size = float(round(canvas.height / 3.6 if canvas.wide else canvas.width / 4))
    colours = [inks.accent, inks.pop, inks.deep, inks.tone]
    for row in range(int(np.ceil(canvas.height / size))):
        for column in range(int(np.ceil(canvas.width / size))):
            # A staircase of tiles in the lower right corner.
            if column + row * (0.7 if canvas.wide else 1.7) > (2.5 if canvas.wide else 3.9):
                continue
            first, second = rng.choice(len(colours), 2, replace=False)
            left, top = canvas.width - (column + 1) * size, canvas.height - (row + 1) * size
            _tile(canvas, left, top, size, colours[int(first)], colours[int(second)], rng)


def _tile(canvas: Canvas, left: float, top: float, size: float, ground: Rgb, figure: Rgb, rng: np.random.Generator) -> None:
    canvas.fill(rectangle(left, top, left + size, top + size), ground)
    kind, quarter = int(rng.integers(5)), int(rng.integers(4))
    corner = ((left, top), (left + size, top), (left + size, top + size), (left, top + size))[quarter]
    if kind == 0:
        canvas.fill(wedge(*corner, quarter * 90, quarter * 90 + 90, 0, size), figure)
    elif kind == 1:
        canvas.fill(circle(left + size / 2, top + size / 2, size * 0.34), figure)
    elif kind == 2:
        canvas.fill(
            [wedge(*corner, quarter * 90, quarter * 90 + 90, size * inner, size * (inner + 0.2)) for inner in (0.0, 0.4, 0.8)], figure
        )
    elif kind == 3:
        half = (
            [[left, top], [left + size, top], [left, top + size]]
            if quarter % 2
            else [[left + size, top], [left + size, top + size], [left, top + size]]
        )
        canvas.fill(np.array(half, np.float64), figure)
    else:
        canvas.fill(
            wedge(left + size / 2, top + (size if quarter % 2 else 0), 180 if quarter % 2 else 0, 360 if quarter % 2 else 180, 0, size / 2),
            figure,
        )


GROUNDS: Mapping[str, Callable[[Canvas, Inks, np.random.Generator], None]] = {
    "arches": _arches,
    "arcs": _arcs,
    "big-circle": _big_circle,
    "blobs": _blobs,
    "confetti": _confetti,
    "diagonal": _diagonal,
    "gradient-mesh": _gradient_mesh,
    "grid-rays": _grid_rays,
    "halftone": _halftone,
    "paper-cut": _paper_cut,
    "sunburst": _sunburst,
    "tiles": _tiles,
    "waves": _waves,
}
