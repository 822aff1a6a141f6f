"""Where the blocks of an ad really go: the layout's wishes, fitted to this picture, this product and these words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from finishing import parts
from finishing.contrast import Frame
from finishing.fit import Fitted, Setting, fit, set_at
from finishing.fonts import is_rtl
from finishing.layout import Arrangement
from finishing.page import Page, around, beside
from finishing.specs import BrandSpec, CopySpec, StyleSpec

# Shares of the unit (the root of the frame's area).
GAP_MARK, GAP_SUBLINE, GAP_BUTTON, GAP_PRODUCT = 0.032, 0.024, 0.036, 0.022
SMALLEST_HEADLINE, SMALLEST_SUBLINE = 13, 11  # pixels that can still be read on a screen
HEADLINE_SHARE = 0.034
ILLEGIBLE = 8  # pixels: a headline this small is left out
MOST_LINES = 6  # of a headline that is too long for its layout
SMALLER = (1.0, 0.88, 0.77, 0.67, 0.58)  # of a headline that gives way to a drawing
FOOT_FROM = 0.3  # of the height: less room for a headline than this, and a sub-line at the foot would crowd it
KEPT = 0.62  # a headline may shrink to this share before the sub-line goes


@dataclass
class Column:
    """The stack of words: what is in it, top to bottom."""

    mark: parts.Mark | None
    headline: Fitted
    subline: Fitted | None
    button: parts.ButtonSize | None


def arrange(page: Page, arrangement: Arrangement, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    """Lay all words of an ad over a page. What finds no room is left out, the least important first, with a note that says so.

    Raises FontError when no face has the letters.
    """
    page.may_fade = arrangement.fade
    region = _region(page, arrangement)
    floor = page.safe[3]
    if copy.legal:
        align = _align(arrangement, copy.legal)
        floor = parts.legal_line(page, copy.legal, style, align, arrangement.words.left * page.width if align == "left" else 0.0)
    button = _button(page, region, arrangement, copy, style, floor) if copy.cta else None
    mark = parts.mark_of(page, brand, style) if arrangement.mark != "none" else None
    for block in page.blocks:
        region = around(region, block.frame, GAP_BUTTON * page.unit)
    region = (region[0], region[1], region[2], min(region[3], floor))
    if arrangement.quote:
        region = parts.quote_mark(page, region, style)
    foot = _foot(page, region, arrangement, copy, style, floor)
    words = replace(copy, subline="") if foot else copy
    region = (region[0], region[1], region[2], min(region[3], foot[1] - GAP_BUTTON * page.unit)) if foot else region
    column, region = _best_column(page, region, arrangement, words, style, mark if arrangement.mark == "words" else None, button)
    if column:
        _lay(page, region, arrangement, style, column)
    if foot:
        _write_subline(page, foot[0], region[0], foot[1], region[2] - region[0], _align(arrangement, copy.headline))
    if mark and arrangement.mark != "words":
        parts.place_mark(page, mark, arrangement.mark, floor)
    if copy.badge:
        parts.place_badge(page, copy.badge, style, arrangement.badge)
    page.write_held()


def _button(page: Page, region: Frame, arrangement: Arrangement, copy: CopySpec, style: StyleSpec, floor: float) -> parts.ButtonSize | None:
    """Place the button, a little smaller where it must be; one that stands below the words is only measured, and comes back."""
    usual = parts.button_size(page, copy.cta, style)
    if usual is None or (arrangement.button == "flow" and usual.width <= region[2] - region[0]):
        return usual
    words_end = region[2] if _align(arrangement, copy.headline) == "right" else None
    for share in (1.0, 0.85, 0.72):
        button = parts.button_size(page, copy.cta, style, share)
        if button and parts.place_button(page, button, arrangement, style, floor, words_end=words_end):
            return None
    return usual


def _foot(
    page: Page, region: Frame, arrangement: Arrangement, copy: CopySpec, style: StyleSpec, floor: float
) -> tuple[Fitted, float] | None:
    """A sub-line that stands at the foot of the words, and its y; None when the layout has it elsewhere or the picture is lively there."""
    if arrangement.subline_at != "bottom" or not copy.subline:
        return None
    fitted = _subline(page, copy.subline, style, arrangement, region[2] - region[0])
    if fitted is None:
        return None
    tops = [block.frame[1] for block in page.blocks if block.role == "button"]
    y = (min(tops) - GAP_BUTTON * page.unit if tops else floor) - fitted.height
    free = region[2] - region[0] - fitted.width
    left = region[0] + {"left": 0.0, "center": free / 2, "right": free}[_align(arrangement, copy.headline)]
    frame = (left, y, left + fitted.width, y + fitted.height)
    quiet = page.readable(fitted, left, y) and page.free(frame, gap=GAP_PRODUCT * page.unit)
    return (fitted, y) if quiet and y - region[1] > FOOT_FROM * page.height else None


def _region(page: Page, arrangement: Arrangement) -> Frame:
    """The layout's box for words, inside the safe frame and clear of the product."""
    box, safe = arrangement.words, page.safe
    region = (
        max(safe[0], box.left * page.width),
        max(safe[1], box.top * page.height),
        min(safe[2], box.right * page.width),
        min(safe[3], box.bottom * page.height),
    )
    if region[2] - region[0] < 0.2 * page.width or region[3] - region[1] < 0.06 * page.height:
        region = safe  # a narrow safe zone has eaten the box: take what there is
    return around(region, page.product, GAP_PRODUCT * page.unit) if page.product else region


