"""Where the blocks of an ad really go: the layout's wishes, fitted to this picture, this product and these words."""

from __future__ import annotations

from dataclasses import dataclass

from finishing import parts
from finishing.contrast import Frame
from finishing.fit import Fitted, Setting, fit, set_at
from finishing.fonts import is_rtl
from finishing.layout import Arrangement
from finishing.page import Page, around
from finishing.specs import BrandSpec, CopySpec, StyleSpec

# Shares of the unit (the root of the frame's area).
GAP_MARK, GAP_SUBLINE, GAP_BUTTON, GAP_PRODUCT = 0.032, 0.024, 0.036, 0.022
SMALLEST_HEADLINE, SMALLEST_SUBLINE = 13, 11  # pixels that can still be read on a screen
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
        floor = parts.legal_line(page, copy.legal, style, arrangement.align)
    button = parts.button_size(page, copy.cta, style) if copy.cta else None
    if button and arrangement.button != "flow" and parts.place_button(page, button, arrangement, style, floor):
        button = None
    mark = parts.mark_of(page, brand, style) if arrangement.mark != "none" else None
    in_words = mark if arrangement.mark == "words" else None
    for block in page.blocks:
        region = around(region, block.frame, GAP_BUTTON * page.unit)
    region = (region[0], region[1], region[2], min(region[3], floor))
    if arrangement.quote:
        region = parts.quote_mark(page, region, style)
    column = _column(page, region, arrangement, copy, style, in_words, button)
    _lay(page, region, arrangement, style, column)
    if mark and arrangement.mark != "words":
        parts.place_mark(page, mark, arrangement.mark, floor)
    if copy.badge:
        parts.place_badge(page, copy.badge, style, arrangement.badge)


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


def _column(
    page: Page,
    region: Frame,
    arrangement: Arrangement,
    copy: CopySpec,
    style: StyleSpec,
    mark: parts.Mark | None,
    button: parts.ButtonSize | None,
) -> Column:
    """Fit the stack into its region: the headline shrinks first, then the sub-line goes, then the mark, then the button."""
    width, height = region[2] - region[0], region[3] - region[1]
    unit = page.unit
    setting = Setting(style.headline_font, arrangement.leading, arrangement.tracking, arrangement.lines, style.upper)
    subline = _subline(page, copy.subline, style, arrangement, width) if copy.subline else None
    fullest: Fitted | None = None
    for with_subline, with_mark, with_button in ((True, True, True), (False, True, True), (False, False, True), (False, False, False)):
        used = subline if with_subline else None
        rest = height
        rest -= used.height + GAP_SUBLINE * unit if used else 0
        rest -= mark.height + GAP_MARK * unit if mark and with_mark else 0
        rest -= button.height + GAP_BUTTON * unit if button and with_button else 0
        smallest = SMALLEST_HEADLINE if with_button else 1
        headline = fit(copy.headline, setting, width, rest, arrangement.headline * unit, smallest) if rest > 0 else None
        if with_subline and subline and headline:
            fullest = fullest or fit(copy.headline, setting, width, rest + used.height if used else rest, arrangement.headline * unit)
            if fullest and headline.size < KEPT * fullest.size:
                continue
        if headline:
            _say_what_went(page, copy, used, mark, button, with_mark=with_mark, with_button=with_button)
            return Column(mark if with_mark else None, headline, used, button if with_button else None)
    # Nothing fits at a readable size: the headline takes all there is, and the check will say so.
    taken = fit(copy.headline, Setting(style.headline_font, 1.0, 0.0, 6, style.upper), width, height, arrangement.headline * unit)
    if taken is None:
        taken = fit(copy.headline, Setting(style.headline_font, 1.0, 0.0, 8), page.width * 0.9, page.height * 0.9, 12)
    assert taken is not None
    return Column(None, taken, None, None)


def _say_what_went(
    page: Page,
    copy: CopySpec,
    subline: Fitted | None,
    mark: parts.Mark | None,
    button: parts.ButtonSize | None,
    *,
    with_mark: bool,
    with_button: bool,
) -> None:
    if copy.subline and subline is None:
        page.warn("room", "There was no room for the sub-line here. A shorter headline would make some.")
    if mark and not with_mark:
        page.warn("room", "There was no room for the brand's name here.")
    if button and not with_button:
        page.warn("room", "There was no room for the button here. A shorter headline would make some.")


def _subline(page: Page, text: str, style: StyleSpec, arrangement: Arrangement, width: float) -> Fitted | None:
    """The sub-line at its size, or a little smaller; None when it would need more than three lines."""
    wished = max(arrangement.subline * page.unit, SMALLEST_SUBLINE)
    for share in (1.0, 0.9, 0.8):
        size = int(max(wished * share, SMALLEST_SUBLINE))
        column = min(width, arrangement.measure * size)
        fitted = set_at(text, Setting(style.text_font, 1.36, 0.0, 3), size, column)
        if fitted:
            return fitted
    return None


def _lay(page: Page, region: Frame, arrangement: Arrangement, style: StyleSpec, column: Column) -> None:
    """Write the stack. Right-to-left words stand at the right of a left-aligned layout."""
    unit, width = page.unit, region[2] - region[0]
    align: str = arrangement.align
    if align == "left" and is_rtl(" ".join(column.headline.lines)):
        align = "right"
    heights = [column.mark.height + GAP_MARK * unit] if column.mark else []
    heights.append(column.headline.height)
    heights += [column.subline.height + GAP_SUBLINE * unit] if column.subline else []
    heights += [column.button.height + GAP_BUTTON * unit] if column.button else []
    spare = max(0.0, region[3] - region[1] - sum(heights))
    y = region[1] + spare * {"top": 0.0, "middle": 0.5, "bottom": 1.0}[arrangement.valign]
    after_mark = y + column.mark.height + GAP_MARK * unit if column.mark else y
    # The headline chooses the ink, the others follow it; so it is written first, whatever stands above it.
    page.write("headline", column.headline, region[0], after_mark, width, align)
    if column.mark:
        parts.draw_mark(page, column.mark, region[0], y, width, align)
    y = after_mark + column.headline.height
    if column.subline:
        y += GAP_SUBLINE * unit
        page.write("subline", column.subline, region[0], y, width, align)
        y += column.subline.height
    if column.button:
        y += GAP_BUTTON * unit
        free = width - column.button.width
        x = region[0] + (free / 2 if align == "center" else free if align == "right" else 0)
        parts.draw_button(page, column.button, x, y, style)
