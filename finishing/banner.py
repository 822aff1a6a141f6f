"""Banners: wider than 2.2:1 or narrower than 1:2.2. The product stands whole at one end; the scene grows calm behind the words."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from finishing import parts
from finishing.crop import Framed, calmed, continued, framed
from finishing.fit import Fitted, Setting, fit, set_at
from finishing.fonts import is_rtl
from finishing.layout import BannerSpec
from finishing.page import Page
from finishing.specs import Box, BrandSpec, CopySpec, Geometry, StyleSpec

MARGIN = 0.10  # of the short side
LONG = 6.0  # from this proportion on a banner is one row
LOW, LOWEST = 70, 45  # pixels: below the first a banner is one row, below the second that row has one line
SMALLEST, SMALLEST_WITH_BUTTON = 9, 12  # pixels of a headline
SUBLINE_SMALLEST = 11
MOST_FOR_BUTTON = 0.5  # of the room for words in a row


@dataclass
class Stack:
    """What stands in a column of a banner, top to bottom, with the gaps above each but the first."""

    mark: parts.Mark | None
    headline: Fitted
    subline: Fitted | None
    button: parts.ButtonSize | None
    gap: float

    @property
    def height(self) -> float:
        """Pixels of the whole column."""
        mark = self.mark.height + 1.2 * self.gap if self.mark else 0.0
        subline = self.subline.height + self.gap if self.subline else 0.0
        button = self.button.height + 1.5 * self.gap if self.button else 0.0
        return mark + self.headline.height + subline + button


def banner_frame(picture: Image.Image, geometry: Geometry, size: tuple[int, int], spec: BannerSpec) -> Framed:
    """The scene at a scale where the product fills most of the short side: at one end of a wide banner, below the middle of a tall one."""
    product = geometry.product
    if product is None:
        return framed(picture, geometry, size)
    wide = size[0] > size[1]
    height = (product.bottom - product.top) * picture.height
    width = (product.right - product.left) * picture.width
    if wide:
        scale = min(spec.fill * size[1] / height, 0.34 * size[0] / width)
        share = max(width * scale / 2 / size[0] + MARGIN * size[1] / size[0], 0.11)
        at = (share if spec.product == "left" else 1 - share, 0.5)
    else:
        scale = min(spec.fill * size[0] / width, 0.36 * size[1] / height)
        at = (0.5, 0.62)
    # The picture never ends inside the short side: there it has to cover the banner.
    least = size[1] / picture.height if wide else size[0] / picture.width
    scale = max(scale, least) if _whole(product, picture.size, size, max(scale, least)) else scale
    frame = continued(picture, product, size, at, scale)
    return calmed(frame) if spec.calm else frame


def _whole(product: Box, picture: tuple[int, int], size: tuple[int, int], scale: float) -> bool:
    """Whether the product still fits the banner at this scale."""
    width = (product.right - product.left) * picture[0] * scale
    height = (product.bottom - product.top) * picture[1] * scale
    return width <= 0.9 * size[0] and height <= 0.94 * size[1]


def arrange_banner(page: Page, spec: BannerSpec, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    """Lay the words of a banner: a row or a column beside the product when it is wide, a column above it when it is tall."""
    page.may_fade = spec.fade
    if page.width < page.height:
        _tall(page, spec, copy, style, brand)
    elif page.height < LOW or page.width / page.height > LONG:
        _row(page, spec, copy, style)
    else:
        _wide(page, spec, copy, style, brand)


def _room(page: Page, spec: BannerSpec, pad: float) -> tuple[float, float]:
    """Where words may stand in a wide banner, from left to right: beside the product, or on their share of a picture without one."""
    left, _, right, _ = page.safe
    if page.product is None:
        return left, min(right, spec.words * page.width)
    if spec.product == "left":
        return max(left, page.product[2] + pad), right
    return left, min(right, page.product[0] - pad)


def _row(page: Page, spec: BannerSpec, copy: CopySpec, style: StyleSpec) -> None:
    """One row: headline (and where it is high enough a sub-line), then the button."""
    _, top, right, bottom = page.safe
    left, end = _room(page, spec, 0.18 * page.height)
    setting = Setting(style.headline_font, 1.02, 0.0, 1 if page.height < LOWEST else 2, style.upper, language=style.language)
    room, largest = bottom - top, spec.headline * page.height
    button = parts.button_size(page, copy.cta, style) if copy.cta else None
    headline: Fitted | None = None
    if button and button.width <= MOST_FOR_BUTTON * (end - left):
        rest = end - button.width - 0.22 * page.height - left
        headline = fit(copy.headline, setting, rest, room, largest, SMALLEST_WITH_BUTTON)
    if button and headline:
        if page.product is None:
            end = right  # a button brings its own ground: it may stand on the drawing
        parts.draw_button(page, button, end - button.width, (page.height - button.height) / 2, style)
        end -= button.width + 0.22 * page.height
    elif button:
        page.warn("room", "There was no room for the button here.")
    if page.product is None:
        end = min(end, left + spec.words * page.width)
    headline = headline or _headline(page, copy.headline, setting, end - left, room, largest)
    if headline is None:
        return
    stack = Stack(None, headline, None, None, 0.10 * page.height)
    if copy.subline and page.height >= LOW and len(headline.lines) == 1:
        size = max(int(0.15 * page.height), SUBLINE_SMALLEST, page.smallest)
        stack.subline = set_at(copy.subline, Setting(style.text_font, 1.3, lines=1, language=style.language), size, end - left)
        stack.subline = stack.subline if stack.height <= room else None
    _write(page, stack, style, left, (page.height - stack.height) / 2, end - left, "left")


def _wide(page: Page, spec: BannerSpec, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    """A column beside the product: mark, headline, sub-line, button."""
    _, top, _, bottom = page.safe
    left, end = _room(page, spec, 0.42 * page.height)
    setting = Setting(style.headline_font, 1.03, 0.0, 3, style.upper, language=style.language)
    size = int(max(0.068 * page.height, SUBLINE_SMALLEST, page.smallest))
    words = (
        set_at(copy.subline, Setting(style.text_font, 1.32, lines=2, language=style.language), size, end - left) if copy.subline else None
    )
    stack = _stacked(page, spec, copy, setting, style, (end - left, bottom - top), words, parts.mark_of(page, brand, style), 0.07)
    if stack:
        _write(page, stack, style, left, top + max(0.0, (bottom - top - stack.height) / 2), end - left, spec.align)


def _tall(page: Page, spec: BannerSpec, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    """A column above the product, the button below it."""
    left, top, right, bottom = page.safe
    width = right - left
    button = parts.button_size(page, copy.cta, style) if copy.cta else None
    if button:
        x = left + ((width - button.width) / 2 if spec.align == "center" else 0)
        parts.draw_button(page, button, x, bottom - button.height, style)
        bottom -= button.height + 0.12 * page.width
    floor = min(bottom, page.product[1] - 0.10 * page.width) if page.product else min(bottom, spec.words * page.height)
    setting = Setting(style.headline_font, 1.06, 0.0, 6, style.upper, language=style.language)
    size = int(max(0.062 * min(page.height, page.width * 1.6), SUBLINE_SMALLEST, page.smallest))
    words = set_at(copy.subline, Setting(style.text_font, 1.34, lines=5, language=style.language), size, width) if copy.subline else None
    mark = parts.mark_of(page, brand, style)
    room = (width, floor - top)
    stack = _stacked(
        page, spec, CopySpec(copy.headline, copy.subline), setting, style, room, words, mark if mark and mark.width <= width else None, 0.09
    )
    if stack:
        _write(page, stack, style, left, top, width, spec.align)


def _stacked(
    page: Page,
    spec: BannerSpec,
    copy: CopySpec,
    setting: Setting,
    style: StyleSpec,
    room: tuple[float, float],
    subline: Fitted | None,
    mark: parts.Mark | None,
    gap: float,
) -> Stack | None:
    """The column that fits: the sub-line goes before the headline gets small, then the mark, then the button. None when no word fits."""
    short = min(page.width, page.height)
    button = parts.button_size(page, copy.cta, style) if copy.cta else None
    largest = spec.headline * short * (0.66 if page.width > page.height else 1.0)
    good = max(0.115 * short, SMALLEST_WITH_BUTTON)
    blank = Fitted(style.text_font, 1, ("",), (0.0,), 0.0, 0.0, 0.0)
    for with_mark, with_subline, with_button in ((1, 1, 1), (0, 1, 1), (1, 0, 1), (0, 0, 1), (0, 0, 0)):
        stack = Stack(mark if with_mark else None, blank, subline if with_subline else None, button if with_button else None, gap * short)
        rest = room[1] - stack.height
        headline = fit(copy.headline, setting, room[0], rest, largest, good if with_button else SMALLEST) if rest > 0 else None
        if headline:
            stack.headline = headline
            if copy.subline and stack.subline is None:
                page.warn("room", "There was no room for the sub-line here.")
            if button and not with_button:
                page.warn("room", "There was no room for the button here.")
            return stack
    taken = _headline(page, copy.headline, setting, room[0], room[1], largest)
    return Stack(None, taken, None, None, gap * short) if taken else None


def _headline(page: Page, words: str, setting: Setting, width: float, height: float, largest: float) -> Fitted | None:
    """The headline as large as it goes, on more lines before it gets too small to read; None (and a note) when it would be."""
    fitted = fit(words, setting, width, height, largest, SMALLEST)
    if fitted is None:
        loose = Setting(setting.face, 1.0, 0.0, 8, setting.upper, setting.language)
        fitted = fit(words, loose, width, height, largest, SMALLEST) or fit(
            words, Setting(setting.face, 1.0, 0.0, 8, language=setting.language), width, height, largest, 7
        )
    if fitted is None:
        page.warn("room", "The headline is too long to be read at this size, so it was left out.")
    return fitted


def _write(page: Page, stack: Stack, style: StyleSpec, left: float, y: float, width: float, align: str) -> None:
    """Lay the column; the headline is written first, for it chooses the ink."""
    if align == "left" and is_rtl(" ".join(stack.headline.lines)):
        align = "right"
    after_mark = y + stack.mark.height + 1.2 * stack.gap if stack.mark else y
    page.write("headline", stack.headline, left, after_mark, width, align)
    if stack.mark:
        parts.draw_mark(page, stack.mark, left, y, width, align)
    y = after_mark + stack.headline.height
    if stack.subline:
        page.write("subline", stack.subline, left, y + stack.gap, width, align)
        y += stack.subline.height + stack.gap
    if stack.button:
        free = width - stack.button.width
        x = left + (free / 2 if align == "center" else free if align == "right" else 0)
        parts.draw_button(page, stack.button, x, y + 1.5 * stack.gap, style)
