"""How words break into lines and how large they may be."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import budoux

from finishing.fonts import CASED, SHAPED_SCRIPTS, cap_height, line_length, pick, script_of

TRIAL = 100  # pixels: lines are tried at this size and scaled
DESCENT = 0.24  # how far letters hang below the baseline, in sizes
TALL_LEADING = 1.32  # scripts with marks above and below need room between their lines
CLOSING = "。、，！？)」』…ー々ゃゅょッっァィゥェォぁぃぅぇぉ"
STUMP = 0.36  # a line between others that is shorter than this share of the widest looks torn off
PAUSES = ",.;:—!?،。、，！？"
OPENING = "「『（《〈【“‘"
# Marks that hang out of a straight edge: their ink is too light to be part of it.
HANG_BEFORE, HANG_AFTER = "“„«‹‘‚\"'", "”»›’\"'.,-–…。、，"
HANG_SHARE = 0.65  # of a mark: all of it would look cut off
# Words all in capitals stand too close: small ones get the most air, large ones little (in sizes).
CAPS_AIR, CAPS_SMALL, CAPS_LARGE = (0.055, 0.012), 20, 110
LETTERS_WIN = 1.35  # how much larger a headline must be for breaking Chinese or Japanese inside a phrase


@dataclass(frozen=True)
class Setting:
    """How a text is to be set: face, leading and tracking in sizes, most lines, in capitals or not, the language."""

    face: str
    leading: float = 1.08
    tracking: float = 0.0
    lines: int = 4
    upper: bool = False
    language: str = ""


@dataclass(frozen=True)
class Fitted:
    """A text set at a size in pixels: lines from top to bottom with their widths. `height` goes from the first capital's top to the
    lowest descender; `hangs` says that quotation marks and stops stand outside the edge."""

    face: str
    size: int
    lines: tuple[str, ...]
    widths: tuple[float, ...]
    cap: float
    advance: float
    tracking: float
    hangs: bool = False

    @property
    def width(self) -> float:
        """Pixels of the widest line."""
        return max(self.widths)

    @property
    def height(self) -> float:
        """Pixels from the first line's capitals to the last line's descenders."""
        return self.cap + self.advance * (len(self.lines) - 1) + DESCENT * self.size


def line_width(text: str, face: str, size: int, tracking: float = 0.0) -> float:
    """Pixels that a line takes; `tracking` in pixels between letters."""
    return line_length(text, face, size) + tracking * max(0, len(text) - 1)


def tracking_for(text: str, wished: float, size: int = TRIAL) -> float:
    """In sizes: what was wished; words in capitals get some air of their own; joined scripts are never spaced out."""
    script = script_of(text)
    if script in SHAPED_SCRIPTS or wished:
        return 0.0 if script in SHAPED_SCRIPTS else wished
    cased = [letter for letter in text if letter.isalpha()]
    if script not in CASED or len(cased) < 2 or not all(letter.isupper() for letter in cased):
        return 0.0
    share = min(1.0, max(0.0, (size - CAPS_SMALL) / (CAPS_LARGE - CAPS_SMALL)))
    return CAPS_AIR[0] + (CAPS_AIR[1] - CAPS_AIR[0]) * share


def fit(text: str, setting: Setting, width: float, height: float, largest: float, smallest: float = 1.0) -> Fitted | None:
    """The largest setting of `text` inside width x height pixels, no larger than `largest`; None when even `smallest` does not fit.

    Few and even lines win over a little more size. Raises FontError when no face has the letters.
    """
    text = _as_set(text, setting)
    face = pick(setting.face, text, setting.language)
    best: tuple[float, Fitted] | None = None
    script = script_of(text, setting.language)
    for whole in (True, False) if script in ("Japanese", "Chinese") else (True,):
        # Between letters only where phrases would stay much smaller.
        found = _largest(text, setting, face, script, (width, height), largest, smallest, whole=whole)
        if found and (best is None or found[0] > LETTERS_WIN * best[0]):
            best = found
    return best[1] if best else None


def _largest(
    text: str, setting: Setting, face: str, script: str, room: tuple[float, float], largest: float, smallest: float, *, whole: bool
) -> tuple[float, Fitted] | None:
    """The best number of lines, and what it is worth."""
    best: tuple[float, Fitted] | None = None
    for number in range(1, setting.lines + 1):
        lines = balanced(text, number, face, tracking_for(text, setting.tracking), script, whole)
        if lines is None:
            break
        fitted = _sized(lines, face, text, setting, *room, largest)
        if fitted is None or fitted.size < smallest:
            continue
        value = fitted.size * _grace(fitted)
        if best is None or value > best[0]:
            best = (value, fitted)
    return best


def _grace(fitted: Fitted) -> float:
    """What a break is worth beside its size: even lines, few of them, each a phrase of its own."""
    evenness = min(fitted.widths) / fitted.width
    phrases = all(line[-1] in PAUSES for line in fitted.lines[:-1])
    stump = any(width < STUMP * fitted.width for width in fitted.widths[1:-1])
    return (0.55 + 0.45 * evenness) * (1 - 0.04 * (len(fitted.lines) - 1)) * (1.06 if phrases else 1.0) * (0.8 if stump else 1.0)


def set_at(text: str, setting: Setting, size: int, width: float) -> Fitted | None:
    """The text at one size, in as few even lines as fit the width; None when it needs more lines than it may have."""
    text = _as_set(text, setting)
    face = pick(setting.face, text, setting.language)
    script = script_of(text, setting.language)
    for whole in (True, False) if script in ("Japanese", "Chinese") else (True,):
        for number in range(1, setting.lines + 1):
            lines = balanced(text, number, face, tracking_for(text, setting.tracking, size), script, whole)
            if lines and (fitted := _measured(lines, face, text, setting, size)).width <= width:
                return fitted
    return None


def hanging(line: str, face: str, size: int, align: str) -> float:
    """How far a line is to be moved (pixels, to the left where negative) so that its marks hang out of the edge, or do not count in the middle."""
    before = HANG_SHARE * line_length(line[0], face, size) if len(line) > 1 and line[0] in HANG_BEFORE else 0.0
    after = HANG_SHARE * line_length(line[-1], face, size) if len(line) > 1 and line[-1] in HANG_AFTER else 0.0
    if align == "center":
        return (after - before) / 2
    return after if align == "right" else -before


def capitals(text: str, language: str = "") -> str:
    """The text in capitals as its language writes them: Turkish keeps the dot of i, Greek drops its accents."""
    if language[:2] in ("tr", "az"):
        text = text.replace("i", "İ").replace("ı", "I")
    upper = text.upper()
    if script_of(upper) != "Greek":
        return upper
    parted = unicodedata.normalize("NFD", upper)
    return unicodedata.normalize("NFC", parted.replace("\u0301", ""))


def _as_set(text: str, setting: Setting) -> str:
    """The text in composed letters (an accent typed apart would be spaced apart), in capitals where the setting says so."""
    text = unicodedata.normalize("NFC", text)
    return capitals(text, setting.language) if setting.upper else text


def _sized(lines: tuple[str, ...], face: str, text: str, setting: Setting, width: float, height: float, largest: float) -> Fitted | None:
    trial = _measured(lines, face, text, setting, TRIAL)
    size = int(min(width / trial.width, height / trial.height) * TRIAL)
    size = min(size, int(largest))
    # Rounded glyph positions can make a line a pixel wider than its scaled trial.
    while size >= 1:
        fitted = _measured(lines, face, text, setting, size)
        if fitted.width <= width and fitted.height <= height:
            return fitted
        size -= 1
    return None


def _measured(lines: tuple[str, ...], face: str, text: str, setting: Setting, size: int) -> Fitted:
    tracking = tracking_for(text, setting.tracking, size) * size
    leading = setting.leading if script_of(text) in CASED else max(setting.leading, TALL_LEADING)
    widths = tuple(line_width(line, face, size, tracking) for line in lines)
    return Fitted(face, size, lines, widths, cap_height(face, size), leading * size, tracking)


@lru_cache(maxsize=4)
def _phrases(script: str) -> budoux.Parser:
    """What knows where the phrases of a script without spaces end."""
    if script == "Thai":
        return budoux.load_default_thai_parser()
    return budoux.load_default_japanese_parser() if script == "Japanese" else budoux.load_default_simplified_chinese_parser()


@lru_cache(maxsize=256)
def units(text: str, script: str = "", whole: bool = True) -> tuple[str, ...]:
    """What may stand on a line of its own, each with the space behind it.

    Words; phrases where a script knows no spaces (its letters when not `whole`), closing marks never first and opening ones never last
    on a line. A zero-width space is a place to break, a no-break space none.
    """
    script = script or script_of(text)
    pieces: list[str] = []
    for word in re.findall(r"[^ \t\n\r\u200b\u3000]+[ \t\n\r\u200b\u3000]*", text):
        told = " " if word[-1] in " \t\n\r\u3000" else ""
        word = word.rstrip(" \t\n\r\u200b\u3000")
        parts: list[str] = [word]
        if script in ("Japanese", "Chinese", "Thai") and script_of(word, "ja" if script == "Japanese" else "") == script:
            parts = _phrases(script).parse(word) if whole or script == "Thai" else _letters(word)
        for part in parts:
            joins = pieces and not pieces[-1].endswith(" ") and (part[0] in CLOSING or pieces[-1][-1] in OPENING)
            if joins and len(parts) > 1:
                pieces[-1] += part
            else:
                pieces.append(part)
        pieces[-1] += told
    return tuple(pieces)


def _letters(word: str) -> list[str]:
    """Single letters, but for runs of Latin letters and figures, which stay together."""
    return re.findall(r"[A-Za-z0-9À-ɏ%.,]+|.", word)


@lru_cache(maxsize=512)
def balanced(text: str, number: int, face: str, tracking: float, script: str = "", whole: bool = True) -> tuple[str, ...] | None:
    """The most even break of `text` into `number` lines, or None when there are fewer words.

    Dynamic programming over squared differences from the mean width, as in Knuth and Plass, "Breaking paragraphs into lines"; a break
    after a pause is rewarded, a last line with one short word is punished.
    """
    words = units(text, script, whole)
    count = len(words)
    if number > count:
        return None
    if number == 1:
        return ("".join(words).strip(),)
    spaced = any(word.endswith(" ") for word in words)
    widths = {
        (start, end): line_width("".join(words[start:end]).rstrip(), face, TRIAL, tracking * TRIAL)
        for start in range(count)
        for end in range(start + 1, count + 1)
    }
    ideal = widths[0, count] / number
    costs: dict[tuple[int, int], tuple[float, int]] = {(0, 0): (0.0, 0)}
    for line in range(1, number + 1):
        for end in range(line, count + 1):
            options = [
                (costs[line - 1, start][0] + _cost(words, start, end, widths[start, end], ideal, last=line == number, spaced=spaced), start)
                for start in range(line - 1, end)
                if (line - 1, start) in costs
            ]
            costs[line, end] = min(options)
    lines: list[str] = []
    end = count
    for line in range(number, 0, -1):
        start = costs[line, end][1]
        lines.append("".join(words[start:end]).rstrip())
        end = start
    return tuple(reversed(lines))


def _cost(words: tuple[str, ...], start: int, end: int, width: float, ideal: float, *, last: bool, spaced: bool) -> float:
    ending = words[end - 1].rstrip()
    cost = (width - ideal) ** 2 * (0.8 if last else 1.0)
    if not last and ending[-1] in PAUSES:
        cost -= (0.45 * ideal) ** 2
    if last and end - start == 1 and width < 0.45 * ideal:
        cost += (0.45 * ideal) ** 2
    if end < len(words) and spaced and _leans_on(ending, words[end].rstrip()):
        cost += (0.30 * ideal) ** 2
    return cost


def _leans_on(word: str, following: str) -> bool:
    """Whether a line should not end between two words: after a lone letter ("a", "в", "η") or between a number and its unit."""
    return (len(word) == 1 and word.isalpha()) or (word[-1].isdigit() and following[0].isalpha() and len(following) <= 4)
