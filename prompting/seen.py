"""What can be said about a product's photograph without eyes: its colours, its shape, and the words in its file's name."""

from __future__ import annotations

import colorsys
import io
import re

from PIL import Image, ImageOps, UnidentifiedImageError

from prompting.writer import WriterError

# Where a colour's name begins on the wheel, in degrees.
HUES = (
    (0, "red"),
    (15, "orange"),
    (42, "yellow"),
    (70, "green"),
    (165, "turquoise"),
    (190, "blue"),
    (255, "violet"),
    (290, "pink"),
    (345, "red"),
)
NAMES = {
    "en": {},
    "de": {"red": "Rot", "orange": "Orange", "yellow": "Gelb", "green": "Grün", "turquoise": "Türkis", "blue": "Blau", "violet": "Violett",
           "pink": "Rosa", "brown": "Braun", "beige": "Beige", "black": "Schwarz", "grey": "Grau", "white": "Weiß"},
    "fr": {"red": "rouge", "orange": "orange", "yellow": "jaune", "green": "vert", "turquoise": "turquoise", "blue": "bleu", "violet": "violet",
           "pink": "rose", "brown": "brun", "beige": "beige", "black": "noir", "grey": "gris", "white": "blanc"},
    "es": {"red": "rojo", "orange": "naranja", "yellow": "amarillo", "green": "verde", "turquoise": "turquesa", "blue": "azul",
           "violet": "violeta", "pink": "rosa", "brown": "marrón", "beige": "beige", "black": "negro", "grey": "gris", "white": "blanco"},
    "it": {"red": "rosso", "orange": "arancione", "yellow": "giallo", "green": "verde", "turquoise": "turchese", "blue": "blu",
           "violet": "viola", "pink": "rosa", "brown": "marrone", "beige": "beige", "black": "nero", "grey": "grigio", "white": "bianco"},
}  # fmt: skip
# What cameras and people call every file.
EMPTY = frozenset(
    [
        "img",
        "image",
        "images",
        "photo",
        "photos",
        "pic",
        "picture",
        "dsc",
        "dscn",
        "dcim",
        "pxl",
        "screenshot",
        "scan",
        "final",
        "copy",
        "new",
        "old",
        "edit",
        "edited",
        "cutout",
        "product",
        "produkt",
        "foto",
        "bild",
        "kopie",
        "neu",
        "jpg",
        "jpeg",
        "png",
        "webp",
        "heic",
        "the",
        "and",
        "der",
        "die",
        "das",
        "untitled",
        "whatsapp",
        "at",
        "of",
    ]
)
LEAST_SHARE = 0.12  # of the product that a colour covers to be one of its colours


def colours(photo: bytes) -> list[str]:
    """The names of the product's main colours, the largest first. Raises WriterError for what is no picture."""
    try:
        with Image.open(io.BytesIO(photo)) as opened:
            opened.draft("RGB", (256, 256))
            small = ImageOps.exif_transpose(opened).convert("RGBA").resize((64, 64))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise WriterError("This photo cannot be read. Upload it again.", code="photo", permanent=True) from error
    ground = small.getpixel((0, 0))
    assert isinstance(ground, tuple)
    pixels = [small.getpixel((x, y)) for x in range(64) for y in range(64)]
    counts: dict[str, int] = {}
    for pixel in pixels:
        # The ground, as far as the corner tells, is not the product.
        assert isinstance(pixel, tuple)
        if pixel[3] > 128 and (ground[3] < 128 or sum(abs(pixel[part] - ground[part]) for part in range(3)) > 60):
            name = colour_name(*pixel[:3])
            counts[name] = counts.get(name, 0) + 1
    whole = sum(counts.values())
    return [name for name, count in sorted(counts.items(), key=lambda each: -each[1]) if count >= LEAST_SHARE * whole][:3]


def colour_name(red: int, green: int, blue: int) -> str:
    """What people call this colour, roughly."""
    hue, light, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    if light < 0.13:
        return "black"
    if light > 0.93:
        return "white"
    if saturation < 0.12:
        return "grey"
    name = [name for start, name in HUES if hue * 360 >= start][-1]
    if name in ("orange", "yellow", "red") and saturation < 0.45 and light > 0.65:
        return "beige"
    if name in ("orange", "red") and light < 0.38:
        return "brown"
    return name


def in_tongue(name: str, language: str) -> str | None:
    """A colour's name in this language; None where we do not know it."""
    names = NAMES.get(language.split("-")[0].lower())
    return None if names is None else names.get(name, name)


def words_of(file_name: str) -> list[str]:
    """What a file's name says about the product, without its ending, numbers and what cameras call files."""
    stem = re.sub(r"\.\w{2,5}$", "", file_name)
    words = re.findall(r"[^\W\d_]{3,20}", re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", stem))
    return list(dict.fromkeys(word.lower() for word in words if word.lower() not in EMPTY))[:6]
