"""The questions that are put to a language model, one for each job, and what an answer must be good for beyond its form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from prompting.answers import Form, List, Misread, Rows, Text
from prompting.asking import Question
from prompting.brief import Brief, clean
from prompting.instructions import Told
from prompting.languages import in_language, named
from prompting.rules import folded, unproven
from prompting.writer import NO, UNKNOWN, YES, TemplateWords

SECTION, NEGATIVE, ALT = 400, 600, 300  # characters; what is asked for is less, so that a good answer is not lost by a few letters
VARIANTS = 8
PEOPLE = Text(8, one_of=(UNKNOWN, NO, YES), otherwise=UNKNOWN)
LOOK = (
    f"For people_in_photo say {YES} when a person, a face or a hand is seen in the photograph that comes along, "
    f"{NO} when none is, {UNKNOWN} when no photograph comes along."
)
# Figures are claims: those of the brief may be said, and no others.
FIGURES = re.compile(r"\d+(?:[.,:]\d+)*\s*[%€$£]?|[€$£]\s*\d+")
DOMAIN = re.compile(r"\b[\w-]+\.(?:com|net|org|io|co|shop|example|de|fr|es|it|uk|ru|cn|xyz|app|info|biz)\b", re.IGNORECASE)


def plan(told: Told, template: TemplateWords, brief: Brief, photo: bytes | None) -> Question:
    """A scene in the sections of the instruction, what to keep out, an alt text in the ad's language, ideas, and whether people are in the photo."""
    names = [field_of(section) for section in told.sections]
    form: Form = {
        **{name: Text(SECTION) for name in names},
        "negative_prompt": Text(NEGATIVE, needed=False),
        "alt_text": Text(ALT),
        "keywords": List(40, most=12),
        "palette": List(7, most=5, colours=True),
        "suggestions": List(80, most=3),
        "people_in_photo": PEOPLE,
    }

    def check(fields: dict[str, Any]) -> None:
        scene = " ".join(fields[name] for name in names)
        if not in_language(scene, "en"):
            raise Misread("The scene must be in English.")
        _spoken(fields["alt_text"], "alt_text", brief.language)
        _keeps_from_the_scene(scene, brief)
        _honest({"alt_text": fields["alt_text"]}, brief, template.scene)

    said = {name: value for name, value in brief.as_data().items() if name != "legal"}
    material = {"template": asdict(template), "brief": said, "language": named(brief.language)}
    task = "Write the plan for this picture: the sections in English, alt text, keywords and suggestions in the ad's language."
    task = f"{task} {LOOK}"
    return Question("plan", told, task, material, form, photo=photo, check=check)


def keywords(told: Told, photo: bytes | None, file_name: str, language: str) -> Question:
    """5 to 12 keywords from what is seen, and whether people are."""

    def check(fields: dict[str, Any]) -> None:
        _spoken(", ".join(fields["keywords"]), "keywords", language)

    material = {"file_name": clean(file_name)[:120], "language": named(language)}
    form: Form = {"keywords": List(40, most=12, least=5), "people_in_photo": PEOPLE}
    return Question("keywords", told, f"Give the keywords. {LOOK}", material, form, photo=photo, needs_photo=True, check=check)


