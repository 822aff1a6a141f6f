"""What the marketer says: one ad's brief, checked once, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# Characters: what still can be set at a readable size in the smallest shape.
LIMITS = {
    "product": 80,
    "headline": 80,
    "subline": 140,
    "cta": 30,
    "badge": 24,
    "legal": 200,
    "audience": 300,
    "tone": 80,
    "language": 12,
    "avoid": 300,
}
KEYWORD_LIMIT, KEYWORDS_AT_MOST = 40, 20
# Control and bidirectional-override characters: invisible, and a way to smuggle text past a reader.
UNSEEN = {chr(code) for span in (range(32), range(0x7F, 0xA0), range(0x202A, 0x202F), range(0x2066, 0x206A)) for code in span}
UNSEEN |= {"\u200b", "\ufeff"}


class BriefError(ValueError):
    """A brief that cannot be used. `errors` maps a field to one sentence that says what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Brief:
    """The marketer's words for one order, cleaned and within limits. Build it with `Brief.read`."""

    headline: str
    product: str = ""
    subline: str = ""
    cta: str = ""
    badge: str = ""
    legal: str = ""
    audience: str = ""
    tone: str = ""
    language: str = "en"
    keywords: tuple[str, ...] = ()
    avoid: str = ""
    markets: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Brief:
        """Clean and check what a person typed. Raises BriefError with a sentence for each wrong field."""
        errors: dict[str, str] = {}
        known = {field.name for field in fields(cls)}
        for name in data:
            if name not in known:
                errors[str(name)] = f"A brief has no field '{name}'."
        texts = {name: _text(name, data.get(name), errors) for name in LIMITS}
        if not texts["headline"] and "headline" not in errors:
            errors["headline"] = "Write a headline: a few words that go on the picture."
        texts["language"] = texts["language"] or "en"
        keywords = _words("keywords", data.get("keywords"), errors)
        markets = _words("markets", data.get("markets"), errors)
        if errors:
            raise BriefError(errors)
        return cls(**texts, keywords=keywords, markets=markets)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Brief:
        """Back from a row, unchecked: what was accepted once stays accepted when limits change."""
        return cls(**{**data, "keywords": tuple(data.get("keywords", ())), "markets": tuple(data.get("markets", ()))})

    def as_data(self) -> dict[str, Any]:
        """As JSON for a row."""
        return {**asdict(self), "keywords": list(self.keywords), "markets": list(self.markets)}


def clean(text: str) -> str:
    """The text without unseen characters, its white space folded to single spaces."""
    return " ".join("".join(" " if letter in "\t\n\r" else letter for letter in text if letter in "\t\n\r" or letter not in UNSEEN).split())


def _text(name: str, value: object, errors: dict[str, str]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        errors[name] = f"The {name} must be text."
        return ""
    text = clean(value)
    if (over := len(text) - LIMITS[name]) > 0:
        errors[name] = f"The {name} is {over} characters too long. {LIMITS[name]} is the most that stays readable."
    return text


def _words(name: str, value: object, errors: dict[str, str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) for word in value):
        errors[name] = f"The {name} must be a list of words."
        return ()
    words = tuple(dict.fromkeys(word for word in map(clean, value) if word))
    if len(words) > KEYWORDS_AT_MOST or any(len(word) > KEYWORD_LIMIT for word in words):
        errors[name] = f"Give at most {KEYWORDS_AT_MOST} {name} of up to {KEYWORD_LIMIT} characters."
    return words
