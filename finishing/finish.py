"""One raw picture and some words become one file for one placement."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image

from finishing.arrange import arrange
from finishing.banner import MARGIN as BANNER_MARGIN
from finishing.banner import arrange_banner, banner_frame
from finishing.checks import look
from finishing.crop import Framed, framed
from finishing.encode import Encoded, FinishError, encode
from finishing.fidelity import measure
from finishing.fonts import FontError
from finishing.layout import LayoutSpec
from finishing.marking import Marking, mark
from finishing.page import Page
from finishing.shapes import is_banner, shape_for
from finishing.specs import BrandSpec, CopySpec, FinishedAd, Geometry, PlacementSpec, StyleSpec

__all__ = ["FinishError", "finish", "lay_out"]


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
    with Image.open(io.BytesIO(picture)) as opened:
        raw = opened.convert("RGB")
    frame = frame_for(raw, geometry, placement, layout)
    shape = _opened(cutout)
    page = lay_out(frame, placement, layout, copy, brand, style, outline=_solid(shape))
    finished = page.finished()

    def file(picture: Image.Image, max_bytes: int | None, xmp: bytes = b"") -> Encoded:
        return encode(picture, placement.file_types, max_bytes, xmp)

    marked = mark(finished, page, marks, file, placement.max_bytes) if marks else None
    encoded = marked.encoded if marked else file(finished, placement.max_bytes)
    return FinishedAd(
        data=encoded.data,
        type=encoded.type,
        extension=encoded.extension,
        width=finished.width,
        height=finished.height,
        pixels=hashlib.sha256(finished.tobytes()).hexdigest(),
        checks=(*look(page, encoded, placement), *(marked.checks if marked else ())),
        fidelity=_fidelity(np.asarray(finished), page, shape),
        marks=marked.facts if marked else {},
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
    page.outline = outline
    if placement.text_in_image == "forbidden":
        return page
    page.headline = copy.headline
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
    return measure(pixels, np.asarray(shape), (left, top, right, bottom))
