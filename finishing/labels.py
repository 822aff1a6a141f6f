"""The visible label that tells people how a picture was made: a sign of our own drawing and two words in the ad's language.

At least 3 % of the short side high, on a ground of its own, so that it reads on any picture, inside what the network leaves uncovered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from finishing import fonts
from finishing.colour import contrast, luminance
from finishing.fonts import FontError

Frame = tuple[float, float, float, float]
Rgb = tuple[int, int, int]

FACE = "inter-600"
SHARE, SMALLEST = 0.032, 10  # of the short side: height of the letters' line; and pixels
DARK: Rgb = (17, 17, 17)
LIGHT: Rgb = (255, 255, 255)
BRIGHT = 110  # mean of the colours from which on a picture gets a dark plate, below it a light one
LYING_OVER = ("", "product", "words")  # what a label may lie over, the better before the worse
FINE = 4  # drawn so much larger, then reduced

# What each kind of origin is called. Words that networks and the EU's own icons use, where there are some; the rest plain translations.
WORDS: dict[str, dict[str, str]] = {
    "generated": {
        "en": "AI-generated", "de": "KI-generiert", "fr": "Généré par IA", "es": "Generado por IA", "it": "Generato con IA",
        "pt": "Gerado por IA", "nl": "AI-gegenereerd", "pl": "Wygenerowane przez AI", "sv": "AI-genererad", "da": "AI-genereret",
        "fi": "Tekoälyn luoma", "nb": "KI-generert", "no": "KI-generert", "cs": "Vytvořeno AI", "sk": "Vytvorené AI",
        "hu": "MI által készített", "ro": "Generat cu IA", "bg": "Създадено с ИИ", "el": "Δημιουργία με ΤΝ", "hr": "Generirano UI-jem",
        "sl": "Ustvarjeno z UI", "et": "TI loodud", "lv": "MI radīts", "lt": "Sukurta DI", "ga": "Ginte ag IS", "mt": "Iġġenerat bl-IA",
        "ru": "Создано ИИ", "uk": "Створено ШІ", "tr": "YZ ile üretildi", "ar": "مولّد بالذكاء الاصطناعي", "he": "נוצר בבינה מלאכותית",
        "hi": "एआई-निर्मित", "th": "สร้างด้วย AI", "ja": "AI生成", "zh": "AI生成", "ko": "AI 생성", "id": "Dibuat dengan AI", "vi": "Tạo bởi AI",
    },
    "modified": {
        "en": "AI-modified", "de": "KI-bearbeitet", "fr": "Modifié par IA", "es": "Modificado con IA", "it": "Modificato con IA",
        "pt": "Modificado por IA", "nl": "AI-bewerkt", "pl": "Zmodyfikowane przez AI", "sv": "AI-redigerad", "da": "AI-redigeret",
        "fi": "Tekoälyn muokkaama", "nb": "KI-redigert", "no": "KI-redigert", "cs": "Upraveno AI", "sk": "Upravené AI",
        "hu": "MI által módosított", "ro": "Modificat cu IA", "bg": "Променено с ИИ", "el": "Τροποποίηση με ΤΝ", "hr": "Izmijenjeno UI-jem",
        "sl": "Spremenjeno z UI", "et": "TI muudetud", "lv": "MI pārveidots", "lt": "Pakeista DI", "ga": "Athraithe ag IS",
        "mt": "Immodifikat bl-IA", "ru": "Изменено ИИ", "uk": "Змінено ШІ", "tr": "YZ ile düzenlendi", "ar": "معدّل بالذكاء الاصطناعي",
        "he": "נערך בבינה מלאכותית", "hi": "एआई-संशोधित", "th": "ดัดแปลงด้วย AI", "ja": "AI加工", "zh": "AI修改", "ko": "AI 수정",
        "id": "Diubah dengan AI", "vi": "Chỉnh sửa bởi AI",
    },
    "computer": {
        "en": "Computer-made scene", "de": "Szene aus dem Computer", "fr": "Décor numérique", "es": "Escena digital", "it": "Scena digitale",
        "pt": "Cenário digital", "nl": "Digitale scène", "pl": "Scena cyfrowa", "sv": "Digital miljö", "da": "Digital scene",
        "fi": "Digitaalinen tausta", "nb": "Digital scene", "no": "Digital scene", "cs": "Digitální scéna", "sk": "Digitálna scéna",
        "hu": "Digitális jelenet", "ro": "Scenă digitală", "bg": "Дигитална сцена", "el": "Ψηφιακό σκηνικό", "hr": "Digitalna scena",
        "sl": "Digitalni prizor", "et": "Digitaalne stseen", "lv": "Digitāla aina", "lt": "Skaitmeninė scena", "ru": "Цифровая сцена",
        "uk": "Цифрова сцена", "tr": "Dijital sahne", "ar": "مشهد رقمي", "he": "סצנה דיגיטלית", "hi": "डिजिटल दृश्य", "th": "ฉากดิจิทัล",
        "ja": "デジタル背景", "zh": "数字场景", "ko": "디지털 배경", "id": "Latar digital", "vi": "Bối cảnh số",
    },
}  # fmt: skip
KINDS = {
    "trainedAlgorithmicMedia": "generated",
    "compositeWithTrainedAlgorithmicMedia": "modified",
    "compositeSynthetic": "computer",
    "algorithmicMedia": "computer",
}


@dataclass(frozen=True)
class Laid:
    """Where the label stands (pixels), what it says, its contrast; whether something else had to lie under it."""

    frame: Frame
    words: str
    contrast: float
    over: str = ""


def words_for(source_type: str, language: str) -> str:
    """What the label of a picture of this IPTC source type says, in the ad's language where a font here can write it, else in English."""
    told = WORDS[KINDS[source_type]]
    words = told.get(language.split("-")[0].lower(), told["en"])
    try:
        fonts.pick(FACE, words)
    except FontError:
        return told["en"]
    return words


