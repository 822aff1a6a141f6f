"""The languages that ads are written in, and how to see that a text is not in the one it should be."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOSTLY = 0.6  # of a text's letters: names and brands may be in another script
SURE = 3  # words of another language, and none of the text's own, before we say so


@dataclass(frozen=True)
class Language:
    """A language: its English name, the scripts it is written in as Unicode names them, and words that stand in nearly every sentence."""

    name: str
    scripts: tuple[str, ...] = ("LATIN",)
    words: frozenset[str] = frozenset()
    right_to_left: bool = False


def _latin(name: str, words: str) -> Language:
    return Language(name, words=frozenset(words.split()))


LANGUAGES = {
    "en": _latin("English", "the and with for your from that this of on in is are you it into"),
    "de": _latin("German", "der die das und mit für ein eine einer auf im ist dein deine nicht von zum zur sich"),
    "fr": _latin("French", "le la les et avec pour une des du sur dans est votre vos qui au"),
    "es": _latin("Spanish", "el la los las y con para una del en es tu su por que más"),
    "it": _latin("Italian", "il lo gli e con per una della nel è tuo tua che di sul più"),
    "pt": _latin("Portuguese", "o os as e com para uma do da no na é seu sua que em não"),
    "nl": _latin("Dutch", "de het een en met voor van op in is jouw je niet uit zich"),
    "pl": _latin("Polish", "i z na w do się nie jest dla twój twoja który od po"),
    "sv": _latin("Swedish", "och med för en ett på i är din ditt som av till den"),
    "da": _latin("Danish", "og med for en et på i er din dit som af til den"),
    "nb": _latin("Norwegian", "og med for en et på i er din ditt som av til den"),
    "fi": _latin("Finnish", "ja on ei se että joka kun sinun kanssa sekä"),
    "cs": _latin("Czech", "a s na v do se je pro tvůj který od po ve"),
    "hu": _latin("Hungarian", "a az és egy hogy nem van is meg ki"),
    "ro": _latin("Romanian", "și cu pentru o un la din este tău care în nu"),
    "tr": _latin("Turkish", "ve bir ile için bu da de çok senin olan"),
    "id": _latin("Indonesian", "dan dengan untuk yang di ini dari anda ke"),
    "vi": _latin("Vietnamese", "và với cho của một là các trong những bạn"),
    "ru": Language("Russian", ("CYRILLIC",)),
    "uk": Language("Ukrainian", ("CYRILLIC",)),
    "el": Language("Greek", ("GREEK",)),
    "ar": Language("Arabic", ("ARABIC",), right_to_left=True),
    "he": Language("Hebrew", ("HEBREW",), right_to_left=True),
    "fa": Language("Persian", ("ARABIC",), right_to_left=True),
    "hi": Language("Hindi", ("DEVANAGARI",)),
    "th": Language("Thai", ("THAI",)),
    "ja": Language("Japanese", ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")),
    "zh": Language("Chinese", ("CJK",)),
    "ko": Language("Korean", ("HANGUL", "CJK")),
}


def language_of(tag: str) -> Language | None:
    """The language of a tag such as "de-AT"; None for one we do not know."""
    return LANGUAGES.get(tag.replace("_", "-").split("-")[0].lower())


def right_to_left(tag: str) -> bool:
    """Whether this language is written from right to left."""
    known = language_of(tag)
    return known is not None and known.right_to_left


def named(tag: str) -> str:
    """What a writer is told: the language's name and tag."""
    known = language_of(tag)
    return f"{known.name} ({tag})" if known else tag


def in_language(text: str, tag: str) -> bool:
    """Whether a text may be in this language: its letters are of the right script, its small words are not of another one.

    Short texts of the right script pass, and so does everything in a language that we do not know: no is said only for a reason.
    """
    wanted = language_of(tag)
    letters = [letter for letter in text if letter.isalpha()]
    if wanted is None or not letters:
        return True
    fitting = sum(unicodedata.name(letter, "?").split(" ")[0] in wanted.scripts for letter in letters)
    if fitting / len(letters) < MOSTLY:
        return False
    if not wanted.words:
        return True
    said = re.findall(r"\w+", text.lower())
    own = sum(word in wanted.words for word in said)
    return own > 0 or all(sum(word in other.words for word in said) < SURE for other in LANGUAGES.values())