def _best_column(
    page: Page,
    region: Frame,
    arrangement: Arrangement,
    copy: CopySpec,
    style: StyleSpec,
    mark: parts.Mark | None,
    button: parts.ButtonSize | None,
) -> tuple[Column | None, Frame]:
    """The column in the layout's region, or in all the room beside the product where the region makes the headline too small to read.

    Where the picture may not be faded the headline gives way until all words stand on what they can be read on.
    """
    column, said = _column(page, region, arrangement, copy, style, mark, button)
    if column.headline.size < _smallest(page):
        for other_region in _all_room(page):
            other, other_said = _column(page, other_region, arrangement, copy, style, mark, button)
            if other.headline.size > column.headline.size:
                column, said, region = other, other_said, other_region
    elif not arrangement.fade:
        for share in SMALLER:
            smaller = replace(arrangement, headline=arrangement.headline * share)
            other, other_said = _column(page, region, smaller, copy, style, mark, button)
            if _reads(page, region, arrangement, other):
                column, said = other, other_said
                break
    if column.headline.size < ILLEGIBLE:
        page.warn("room", "The headline is too long to be read at this size, so it was left out.")
        return None, region
    for sentence in said:
        page.warn("room", sentence)
    return column, region


def _all_room(page: Page) -> list[Frame]:
    """Every part of the safe frame that is clear of the product and of what is laid already."""
    regions = list(beside(page.safe, page.product, GAP_PRODUCT * page.unit)) if page.product else [page.safe]
    for block in page.blocks:
        regions = [around(region, block.frame, GAP_BUTTON * page.unit) for region in regions]
    return regions


def _smallest(page: Page) -> float:
    """The smallest headline before anything is left out: large pictures are seen on small screens."""
    return max(SMALLEST_HEADLINE, HEADLINE_SHARE * page.unit)


def _reads(page: Page, region: Frame, arrangement: Arrangement, column: Column) -> bool:
    """Whether headline and sub-line would be read where they would stand."""
    places = _places(page, region, arrangement, column)
    headline = page.readable(column.headline, region[0], places.headline)
    return headline and (column.subline is None or page.readable(column.subline, region[0], places.subline))


def _column(
    page: Page,
    region: Frame,
    arrangement: Arrangement,
    copy: CopySpec,
    style: StyleSpec,
    mark: parts.Mark | None,
    button: parts.ButtonSize | None,
) -> tuple[Column, list[str]]:
    """Fit the stack into its region: the headline shrinks first, then the sub-line goes, then the mark, then the button.

    Gives the column, and what was left out in sentences.
    """
    width, height = region[2] - region[0], region[3] - region[1]
    unit = page.unit
    setting = Setting(
        style.headline_font, arrangement.leading, arrangement.tracking, arrangement.lines, style.upper, language=style.language
    )
    subline = _subline(page, copy.subline, style, arrangement, width) if copy.subline else None
    fullest: Fitted | None = None
    # A word that is too long for the width stays small whatever is left out: then nothing is.
    alone = fit(copy.headline, replace(setting, lines=MOST_LINES), width, height, arrangement.headline * unit)
    smallest = min(_smallest(page), alone.size if alone else 1)
    for with_subline, with_mark, with_button in ((True, True, True), (False, True, True), (False, False, True), (False, False, False)):
        used = subline if with_subline else None
        if button and with_button and button.width > width:
            continue
        rest = height
        rest -= used.height + GAP_SUBLINE * unit if used else 0
        rest -= mark.height + GAP_MARK * unit if mark and with_mark else 0
        rest -= button.height + GAP_BUTTON * unit if button and with_button else 0
        headline = None
        for lines in (arrangement.lines, MOST_LINES) if rest > 0 else ():
            # More lines than the layout wishes before anything is left out, or the words get too small to read.
            tried = fit(
                copy.headline, replace(setting, lines=lines), width, rest, arrangement.headline * unit, smallest if with_button else 1
            )
            if tried and (headline is None or headline.size < _smallest(page)):
                headline = tried
        if with_subline and subline and headline:
            fullest = fullest or fit(copy.headline, setting, width, rest + used.height if used else rest, arrangement.headline * unit)
            if fullest and headline.size < KEPT * fullest.size:
                continue
        if headline:
            column = Column(mark if with_mark else None, headline, used, button if with_button else None)
            return column, _left_out(copy, mark, button, column)
    # Nothing fits at a readable size: the headline takes all there is, and the check will say so.
    taken = fit(
        copy.headline,
        Setting(style.headline_font, 1.0, 0.0, MOST_LINES, style.upper, language=style.language),
        width,
        height,
        arrangement.headline * unit,
    )
    if taken is None:
        taken = fit(
            copy.headline, Setting(style.headline_font, 1.0, 0.0, 8, language=style.language), page.width * 0.9, page.height * 0.9, 12
        )
    assert taken is not None
    column = Column(None, taken, None, None)
    return column, _left_out(copy, mark, button, column)


