"""The blocks beside headline and sub-line: button, badge, brand mark, legal line, quotation mark."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PIL import Image

from finishing import draw
from finishing import logo as logos
from finishing.colour import contrast, luminance, parse_hex
from finishing.contrast import SMALL, Frame, Rgb, ink_on
from finishing.fit import Fitted, Setting, capitals, fit, set_at
from finishing.fonts import font, is_rtl, pick
from finishing.layout import Arrangement
from finishing.page import Page, overlap
from finishing.specs import BrandSpec, StyleSpec

# Shares of the unit, and the fewest pixels that can be read.
BUTTON, BUTTON_SMALLEST = 0.025, 10
LEGAL, LEGAL_SMALLEST = 0.0142, 8
MARK, MARK_SMALLEST = 0.0195, 8
LOGO_HEIGHT, LOGO_WIDTH = 0.05, 0.30
BADGE, BADGE_SMALLEST = 0.084, 7  # the second: of its letters
PAD_X, TIGHT_PAD_X, PAD_Y = 1.3, 0.7, 0.82  # a button's room round its words, in sizes
ARROW = 1.35  # what an arrow adds to a button's width, in sizes
TRACKING = 0.28  # a brand's name in capitals is spaced out
TURN = 8.0  # degrees
GAP, GAP_SMALLEST = 0.018, 8  # between the legal line and what stands above it; the second in pixels


@dataclass(frozen=True)
class ButtonSize:
    """A button's words and its outer size in pixels; `pad` is the room at each end, in sizes."""

    fitted: Fitted
    width: int
    height: int
    arrow: bool
    pad: float


@dataclass(frozen=True)
class Mark:
    """A brand's logo (in the versions it has), or its name spaced out, with its size and what stays clear round it in pixels."""

    width: float
    height: float
    logo: tuple[Image.Image, ...]
    name: Fitted | None
    clear: float = 0.0


def button_size(page: Page, words: str, style: StyleSpec, largest: float = 1.0) -> ButtonSize | None:
    """How large a button with these words is here, at most `largest` of its usual size; None (and a note) when it is too wide even so."""
    smallest = max(BUTTON_SMALLEST, page.smallest)
    wished = max(BUTTON * page.unit * largest, smallest)
    room = page.safe[2] - page.safe[0]
    for share, pad_x in ((1.0, PAD_X), (0.9, PAD_X), (0.8, PAD_X), (0.7, PAD_X), (0.7, TIGHT_PAD_X)):
        size = int(max(wished * share, smallest))
        fitted = set_at(words, Setting(style.button_font, lines=1, language=style.language), size, room)
        if fitted is None:
            continue
        arrow = style.arrow and size >= 16
        pad_y = PAD_Y if page.height > 120 else 0.6
        width = round(fitted.width + size * (2 * pad_x + (ARROW if arrow else 0)))
        if width <= room:
            return ButtonSize(fitted, width, round(fitted.cap + 2 * pad_y * size), arrow, pad_x)
    page.warn("room", "The button's words are too long for this place, so it was left out.")
    return None


def place_button(
    page: Page, button: ButtonSize, arrangement: Arrangement, style: StyleSpec, floor: float, *, words_end: float | None = None
) -> bool:
    """Put the button where the layout wants it, else at the first free place along the bottom. False when there is none.

    `words_end` is the right edge of the words where they run from right to left: what the layout has at the left ends there.
    """
    left, _, right, _ = page.safe
    start = max(left, arrangement.words.left * page.width)  # level with the words above
    places = {
        "bottom-left": start if words_end is None else max(start, words_end - button.width),
        "bottom-center": (left + right - button.width) / 2,
        "bottom-right": right - button.width,
    }
    bottom = floor - button.height
    candidates = [(places[name], bottom) for name in sorted(places, key=lambda name: name != arrangement.button)]
    if arrangement.button == "under-product" and page.product:
        middle = (page.product[0] + page.product[2]) / 2 - button.width / 2
        below = page.product[3] + 0.045 * page.height
        candidates.insert(0, (min(max(middle, left), right - button.width), min(below, bottom)))
    for x, y in candidates:
        frame = (x, y, x + button.width, y + button.height)
        if page.free(frame, gap=0.008 * page.unit) and page.inside(frame):
            draw_button(page, button, x, y, style)
            return True
    return False


