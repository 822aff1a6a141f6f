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
SIDE, EDGE = 64, 9  # pixels that are looked at, and the distance between those on the edge
LEAST_SHARE = 0.12  # of the product that a colour covers to be one of its colours


def colours(photo: bytes) -> list[str]:
    """The names of the product's main colours, the largest first. Raises WriterError for what is no picture."""
    try:
        with Image.open(io.BytesIO(photo)) as opened:
            opened.draft("RGB", (256, 256))
            small = ImageOps.exif_transpose(opened).convert("RGBA").resize((SIDE, SIDE))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise WriterError("This photo cannot be read. Upload it again.", code="photo", permanent=True) from error
    pixels = [(x, y, *_pixel(small, x, y)) for x in range(SIDE) for y in range(SIDE)]
    # What touches the edge of the photo is the ground, the rest is the product, as far as one can tell without eyes.
    grounds = {each[2:] for each in pixels if each[0] % EDGE == 0 and each[1] % EDGE == 0 and {0, EDGE * 7} & set(each[:2])}
    counts: dict[str, int] = {}
    for _, _, red, green, blue, alpha in pixels:
        if alpha > 128 and all(_far((red, green, blue), ground) for ground in grounds):
            name = colour_name(red, green, blue)
            counts[name] = counts.get(name, 0) + 1
    whole = sum(counts.values())
    return [name for name, count in sorted(counts.items(), key=lambda each: -each[1]) if count >= LEAST_SHARE * whole][:3]


def _pixel(picture: Image.Image, x: int, y: int) -> tuple[int, int, int, int]:
    found = picture.getpixel((x, y))
    assert isinstance(found, tuple)
    red, green, blue, alpha = found
    return int(red), int(green), int(blue), int(alpha)


def _far(colour: tuple[int, int, int], ground: tuple[int, ...]) -> bool:
    """Whether a colour is not this piece of ground."""
    return ground[3] < 128 or sum(abs(one - other) for one, other in zip(colour, ground, strict=False)) > 60


def colour_name(red: int, green: int, blue: int) -> str:
    """What people call this colour, roughly."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.2:
        return "black"
    if saturation < 0.1:
        return "white" if value > 0.92 else "grey"
    name = [name for start, name in HUES if hue * 360 >= start][-1]
    if name in ("red", "orange", "yellow") and saturation < 0.35 and value > 0.65:
        return "beige"
    return "brown" if name in ("red", "orange") and value < 0.6 else name


def in_tongue(name: str, language: str) -> str | None:
    """A colour's name in this language; None where we do not know it."""
    names = NAMES.get(language.split("-")[0].lower())
    return None if names is None else names.get(name, name)


def words_of(file_name: str) -> list[str]:
    """What a file's name says about the product, without its ending, numbers and what cameras call files."""
    stem = re.sub(r"\.\w{2,5}$", "", file_name)
    words = re.findall(r"[^\W\d_]{3,20}", re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", stem))
    return list(dict.fromkeys(word.lower() for word in words if word.lower() not in EMPTY))[:6]