def _left_out(copy: CopySpec, mark: parts.Mark | None, button: parts.ButtonSize | None, column: Column) -> list[str]:
    said = []
    if copy.subline and column.subline is None:
        said.append("There was no room for the sub-line here. A shorter headline would make some.")
    if mark and column.mark is None:
        said.append("There was no room for the brand's name here.")
    if button and column.button is None:
        said.append("There was no room for the button here. A shorter headline would make some.")
    return said


def _subline(page: Page, text: str, style: StyleSpec, arrangement: Arrangement, width: float) -> Fitted | None:
    """The sub-line at its size, or a little smaller; None when it would need more than three lines."""
    smallest = max(SMALLEST_SUBLINE, page.smallest)
    wished = max(arrangement.subline * page.unit, smallest)
    for share in (1.0, 0.9, 0.8):
        size = int(max(wished * share, smallest))
        column = min(width, arrangement.measure * size)
        fitted = set_at(text, Setting(style.text_font, 1.36, 0.0, 3, language=style.language), size, column)
        if fitted:
            return fitted
    return None


@dataclass(frozen=True)
class Places:
    """The top of each part of a column, in pixels of the page."""

    mark: float
    headline: float
    subline: float
    button: float


def _places(page: Page, region: Frame, arrangement: Arrangement, column: Column) -> Places:
    unit = page.unit
    mark = column.mark.height + GAP_MARK * unit if column.mark else 0.0
    subline = column.subline.height + GAP_SUBLINE * unit if column.subline else 0.0
    button = column.button.height + GAP_BUTTON * unit if column.button else 0.0
    spare = max(0.0, region[3] - region[1] - mark - column.headline.height - subline - button)
    top = region[1] + spare * {"top": 0.0, "middle": 0.5, "bottom": 1.0}[arrangement.valign]
    end = top + mark + column.headline.height
    return Places(top, top + mark, end + GAP_SUBLINE * unit, end + subline + GAP_BUTTON * unit)


def _lay(page: Page, region: Frame, arrangement: Arrangement, style: StyleSpec, column: Column) -> None:
    """Write the stack."""
    width, places = region[2] - region[0], _places(page, region, arrangement, column)
    align = _align(arrangement, " ".join(column.headline.lines))
    # The headline chooses the ink, the others follow it; so it is written first, whatever stands above it.
    page.write("headline", column.headline, region[0], places.headline, width, align)
    if column.mark:
        parts.draw_mark(page, column.mark, region[0], places.mark, width, align)
    if column.subline:
        _write_subline(page, column.subline, region[0], places.subline, width, align)
    if column.button:
        free = width - column.button.width
        x = region[0] + (free / 2 if align == "center" else free if align == "right" else 0)
        parts.draw_button(page, column.button, x, places.button, style)


def _write_subline(page: Page, fitted: Fitted, x: float, y: float, width: float, align: str) -> None:
    """Write a sub-line; left out with a note where it could not be read and the layout's picture may not be faded."""
    free = width - fitted.width
    left = x + (free / 2 if align == "center" else free if align == "right" else 0)
    if page.may_fade or page.readable(fitted, left, y):
        page.write("subline", fitted, x, y, width, align)
    else:
        page.warn(
            "room", "The sub-line could not be read on this picture, so it was left out. A shorter one may stand clear of the drawing."
        )


def _align(arrangement: Arrangement, headline: str) -> str:
    """Words that run from right to left stand at the right of a left-aligned layout."""
    return "right" if arrangement.align == "left" and is_rtl(headline) else arrangement.align