def draw_button(page: Page, button: ButtonSize, x: float, y: float, style: StyleSpec) -> None:
    """Lay a button with its top left at (x, y)."""
    fill = parse_hex(style.button_fill)
    ink = parse_hex(style.button_ink) if style.button_ink else ink_on(fill)
    frame = (round(x), round(y), round(x) + button.width, round(y) + button.height)
    fitted, size = button.fitted, button.fitted.size
    top = frame[1] + (button.height - fitted.cap) / 2
    back = is_rtl(fitted.lines[0])  # then the arrow leads to the left
    start = frame[0] + button.pad * size + (ARROW * size if back and button.arrow else 0)

    def stroke(picture: Image.Image) -> None:
        draw.pill(picture, frame, fill)
        draw.text(picture, fitted, start, top, ink, "left", fitted.width)
        if button.arrow:
            x = start - ARROW * size if back else start + fitted.width + 0.42 * size
            draw.arrow(picture, x, frame[1] + button.height / 2, size, ink, back=back)

    reads = contrast(float(luminance(ink)), float(luminance(fill)))
    page.paint("button", frame, stroke, size=size, reads=reads, need=SMALL)


def legal_line(page: Page, words: str, style: StyleSpec, align: str, level: float = 0.0) -> float:
    """Keep a place for the legal line at the bottom of the safe frame, or beside the product there. Gives the y above which the rest stands.

    `level` is the x that the other words begin at: the line begins there, too, where it can.
    """
    left, top, right, bottom = page.safe
    columns = [(level, right), (left, right)] if level > left else [(left, right)]
    if page.product:
        gap = 0.5 * GAP * page.unit
        columns += sorted(((left, page.product[0] - gap), (page.product[2] + gap, right)), key=lambda column: column[0] - column[1])
    size = max(LEGAL * page.unit, LEGAL_SMALLEST, page.smallest)
    for start, end in columns:
        for share in (1.0, 0.9, 0.8):
            lines = 3 if end - start > 0.5 * (right - left) else 5
            fitted = set_at(
                words,
                Setting(style.text_font, 1.3, lines=lines, language=style.language),
                int(max(size * share, LEGAL_SMALLEST, page.smallest)),
                end - start,
            )
            if fitted is None or fitted.height > 0.22 * (bottom - top):
                continue
            y = bottom - fitted.height
            if page.product and overlap((start, y, end, bottom), page.product):
                break
            page.hold("legal", fitted, start, y, end - start, align)
            return y - max(GAP * page.unit, GAP_SMALLEST)
    page.warn("room", "There was no room for the legal line here. Put it into the text beside the ad, or shorten it.")
    return bottom


def mark_of(page: Page, brand: BrandSpec, style: StyleSpec) -> Mark | None:
    """The brand's logo or spaced-out name at its size here; None when the brand has neither."""
    if found := logos.versions(brand):
        first = logos.opened(found[0])
        scale = min(LOGO_HEIGHT * page.unit / first.height, LOGO_WIDTH * page.unit / first.width)
        width, height = max(1, round(first.width * scale)), max(1, round(first.height * scale))
        drawn = tuple(logos.opened(each).resize((width, height), Image.Resampling.LANCZOS) for each in found)
        return Mark(width, height, drawn, None, brand.clear_space * height)
    if brand.wordmark:
        size = int(max(MARK * page.unit, MARK_SMALLEST, page.smallest))
        name = set_at(
            brand.wordmark,
            Setting(style.button_font, tracking=TRACKING, lines=1, upper=True),
            size,
            page.safe[2] - page.safe[0],
        )
        return Mark(name.width, name.cap, (), name) if name else None
    return None


def draw_mark(page: Page, mark: Mark, x: float, y: float, width: float, align: str) -> None:
    """Lay the brand's mark into a column of `width` pixels."""
    if mark.name:
        page.write("brand", mark.name, x, y, width, align)
        return
    free = width - mark.width
    left = round(x + (free / 2 if align == "center" else free if align == "right" else 0))
    frame = (left, round(y), left + round(mark.width), round(y) + round(mark.height))
    under = page.pixels[max(0, frame[1]) : max(frame[3], 1), max(0, frame[0]) : max(frame[2], 1)]
    version, reads = logos.best_on(under, list(mark.logo))
    page.paint("brand", frame, lambda picture: draw.logo(picture, mark.logo[version], (frame[0], frame[1])))
    if reads < logos.READS:
        page.warn("logo", "The logo hardly stands out here. Give the brand a version of it for such grounds.")


def place_mark(page: Page, mark: Mark, at: str, floor: float) -> None:
    """Put the mark into a corner, level with the button when that is at the bottom; left out with a note when something is there."""
    left, top, right, _ = page.safe
    x = left if at.endswith("left") else right - mark.width if at.endswith("right") else (left + right - mark.width) / 2
    y = top if at.startswith("top") else floor - mark.height
    button = next((block.frame for block in page.blocks if block.role == "button"), None)
    if button and at.startswith("bottom"):
        y = (button[1] + button[3] - mark.height) / 2
    if page.free((x, y, x + mark.width, y + mark.height), gap=max(0.012 * page.unit, mark.clear)):
        draw_mark(page, mark, x, y, mark.width, "left")
    else:
        page.warn("room", "There was no room for the brand's name here.")


