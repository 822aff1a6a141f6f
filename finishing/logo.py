"""A brand's logo: taken in, put on the ground that it reads on, and made into the files that networks ask for as logos."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing import headers
from finishing.colour import contrast, luminance, parse_hex
from finishing.specs import BrandSpec, PlacementSpec

MAX_BYTES, MAX_SIDE, MIN_SIDE = 5_000_000, 6_000, 64
KEPT_SIDE = 2_000
READS = 3.0  # WCAG 2.2, 1.4.11: what graphics need
ROOM = 0.06  # kept free at each side of a logo's file
IN_CIRCLE = 0.68  # of the side: a logo that is cut to a circle stays whole inside
SOLID = 24  # alpha from which a pixel is seen
WHITE = (255, 255, 255)


class LogoRefused(ValueError):
    """A logo that cannot be taken. The message is one sentence for the marketer."""


@dataclass(frozen=True)
class Logo:
    """A logo that is safe to keep: a PNG with transparency, trimmed to what is seen."""

    data: bytes
    width: int
    height: int


def take_in(data: bytes) -> Logo:
    """Check an uploaded logo by its content and draw it anew, without the empty border. Raises LogoRefused.

    PNG and WebP with transparency are taken. A drawing on plain white is taken, too: its white becomes transparent.
    """
    kind = headers.kind(data)
    if kind == "SVG" or (kind == "text" and b"<svg" in data[:2000].lower()):
        raise LogoRefused("SVG files can carry programs, so they are not taken. Export the logo as a PNG with a transparent ground.")
    if len(data) > MAX_BYTES:
        raise LogoRefused(f"The logo has {len(data) / 1e6:.1f} MB. Save it as a PNG of at most 5 MB.")
    if kind not in ("PNG", "WEBP"):
        raise LogoRefused("A logo must be a PNG or WebP with a transparent ground. Export it as one of these.")
    header = headers.read(data, kind)
    if header is None:
        raise LogoRefused("The logo's file is damaged. Save it again and upload the new file.")
    if header.moving:
        raise LogoRefused("The logo moves. Upload one still picture of it.")
    if max(header.width, header.height) > MAX_SIDE:
        raise LogoRefused(f"The logo is {header.width:,} × {header.height:,}. At most {MAX_SIDE:,} pixels a side can be taken.")
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as opened:
            drawn = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LogoRefused("The logo's file is damaged. Save it again and upload the new file.") from error
    return _kept(_see_through(drawn))


def _see_through(drawn: Image.Image) -> Image.Image:
    """The logo with its transparency: its own, or that of the white it was drawn on. Raises LogoRefused where there is neither."""
    alpha = np.asarray(drawn.getchannel("A"))
    if (alpha < 128).mean() >= 0.02:
        return drawn
    pixels = np.asarray(drawn)[..., :3].astype(np.float32)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if (rim.min(axis=1) >= 250).mean() < 0.98:
        raise LogoRefused("The logo has no transparent ground. Export it as a PNG with one, so that it can stand on a picture.")
    # Unmixed from white: what is darker than white in any channel is logo, and keeps the colour that gave it.
    share = np.clip((255 - pixels.min(axis=2)) / 255, 0, 1)
    strongest = max(float(np.percentile(share[share > 0.05], 99)) if (share > 0.05).any() else 0.0, 0.05)
    cover = np.clip(share / strongest, 0, 1)
    colour = np.clip((pixels - 255 * (1 - cover[..., None])) / np.maximum(cover[..., None], 1e-3), 0, 255)
    return Image.fromarray(np.dstack([colour, cover * 255]).astype(np.uint8), "RGBA")


def _kept(drawn: Image.Image) -> Logo:
    box = drawn.getchannel("A").point(lambda value: 255 if value > SOLID else 0).getbbox()
    if box is None:
        raise LogoRefused("There is nothing to see in this logo: it is transparent throughout.")
    trimmed = drawn.crop(box)
    if max(trimmed.size) < MIN_SIDE:
        size = f"{trimmed.width} × {trimmed.height}"
        raise LogoRefused(f"What is seen of the logo is only {size} pixels. Upload one of at least {MIN_SIDE} pixels on its longer side.")
    trimmed.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    trimmed.save(buffer, "PNG", optimize=True)
    return Logo(buffer.getvalue(), trimmed.width, trimmed.height)


@lru_cache(maxsize=16)
def opened(data: bytes) -> Image.Image:
    """The pixels of a kept logo, without what is empty round it. Not to be drawn on: it is shared."""
    with Image.open(io.BytesIO(data)) as file:
        drawn = file.convert("RGBA")
    return drawn.crop(drawn.getchannel("A").point(lambda value: 255 if value > SOLID else 0).getbbox())


def versions(brand: BrandSpec) -> list[bytes]:
    """The versions that a brand has of its logo: the usual one first."""
    return [logo for logo in (brand.logo, brand.logo_on_dark) if logo]


def best_on(pixels: NDArray[np.uint8], drawn: list[Image.Image]) -> tuple[int, float]:
    """Which version of a logo reads best on a piece of a picture, and its contrast there; the usual one wherever it reads."""
    under = np.percentile(luminance(pixels), (10, 50, 90)) if pixels.size else np.array([1.0])
    found = [min(contrast(_seen(each), float(value)) for value in under) for each in drawn]
    if found[0] >= READS:
        return 0, found[0]
    best = max(range(len(drawn)), key=lambda index: found[index])
    return best, found[best]


def _seen(logo: Image.Image) -> float:
    """The WCAG luminance of what is seen of a logo: the mean of its solid pixels."""
    small = np.asarray(logo.resize((64, max(1, round(64 * logo.height / logo.width)))))
    solid = small[..., 3] > 128
    return float(luminance(small[..., :3][solid]).mean()) if solid.any() else 0.5


def made_for(brand: BrandSpec, placement: PlacementSpec) -> Image.Image | None:
    """The file that a logo placement asks for: the logo in the middle, on transparent where it reads on white, else on the brand's colour.

    A landscape placement takes the logo as it is wide; one that is shown in a circle keeps it inside that. None without a logo.
    """
    found = versions(brand)
    if not found:
        return None
    width, height = placement.size
    drawn = [opened(data) for data in found]
    ground = _ground(brand, drawn[0])
    chosen = 0
    if ground is not None:
        patch = np.full((1, 1, 3), ground, np.uint8)
        chosen, _ = best_on(patch, drawn)
    logo = drawn[chosen]
    room = (IN_CIRCLE * width, IN_CIRCLE * height) if placement.rule("circle") else ((1 - 2 * ROOM) * width, (1 - 2 * ROOM) * height)
    scale = min(room[0] / logo.width, room[1] / logo.height)
    if placement.rule("circle"):  # the corners of a wide logo must be inside, too
        scale = min(scale, 0.92 * min(width, height) / float(np.hypot(logo.width, logo.height)))
    size = max(1, round(logo.width * scale)), max(1, round(logo.height * scale))
    canvas = Image.new("RGBA", (width, height), (*ground, 255) if ground is not None else (*WHITE, 0))
    canvas.alpha_composite(logo.resize(size, Image.Resampling.LANCZOS), ((width - size[0]) // 2, (height - size[1]) // 2))
    return canvas


def _ground(brand: BrandSpec, logo: Image.Image) -> tuple[int, int, int] | None:
    """None where the usual logo reads on white: then the file is transparent. Else the brand's darkest colour, or near-black."""
    if contrast(_seen(logo), 1.0) >= READS:
        return None
    colours = [parse_hex(colour) for colour in brand.colours.values()]
    dark = min(colours, key=lambda colour: float(luminance(colour)), default=(17, 17, 17))
    return dark if contrast(_seen(logo), float(luminance(dark))) >= READS else (17, 17, 17)


def on_white(picture: Image.Image) -> Image.Image:
    """A transparent logo for places that take no transparency."""
    ground = Image.new("RGBA", picture.size, (*WHITE, 255))
    return Image.alpha_composite(ground, picture).convert("RGB")
