"""One raw picture and some words become one file for one placement."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from finishing import logo, reading
from finishing.arrange import arrange
from finishing.banner import MARGIN as BANNER_MARGIN
from finishing.banner import arrange_banner, banner_frame
from finishing.checks import look, of_file
from finishing.crop import Framed, framed
from finishing.encode import Encoded, FinishError, encode
from finishing.fidelity import measure
from finishing.fonts import FontError
from finishing.layout import LayoutSpec
from finishing.marking import Marking, mark
from finishing.overlay import card_of
from finishing.page import Page
from finishing.pixels import rgb_of
from finishing.policy import bordered, style_for, words_for
from finishing.shapes import is_banner, shape_for
from finishing.specs import BrandSpec, CopySpec, FinishedAd, Geometry, PlacementSpec, StyleSpec

__all__ = ["FinishError", "finish", "finish_logo", "lay_out"]


def finish(
    *,
    picture: bytes,
    geometry: Geometry,
    placement: PlacementSpec,
    layout: LayoutSpec,
    copy: CopySpec,
    brand: BrandSpec,
    style: StyleSpec,
    cutout: bytes | None = None,
    marks: Marking | None = None,
) -> FinishedAd:
    """Crop, lay out, draw, encode and check one ad.

    `picture` is the encoded raw picture, `geometry` says where the product stands in it, `cutout` (RGBA file) is what the product is
    compared with. The `pixels` of the answer are the SHA-256 of the RGB bytes before encoding and marks. Raises FinishError.
    """
    card = card_of(placement)
    laid = card.placement if card else placement
    frame = frame_for(rgb_of(picture), geometry, laid, layout)
    shape = _opened(cutout)
    page = lay_out(frame, laid, layout, copy, brand, style, outline=_solid(shape))
    finished = bordered(page.finished(), laid)

    def file(picture: Image.Image, max_bytes: int | None, xmp: bytes = b"") -> Encoded:
        whole = card.on_canvas(picture, placement.size) if card else picture
        return encode(whole, placement.file_types, max_bytes, xmp)

    marked = mark(finished, page, marks, file, placement.max_bytes) if marks else None
    encoded = marked.encoded if marked else file(finished, placement.max_bytes)
    return FinishedAd(
        data=encoded.data,
        type=encoded.type,
        extension=encoded.extension,
        width=placement.size[0] if card else finished.width,
        height=placement.size[1] if card else finished.height,
        pixels=hashlib.sha256(finished.tobytes()).hexdigest(),
        checks=(*look(page, encoded, laid, copy), *(marked.checks if marked else ())),
        fidelity=_fidelity(np.asarray(finished), page, shape),
        marks=marked.facts if marked else {},
    )


def finish_logo(brand: BrandSpec, placement: PlacementSpec) -> FinishedAd:
    """The file that a logo placement asks for, from the brand's logo. Raises FinishError when the brand has none.

    It bears no marks: nothing in it was painted, it is the brand's own logo.
    """
    drawn = logo.made_for(brand, placement)
    if drawn is None:
        raise FinishError("The brand has no logo yet. Add one to the brand; then this file can be made.")
    types = dict.fromkeys(("png", *placement.file_types)) if "png" in placement.file_types else dict.fromkeys(placement.file_types)
    if "png" not in types:
        drawn = logo.on_white(drawn)
    encoded = encode(drawn, tuple(types), placement.max_bytes)
    return FinishedAd(
        data=encoded.data,
        type=encoded.type,
        extension=encoded.extension,
        width=drawn.width,
        height=drawn.height,
        pixels=hashlib.sha256(drawn.convert("RGBA").tobytes()).hexdigest(),
        checks=of_file(drawn.size, encoded, placement),
    )


def frame_for(raw: Image.Image, geometry: Geometry, placement: PlacementSpec, layout: LayoutSpec) -> Framed:
    """The raw picture in the placement's frame: cropped on purpose, or run on behind the words of a banner."""
    if is_banner(placement.width, placement.height):
        return banner_frame(raw, geometry, placement.size, layout.banner(placement.width, placement.height))
    return framed(raw, geometry, placement.size)


def lay_out(
    frame: Framed,
    placement: PlacementSpec,
    layout: LayoutSpec,
    copy: CopySpec,
    brand: BrandSpec,
    style: StyleSpec,
    *,
    outline: Image.Image | None = None,
) -> Page:
    """Everything but drawing and encoding: where each block stands and how it reads. Raises FinishError for letters nobody can write.

    `outline` is the alpha of the product's cut-out, cropped to its solid part.
    """
    banner = is_banner(placement.width, placement.height)
    margin = BANNER_MARGIN if banner else layout.margin
    page = Page.of(frame.pixels, frame.product, placement.safe_zone, margin, style.inks)
    page.outline, page.smallest = outline, placement.rule("letters") or 0
    copy, style = words_for(copy, placement), style_for(style, placement)
    if placement.text_in_image == "forbidden":
        return page
    if placement.rule("logo") and not (brand.logo or brand.wordmark):
        brand = replace(brand, wordmark=brand.name)
    page.headline = copy.headline
    style = replace(style, language=copy.language)
    try:
        if banner:
            arrange_banner(page, layout.banner(placement.width, placement.height), copy, style, brand)
        else:
            arrange(page, layout.arrangement(shape_for(placement.width, placement.height)), copy, style, brand)
    except FontError as error:
        raise FinishError(str(error)) from error
    return page


def _opened(cutout: bytes | None) -> Image.Image | None:
    if cutout is None:
        return None
    with Image.open(io.BytesIO(cutout)) as opened:
        return opened.convert("RGBA")


def _solid(shape: Image.Image | None) -> Image.Image | None:
    """A cut-out's alpha, cropped to what is solid: that is what a product's box is drawn around."""
    if shape is None:
        return None
    alpha = shape.getchannel("A")
    return alpha.crop(alpha.point(lambda value: 255 if value > 127 else 0).getbbox())


def _fidelity(pixels: np.ndarray, page: Page, shape: Image.Image | None) -> dict[str, float]:
    """How well the product was kept, where there is a cut-out to compare with."""
    if shape is None or page.product is None:
        return {}
    left, top, right, bottom = (round(value) for value in page.product)
    box, cutout = (left, top, right, bottom), np.asarray(shape)
    measured = measure(pixels, cutout, box)
    read = reading.kept(pixels, cutout, box)
    return measured if read is None else {**measured, "label_read": read}
