"""The words that decide something, found in a text: staff keep the list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from prompting.brief import clean
from prompting.models import Rule


def folded(text: str) -> str:
    """A text as it is compared: without the tricks of letters that look alike to a machine but not to us, in small letters."""
    return clean(unicodedata.normalize("NFKC", text)).casefold()


def found(effect: str, text: str) -> list[Rule]:
    """The enabled rules of this effect whose words stand in the text."""
    said = folded(text)
    return [rule for rule in Rule.objects.filter(effect=effect, enabled=True) if says(said, rule.words)]


def says(folded_text: str, words: str) -> bool:
    """Whether these words stand in a folded text, as words. A star at their end stands for any ending."""
    stem = folded(words.rstrip("*"))
    if not stem:
        return False
    before = r"(?<!\w)" if stem[0].isalnum() else ""
    after = "" if words.endswith("*") or not stem[-1].isalnum() else r"(?!\w)"
    return re.search(before + re.escape(stem) + after, folded_text) is not None


def unproven(text: str, brief: str) -> list[str]:
    """The claims in a text that the brief itself does not make."""
    given = folded(brief)
    return [rule.words for rule in found(Rule.Effect.CLAIM, text) if not says(given, rule.words)]


def reasons(rules: Iterable[Rule]) -> str:
    """Why, in sentences, each once."""
    return " ".join(dict.fromkeys(rule.reason for rule in rules))