def place_badge(page: Page, words: str, style: StyleSpec, at: str) -> None:
    """Put a round badge near the product, or into a corner; smaller when it must be, larger where its words could not be read.

    Left out with a note when nothing is free.
    """
    fill = parse_hex(style.badge_fill or style.button_fill)
    ink = parse_hex(style.badge_ink) if style.badge_ink else ink_on(fill)
    for share in (1.0, 0.85, 0.7, 1.2, 1.4, 1.6):
        radius = BADGE * page.unit * share
        if any(part.size < max(BADGE_SMALLEST, page.smallest) for part in _badge_parts(words, radius, style)):
            continue
        for centre in _badge_places(page, radius, at):
            frame = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
            if page.inside(frame) and page.free(frame, gap=0.010 * page.unit):
                _draw_badge(page, words, centre, radius, style, fill, ink)
                return
    page.warn("room", "There was no free place here for a badge that can be read.")


def _badge_places(page: Page, radius: float, at: str) -> list[tuple[float, float]]:
    left, top, right, bottom = page.safe
    corners = [(right - radius, top + radius), (right - radius, bottom - radius), (left + radius, bottom - radius)]
    if at == "bottom-right":
        corners = [corners[1], corners[0], corners[2]]
    if page.product is None or at != "product":
        return corners
    one, above, other, below = page.product
    gap = 0.35 * radius
    heights = [above + share * (below - above) for share in (0.2, 0.4, 0.05, 0.6)]
    sides = [(x, y) for y in heights for x in (other + radius + gap, one - radius - gap)]
    return [*sides, *corners]


def _draw_badge(page: Page, words: str, centre: tuple[float, float], radius: float, style: StyleSpec, fill: Rgb, ink: Rgb) -> None:
    parts = _badge_parts(words, radius, style)
    turn = -TURN if centre[0] < page.width / 2 else TURN
    frame: Frame = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    reads = contrast(float(luminance(ink)), float(luminance(fill)))
    page.paint(
        "badge",
        frame,
        lambda picture: draw.badge(picture, centre, radius, parts, fill, ink, turn),
        size=min(part.size for part in parts),
        reads=reads,
        need=SMALL,
    )


def _badge_parts(words: str, radius: float, style: StyleSpec) -> list[Fitted]:
    lines = badge_lines(words, style.language)
    fitted = (_badge_part(line, radius, style, big=index == 0 and (len(lines) > 1 or len(words) <= 6)) for index, line in enumerate(lines))
    return [part for part in fitted if part]


def badge_lines(words: str, language: str = "") -> list[str]:
    """A badge's lines: the price or number large, what it means small below; a few plain words on two or three even lines."""
    # A number and its unit ("19,90 €", "89 zł", "− 20 %") stay together.
    tokens = re.sub(r"(\d)\s(?=[^\w\s]{1,2}(?:\s|$)|zł|kr|Kč|Ft|lei|TL)", "\\1\N{NO-BREAK SPACE}", words).split(" ")
    if len(words) <= 6 or len(tokens) == 1:
        return [words]
    if not re.search(r"\d", tokens[0]) and re.search(r"\d", tokens[-1]):
        tokens = [tokens[-1], *tokens[:-1]]  # "Only €9", "خصم 20%": the number leads all the same
    if re.search(r"\d", tokens[0]):
        rest = capitals(" ".join(tokens[1:]), language)
        half = len(tokens[1:]) // 2
        return (
            [tokens[0], rest]
            if len(rest) <= 11 or not half
            else [tokens[0], capitals(" ".join(tokens[1 : 1 + half]), language), capitals(" ".join(tokens[1 + half :]), language)]
        )
    return tokens if len(tokens) <= 3 else [" ".join(tokens[:2]), " ".join(tokens[2:])]


def _badge_part(line: str, radius: float, style: StyleSpec, *, big: bool) -> Fitted | None:
    """A badge's line in the button's face, whose figures are lining ones; it fills the circle's chord there."""
    largest = radius * (0.62 if big else 0.25)
    return fit(line, Setting(style.button_font, lines=1, language=style.language), radius * (1.5 if big else 1.42), radius, largest, 1)


def quote_mark(page: Page, region: Frame, style: StyleSpec) -> Frame:
    """A large opening quotation mark at the top left of a region. Gives what of the region is left below it."""
    face = pick(style.headline_font, "“")
    size = int(min(0.24 * page.unit, 0.55 * (region[3] - region[1])))
    box = font(face, size).getbbox("“", anchor="ls")
    height = box[3] - box[1]
    glyph = Fitted(face, size, ("“",), (float(box[2]),), -float(box[1]), 0.0, 0.0)
    page.write("ornament", glyph, region[0] - box[0], region[1], box[2], "left")
    block = page.blocks.pop()
    page.blocks.append(type(block)("ornament", (region[0], region[1], region[0] + box[2], region[1] + height), size))
    return (region[0], region[1] + height + 0.035 * page.unit, region[2], region[3])