def copy(told: Told, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Question:
    """Wordings along these angles; at least one must be fit to be shown."""
    parts = {name: Text(limit, needed=name == "headline") for name, limit in limits.items()}
    form = {"suggestions": Rows({"angle": Text(20, one_of=tuple(angles)), **parts}, most=VARIANTS)}

    def check(fields: dict[str, Any]) -> None:
        if not any(fit_to_be_shown(row, brief, language) for row in fields["suggestions"]):
            raise Misread(f"Nothing could be used: it must be in {named(language)} and claim only what the brief says.")

    material = {"brief": brief.as_data(), "angles": list(angles), "limits": dict(limits), "language": named(language)}
    return Question("copy", told, "Give one or two variants along each named angle.", material, form, check=check)


def captions(told: Told, brief: Brief, *, limits: Mapping[str, int], language: str) -> Question:
    """The texts beside the ad, each within its limit."""

    def check(fields: dict[str, Any]) -> None:
        _spoken(" ".join(fields.values()), "the captions", language)
        _honest(fields, brief)

    form = {name: Text(limit) for name, limit in limits.items()}
    material = {"brief": brief.as_data(), "limits": dict(limits), "language": named(language)}
    return Question("captions", told, "Write the captions, each within its limit in characters.", material, form, check=check)


def translation(told: Told, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Question:
    """The same in another language; figures stay as they are."""
    given = {name: clean(text) for name, text in texts.items() if text.strip()}
    form = {name: Text(limits.get(name, max(40, 2 * len(text)))) for name, text in given.items()}

    def check(fields: dict[str, Any]) -> None:
        _spoken(" ".join(fields.values()), "the translation", language)
        for name, text in given.items():
            if sorted(_figures(text)) != sorted(_figures(fields[name])):
                raise Misread(f"The figures in '{name}' must stay as they are.")

    bounds = {name: part.limit for name, part in form.items()}
    material = {"texts": given, "limits": bounds, "language": named(language)}
    return Question("translate", told, f"Translate the texts into {named(language)}.", material, form, check=check)


def length(told: Told, text: str, limit: int, *, language: str, longer: bool) -> Question:
    """The same promise in fewer, or more, characters."""

    def check(fields: dict[str, Any]) -> None:
        _spoken(fields["text"], "text", language)
        if set(_figures(fields["text"])) - set(_figures(text)):
            raise Misread("The text must have no figures that the given one has not.")

    task = "Say the text longer, using the room there is." if longer else "Say the text shorter."
    material = {"text": clean(text), "limit": limit, "language": named(language)}
    return Question("fit", told, task, material, {"text": Text(limit)}, check=check)


def fit_to_be_shown(row: Mapping[str, str], brief: Brief, language: str) -> bool:
    """Whether a wording is true to the brief and in its language."""
    words = [text for name, text in row.items() if name != "angle"]
    return all(true_to(brief, each) for each in words) and in_language(" ".join(words), language)


def field_of(section: str) -> str:
    """A section's name in JSON."""
    return section.lower().replace(" ", "_").replace("-", "_")


def _spoken(text: str, name: str, language: str) -> None:
    if not in_language(text, language):
        raise Misread(f"The language of {name} must be {named(language)}.")


def _keeps_from_the_scene(scene: str, brief: Brief) -> None:
    """The ad's own words in a scene would be painted as letters."""
    for words in (brief.headline, brief.subline, brief.legal):
        if len(words) > 12 and words.lower() in scene.lower():
            raise Misread("The scene must not repeat the ad's own words.")


def _honest(texts: Mapping[str, str], brief: Brief, *more: str) -> None:
    for name, text in texts.items():
        if not true_to(brief, text, *more):
            raise Misread(f"The text '{name}' claims or names something that the brief does not.")


def true_to(brief: Brief, text: str, *more: str) -> bool:
    """Whether a text keeps to the brief (and `more`): no figure, claim or address of its own, no word that is to be avoided."""
    given = folded(" ".join([brief.product, brief.headline, brief.subline, brief.cta, brief.badge, brief.legal, *brief.keywords, *more]))
    said = folded(text)
    avoided = [folded(word) for word in brief.avoid.split(",") if word.strip()]
    if any(re.search(rf"\b{re.escape(word.strip())}\b", said) for word in avoided):
        return False
    if any(address not in given for address in DOMAIN.findall(said)) or set(_figures(said)) - set(_figures(given)):
        return False
    return not unproven(said, given)


def _figures(text: str) -> list[str]:
    return [re.sub(r"\s", "", each) for each in FIGURES.findall(text)]
