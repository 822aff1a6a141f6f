"""What a layout would look like before it is a version: sample words in several languages on a stand-in for a product."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from finishing.finish import frame_for, lay_out
from finishing.layout import LayoutSpec
from finishing.shapes import SHAPES, Shape, shape_for
from finishing.specs import Box, BrandSpec, CopySpec, Geometry, PlacementSpec, SafeZone, StyleSpec

SIDE = 480  # pixels of a preview's longer side
GROUND, BODY, SHADOW = "#e7d9c6", "#8f5a3c", "#b39f86"
STYLE = StyleSpec("playfair-600", "montserrat-500", "montserrat-600", ("#33261a", "#ffffff"), "#33261a")
BRAND = BrandSpec("Miravel", "Miravel")
# A usual ad, one whose words are long, one from right to left, one without spaces.
SAMPLES = (
    CopySpec("Wake up to glow", "Radiance serum with rosehip", "Shop now", "−20%", "Offer ends 31 May.", "en"),
    CopySpec("Überraschend leichte Feuchtigkeitspflege", "Gesichtsserum mit Hagebutte und Vitamin C", "Jetzt entdecken", language="de"),
    CopySpec("استيقظي على إشراقة", "سيروم الإشراق بفيتامين سي", "تسوقي الآن", "خصم 20%", language="ar"),
    CopySpec("朝の光を、ボトルに", "ローズヒップの美容液", "今すぐ購入", language="ja"),
)
BANNERS = ((728, 90), (320, 50), (300, 600))
STORY = SafeZone(top=0.14, bottom=0.2)


@dataclass(frozen=True)
class Preview:
    """One picture of a preview, as the address of its own data, and what the checks would say of it."""

    title: str
    address: str
    notes: tuple[str, ...]


def previews(layout: LayoutSpec) -> list[Preview]:
    """Every shape with the first sample, the first shapes in the other languages, and three banners."""
    whole = [(SAMPLES[0], shape.size) for shape in SHAPES.values()]
    others = [(copy, SHAPES[shape].size) for copy in SAMPLES[1:] for shape in ("1:1", "4:5", "9:16")]
    banners = [(SAMPLES[0], size) for size in BANNERS]
    return [_preview(layout, copy, size) for copy, size in (*whole, *others, *banners)]


def _preview(layout: LayoutSpec, copy: CopySpec, size: tuple[int, int]) -> Preview:
    shape = shape_for(*size)
    # Banners are made at their own size: that is what can be read or not.
    small = size if size in BANNERS else (round(size[0] * SIDE / max(size)) * 2, round(size[1] * SIDE / max(size)) * 2)
    place = PlacementSpec(
        "preview", "Preview", "preview", *small, safe_zone=STORY if shape.id == "9:16" and size not in BANNERS else SafeZone()
    )
    picture, geometry = _stand_in(layout, shape)
    page = lay_out(frame_for(picture, geometry, place, layout), place, layout, copy, BRAND, STYLE)
    drawn = page.finished()
    drawn.thumbnail((SIDE, SIDE) if size not in BANNERS else (728, 600))
    buffer = io.BytesIO()
    drawn.save(buffer, "WEBP", quality=80)
    address = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    title = f"{size[0]} × {size[1]}" if size in BANNERS else shape.id
    return Preview(f"{title}, {copy.language}", address, tuple(note.detail for note in page.notes))


def _stand_in(layout: LayoutSpec, shape: Shape) -> tuple[Image.Image, Geometry]:
    """A plain ground with a bottle's outline and its shadow where the layout wants the product."""
    width, height = shape.width // 2, shape.height // 2
    picture, stage = Image.new("RGB", (width, height), GROUND), layout.stage(shape)
    if stage is None:
        return picture, Geometry()
    half = min(stage.width * width, 0.5 * stage.height * height) / 2
    left, right = stage.x * width - half, stage.x * width + half
    top, bottom = (stage.ground - stage.height) * height, stage.ground * height
    draw = ImageDraw.Draw(picture)
    draw.ellipse((left - 0.2 * half, bottom - 0.12 * half, right + 0.5 * half, bottom + 0.18 * half), fill=SHADOW)
    picture = picture.filter(ImageFilter.GaussianBlur(0.05 * half + 1))
    draw, neck = ImageDraw.Draw(picture), 0.3 * (bottom - top)
    draw.rounded_rectangle((left, top + neck, right, bottom), radius=0.2 * half, fill=BODY)
    draw.rectangle((left + 0.6 * half, top, right - 0.6 * half, top + neck), fill=BODY)
    return picture, Geometry(Box(left / width, top / height, right / width, bottom / height), stage.ground)