def lay(
    picture: Image.Image, source_type: str, language: str, *, safe: Frame, taken: Sequence[Frame], product: Frame | None
) -> tuple[Image.Image, Laid]:
    """A copy of the picture with its label in a free place of the `safe` frame; `taken` are the frames of words, button and logo.

    Where no place is free, it lies over the product's edge rather than over words, and over words rather than nowhere.
    """
    words, kind = words_for(source_type, language), KINDS[source_type]
    size = max(SMALLEST, round(SHARE * min(picture.size)))
    frame, over = _place(_drawn(words, kind, size, LIGHT, DARK).size, safe, taken, product, gap=0.35 * size)
    if kind != "computer" and (over or frame[2] > safe[2] + 1):  # no room for words: the sign alone, which says AI
        alone = _place(_drawn("", kind, size, LIGHT, DARK).size, safe, taken, product, gap=0.35 * size)
        if LYING_OVER.index(alone[1]) < LYING_OVER.index(over) or frame[2] > safe[2] + 1:
            (frame, over), words = alone, ""
    under = picture.convert("RGB").crop(tuple(round(edge) for edge in frame)).resize((1, 1)).tobytes()  # type: ignore[arg-type] # four numbers
    ink, ground = (LIGHT, DARK) if sum(under) / 3 >= BRIGHT else (DARK, LIGHT)
    laid, label = picture.copy(), _drawn(words, kind, size, ink, ground)
    laid.paste(label, (round(frame[0]), round(frame[1])), label)
    return laid, Laid(frame, words or "AI", contrast(float(luminance(ink)), float(luminance(ground))), over)


def _place(size: tuple[int, int], safe: Frame, taken: Sequence[Frame], product: Frame | None, gap: float) -> tuple[Frame, str]:
    """The first place that is free of words and product, else of words, else the one with the least under it."""
    places = list(_places(size, safe))
    for over, others in (("", [*taken, *([product] if product else [])]), ("product", list(taken))):
        for place in places:
            if not any(_shared(place, other, gap) for other in others):
                return place, over
    return min(places, key=lambda place: sum(_shared(place, other, 0) for other in taken)), "words"


def _places(size: tuple[int, int], safe: Frame) -> Iterator[Frame]:
    """Where a label may stand: corners first (below before above), then along the sides, then anywhere."""
    left, top = safe[0], safe[1]
    right, bottom = max(left, safe[2] - size[0]), max(top, safe[3] - size[1])
    steps = [index / 12 for index in range(13)]
    corners = [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0)]
    sides = [(step, edge) for edge in (1.0, 0.0) for step in steps] + [(edge, step) for edge in (0.0, 1.0) for step in reversed(steps)]
    anywhere = [(across, down) for down in reversed(steps) for across in steps]
    for across, down in (*corners, *sides, *anywhere):
        x, y = left + across * (right - left), top + down * (bottom - top)
        yield (x, y, x + size[0], y + size[1])


def _shared(one: Frame, other: Frame, gap: float) -> float:
    """Pixels that two frames share, the second one grown by a gap."""
    across = min(one[2], other[2] + gap) - max(one[0], other[0] - gap)
    down = min(one[3], other[3] + gap) - max(one[1], other[1] - gap)
    return max(0.0, across) * max(0.0, down)


def _drawn(words: str, kind: str, size: int, ink: Rgb, ground: Rgb) -> Image.Image:
    """The label as RGBA, drawn fine and reduced: a plate with the sign and the words, in reading order."""
    big = size * FINE
    slug = fonts.pick(FACE, words) if words else FACE
    face = fonts.font(slug, round(0.72 * big))
    sign = 0 if kind == "computer" else big
    text = round(face.getlength(words)) if words else 0
    edge, between = round(0.32 * big), round(0.28 * big) if sign and text else 0
    width, height = sign + text + between + 2 * edge, round(1.5 * big)
    plate = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(plate)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=round(0.36 * big), fill=(*ground, 255))
    backwards = bool(words) and fonts.is_rtl(words)
    if sign:
        _draw_sign(pen, width - edge - sign if backwards else edge, (height - sign) // 2, sign, kind, ink, ground)
    if words:
        pen.text((edge if backwards else edge + sign + between, height / 2), words, font=face, fill=(*ink, 255), anchor="lm")
    return plate.resize((max(1, width // FINE), max(1, height // FINE)), Image.Resampling.LANCZOS)


def _draw_sign(pen: ImageDraw.ImageDraw, x: int, y: int, side: int, kind: str, ink: Rgb, ground: Rgb) -> None:
    """A square with AI in it: filled where all of the picture is a model's, an outline where part of it is a photograph."""
    line, radius = max(FINE, round(0.09 * side)), round(0.22 * side)
    whole = kind == "generated"
    pen.rounded_rectangle((x, y, x + side, y + side), radius=radius, fill=(*ink, 255) if whole else None, outline=(*ink, 255), width=line)
    face = fonts.font(FACE, round(0.58 * side))
    pen.text((x + side / 2, y + side / 2), "AI", font=face, fill=(*(ground if whole else ink), 255), anchor="mm")
