"""Banners: wider than 2.2:1 or narrower than 1:2.2. The scene runs on behind the words; the product stands whole at one end."""

from __future__ import annotations

from PIL import Image

from finishing import parts
from finishing.crop import Framed, continued, framed
from finishing.fit import Fitted, Setting, fit, set_at
from finishing.page import Page
from finishing.specs import Box, BrandSpec, CopySpec, Geometry, StyleSpec

FILL = 0.84  # the product's share of the banner's short side
SMALL_HEIGHT = 70  # pixels: below this a banner has one row, and no sub-line
MARGIN = 0.10  # of the short side
SMALLEST = 9  # pixels of a headline in the smallest banner


def banner_frame(picture: Image.Image, geometry: Geometry, size: tuple[int, int]) -> Framed:
    """The scene at a scale where the product fills most of the short side, at the right (wide) or in the lower middle (tall)."""
    product = geometry.product
    if product is None:
        return framed(picture, geometry, size)
    wide = size[0] > size[1]
    height = (product.bottom - product.top) * picture.height
    width = (product.right - product.left) * picture.width
    if wide:
        scale = min(FILL * size[1] / height, 0.34 * size[0] / width)
        share = max(width * scale / 2 / size[0] + MARGIN * size[1] / size[0], 0.11)
        at = (1 - share, 0.5)
    else:
        scale = min(0.80 * size[0] / width, 0.36 * size[1] / height)
        at = (0.5, 0.56)
    # The picture never ends inside the short side: there it has to cover the banner.
    least = size[1] / picture.height if wide else size[0] / picture.width
    scale = max(scale, least) if _whole(product, picture.size, size, max(scale, least)) else scale
    return continued(picture, product, size, at, scale)


def _whole(product: Box, picture: tuple[int, int], size: tuple[int, int], scale: float) -> bool:
    """Whether the product still fits the banner at this scale."""
    width = (product.right - product.left) * picture[0] * scale
    height = (product.bottom - product.top) * picture[1] * scale
    return width <= 0.9 * size[0] and height <= 0.94 * size[1]


def arrange_banner(page: Page, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    """Lay the words of a banner: a row or two columns when it is wide, a stack when it is tall."""
    if page.width > page.height:
        _wide(page, copy, style, brand)
    else:
        _tall(page, copy, style, brand)


def _wide(page: Page, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    left, top, right, bottom = page.safe
    pad = 0.16 * page.height
    end = min(right, page.product[0] - pad) if page.product else right
    button = _button(page, copy, style)
    one_row = page.height < SMALL_HEIGHT or page.width / page.height > 6
    if button and one_row:
        if button.width < 0.42 * (end - left):
            x, y = end - button.width, (page.height - button.height) / 2
            parts.draw_button(page, button, x, y, style)
            end = x - pad
        else:
            page.warn("room", "There was no room for the button here.")
        button = None
    setting = Setting(style.headline_font, 1.02, 0.0, 1 if page.height < 45 else 2 if one_row else 3, style.upper)
    room = (end - left, bottom - top)
    subline = None if one_row or not copy.subline else _subline(page, copy.subline, style, room[0])
    gap = 0.075 * page.height
    used = (subline.height + gap if subline else 0) + (button.height + 1.4 * gap if button else 0)
    headline = _headline(page, copy.headline, setting, room[0], room[1] - used)
    if subline and headline.size < 0.13 * page.height:
        headline = _headline(page, copy.headline, setting, room[0], room[1] - used + subline.height + gap)
        subline = None
    if copy.subline and subline is None and not one_row:
        page.warn("room", "There was no room for the sub-line here.")
    total = headline.height + (subline.height + gap if subline else 0) + (button.height + 1.4 * gap if button else 0)
    y = max(top, (page.height - total) / 2)
    page.write("headline", headline, left, y, room[0], "left")
    y += headline.height
    if subline:
        page.write("subline", subline, left, y + gap, room[0], "left")
        y += subline.height + gap
    if button:
        parts.draw_button(page, button, left, y + 1.4 * gap, style)
    if (
        not one_row
        and (mark := parts.mark_of(page, brand, style))
        and y + mark.height < bottom - (button.height + 2 * gap if button else 0)
    ):
        parts.place_mark(page, mark, "top-left", bottom)


def _tall(page: Page, copy: CopySpec, style: StyleSpec, brand: BrandSpec) -> None:
    left, top, right, bottom = page.safe
    width = right - left
    mark = parts.mark_of(page, brand, style)
    if mark and mark.width <= width:
        mark_y = top
        top += mark.height + 0.09 * page.width
    else:
        mark, mark_y = None, 0.0
    button = _button(page, copy, style)
    if button:
        parts.draw_button(page, button, left + (width - button.width) / 2, bottom - button.height, style)
        bottom -= button.height + 0.12 * page.width
    floor = min(bottom, page.product[1] - 0.08 * page.width) if page.product else bottom
    setting = Setting(style.headline_font, 1.06, 0.0, 6, style.upper)
    gap = 0.09 * page.width
    subline = _subline(page, copy.subline, style, width, lines=5) if copy.subline else None
    headline = _headline(page, copy.headline, setting, width, (floor - top) - (subline.height + gap if subline else 0))
    if subline and headline.size < 0.11 * page.width:
        subline = None
        page.warn("room", "There was no room for the sub-line here.")
        headline = _headline(page, copy.headline, setting, width, floor - top)
    page.write("headline", headline, left, top, width, "center")
    if subline:
        page.write("subline", subline, left, top + headline.height + gap, width, "center")
    if mark:
        parts.draw_mark(page, mark, left, mark_y, width, "center")


def _button(page: Page, copy: CopySpec, style: StyleSpec) -> parts.ButtonSize | None:
    return parts.button_size(page, copy.cta, style) if copy.cta else None


def _subline(page: Page, words: str, style: StyleSpec, width: float, lines: int = 2) -> Fitted | None:
    size = int(max(0.062 * min(page.height, page.width * 1.6), 11))
    return set_at(words, Setting(style.text_font, 1.32, lines=lines), size, width)


def _headline(page: Page, words: str, setting: Setting, width: float, height: float) -> Fitted:
    """The headline as large as it goes; more lines before it gets too small to read."""
    largest = 0.44 * page.height if page.width > page.height else 0.22 * page.width
    fitted = fit(words, setting, width, height, largest, SMALLEST)
    if fitted is None:
        loose = Setting(setting.face, 1.0, 0.0, 8, setting.upper)
        fitted = fit(words, loose, width, max(height, 0.5 * page.height), largest)
    if fitted is None:
        fitted = fit(words, Setting(setting.face, 1.0, 0.0, 8), page.width * 0.9, page.height * 0.9, largest)
    assert fitted is not None
    return fitted
