"""How words break into lines and how large they may be."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from finishing.fonts import SHAPED_SCRIPTS, cap_height, line_length, pick, script_of

TRIAL = 100  # pixels: lines are tried at this size and scaled
DESCENT = 0.24  # how far letters hang below the baseline, in sizes
TALL_LEADING = 1.32  # scripts with marks above and below need room between their lines
CLOSING = "。、，！？)」』…ー々ゃゅょッっァィゥェォぁぃぅぇぉ"
STUMP = 0.36  # a line between others that is shorter than this share of the widest looks torn off
PAUSES = ",.;:—!?،。、"


@dataclass(frozen=True)
class Setting:
    """How a text is to be set: face, leading and tracking in sizes, most lines, in capitals or not."""

    face: str
    leading: float = 1.08
    tracking: float = 0.0
    lines: int = 4
    upper: bool = False


@dataclass(frozen=True)
class Fitted:
    """A text set at a size in pixels: lines from top to bottom with their widths. `height` goes from the first capital's top to the
    lowest descender."""

    face: str
    size: int
    lines: tuple[str, ...]
    widths: tuple[float, ...]
    cap: float
    advance: float
    tracking: float

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


def tracking_for(text: str, wished: float) -> float:
    """Joined scripts are never spaced out."""
    return 0.0 if script_of(text) in SHAPED_SCRIPTS else wished


def fit(text: str, setting: Setting, width: float, height: float, largest: float, smallest: float = 1.0) -> Fitted | None:
    """The largest setting of `text` inside width x height pixels, no larger than `largest`; None when even `smallest` does not fit.

    Few and even lines win over a little more size. Raises FontError when no face has the letters.
    """
    text = _as_set(text, setting)
    face = pick(setting.face, text)
    best: tuple[float, Fitted] | None = None
    for number in range(1, setting.lines + 1):
        lines = balanced(text, number, face, tracking_for(text, setting.tracking))
        if lines is None:
            continue
        fitted = _sized(lines, face, text, setting, width, height, largest)
        if fitted is None or fitted.size < smallest:
            continue
        value = fitted.size * _grace(fitted)
        if best is None or value > best[0]:
            best = (value, fitted)
    return best[1] if best else None


def _grace(fitted: Fitted) -> float:
    """What a break is worth beside its size: even lines, few of them, each a phrase of its own."""
    evenness = min(fitted.widths) / fitted.width
    phrases = all(line[-1] in PAUSES for line in fitted.lines[:-1])
    stump = any(width < STUMP * fitted.width for width in fitted.widths[1:-1])
    return (0.55 + 0.45 * evenness) * (1 - 0.04 * (len(fitted.lines) - 1)) * (1.06 if phrases else 1.0) * (0.8 if stump else 1.0)


def set_at(text: str, setting: Setting, size: int, width: float) -> Fitted | None:
    """The text at one size, in as few even lines as fit the width; None when it needs more lines than it may have."""
    text = _as_set(text, setting)
    face = pick(setting.face, text)
    for number in range(1, setting.lines + 1):
        lines = balanced(text, number, face, tracking_for(text, setting.tracking))
        if lines and (fitted := _measured(lines, face, text, setting, size)).width <= width:
            return fitted
    return None


def _as_set(text: str, setting: Setting) -> str:
    """The text in composed letters (an accent typed apart would be spaced apart), in capitals where the setting says so."""
    text = unicodedata.normalize("NFC", text)
    return text.upper() if setting.upper else text


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
    tracking = tracking_for(text, setting.tracking) * size
    leading = setting.leading if script_of(text) in ("Latin", "Greek", "Cyrillic") else max(setting.leading, TALL_LEADING)
    widths = tuple(line_width(line, face, size, tracking) for line in lines)
    return Fitted(face, size, lines, widths, cap_height(face, size), leading * size, tracking)


def units(text: str) -> tuple[list[str], str]:
    """What may stand on a line of its own, and what joins it: words and spaces; single letters where a script knows no spaces."""
    if script_of(text) in ("Japanese", "Chinese") and " " not in text:
        parts: list[str] = []
        for letter in text:
            if parts and letter in CLOSING:
                parts[-1] += letter
            else:
                parts.append(letter)
        return parts, ""
    return text.split(), " "


@lru_cache(maxsize=512)
def balanced(text: str, number: int, face: str, tracking: float) -> tuple[str, ...] | None:
    """The most even break of `text` into `number` lines, or None when there are fewer words.

    Dynamic programming over squared differences from the mean width, as in Knuth and Plass, "Breaking paragraphs into lines"; a break
    after a pause is rewarded, a last line with one short word is punished.
    """
    words, joint = units(text)
    count = len(words)
    if number > count:
        return None
    if number == 1:
        return (joint.join(words),)
    widths = {
        (start, end): line_width(joint.join(words[start:end]), face, TRIAL, tracking * TRIAL)
        for start in range(count)
        for end in range(start + 1, count + 1)
    }
    ideal = widths[0, count] / number
    costs: dict[tuple[int, int], tuple[float, int]] = {(0, 0): (0.0, 0)}
    for line in range(1, number + 1):
        for end in range(line, count + 1):
            options = [
                (costs[line - 1, start][0] + _cost(words, start, end, widths[start, end], ideal, last=line == number, joint=joint), start)
                for start in range(line - 1, end)
                if (line - 1, start) in costs
            ]
            costs[line, end] = min(options)
    lines: list[str] = []
    end = count
    for line in range(number, 0, -1):
        start = costs[line, end][1]
        lines.append(joint.join(words[start:end]))
        end = start
    return tuple(reversed(lines))


def _cost(words: list[str], start: int, end: int, width: float, ideal: float, *, last: bool, joint: str) -> float:
    cost = (width - ideal) ** 2 * (0.8 if last else 1.0)
    if not last and words[end - 1][-1] in PAUSES:
        cost -= (0.45 * ideal) ** 2
    if last and end - start == 1 and joint and width < 0.45 * ideal:
        cost += (0.35 * ideal) ** 2
    if end < len(words) and joint and _leans_on(words[end - 1], words[end]):
        cost += (0.30 * ideal) ** 2
    return cost


def _leans_on(word: str, following: str) -> bool:
    """Whether a line should not end between two words: after a lone letter ("a", "в", "η") or between a number and its unit."""
    return (len(word) == 1 and word.isalpha()) or (word[-1].isdigit() and following[0].isalpha() and len(following) <= 4)
