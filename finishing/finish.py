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
from finishing.encode import FinishError, encode
from finishing.fidelity import measure
from finishing.fonts import FontError
from finishing.layout import LayoutSpec
from finishing.marks import MarkSpec, xmp
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
    marks: MarkSpec | None = None,
) -> FinishedAd:
    """Crop, lay out, draw, encode and check one ad.

    `picture` is the encoded raw picture, `geometry` says where the product stands in it, `cutout` (RGBA file) is what the product is
    compared with. The `pixels` of the answer are the SHA-256 of the RGB bytes before encoding and marks. Raises FinishError.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        raw = opened.convert("RGB")
    frame = frame_for(raw, geometry, placement)
    page = lay_out(frame, placement, layout, copy, brand, style)
    finished = page.finished()
    encoded = encode(finished, placement.file_types, placement.max_bytes, xmp(marks) if marks else b"")
    return FinishedAd(
        data=encoded.data,
        type=encoded.type,
        extension=encoded.extension,
        width=finished.width,
        height=finished.height,
        pixels=hashlib.sha256(finished.tobytes()).hexdigest(),
        checks=look(page, encoded, placement),
        fidelity=_fidelity(np.asarray(finished), page, cutout),
    )


def frame_for(raw: Image.Image, geometry: Geometry, placement: PlacementSpec) -> Framed:
    """The raw picture in the placement's frame: cropped on purpose, or run on behind the words of a banner."""
    if is_banner(placement.width, placement.height):
        return banner_frame(raw, geometry, placement.size)
    return framed(raw, geometry, placement.size)


def lay_out(frame: Framed, placement: PlacementSpec, layout: LayoutSpec, copy: CopySpec, brand: BrandSpec, style: StyleSpec) -> Page:
    """Everything but drawing and encoding: where each block stands and how it reads. Raises FinishError for letters nobody can write."""
    banner = is_banner(placement.width, placement.height)
    margin = BANNER_MARGIN if banner else layout.margin
    page = Page.of(frame.pixels, frame.product, placement.safe_zone, margin, style.inks)
    if placement.text_in_image == "forbidden":
        return page
    try:
        if banner:
            arrange_banner(page, copy, style, brand)
        else:
            arrange(page, layout.arrangement(shape_for(placement.width, placement.height)), copy, style, brand)
    except FontError as error:
        raise FinishError(str(error)) from error
    return page


def _fidelity(pixels: np.ndarray, page: Page, cutout: bytes | None) -> dict[str, float]:
    """How well the product was kept, where there is a cut-out to compare with."""
    if cutout is None or page.product is None:
        return {}
    with Image.open(io.BytesIO(cutout)) as opened:
        shape = np.asarray(opened.convert("RGBA"))
    left, top, right, bottom = (round(value) for value in page.product)
    return measure(pixels, shape, (left, top, right, bottom))
