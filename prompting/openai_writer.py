"""The writer that asks a language model: which question is put for each job, and what its answer must be good for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from prompting.answers import Form, List, Misread, Rows, Text
from prompting.asking import Asked, Question, ask
from prompting.brief import Brief, clean
from prompting.instructions import Told, in_force
from prompting.languages import in_language, language_of, named
from prompting.rules import folded, unproven
from prompting.writer import (
    ANGLES,
    COPY_LIMITS,
    Keywords,
    Made,
    OnRaw,
    PromptPlan,
    Suggestion,
    Suggestions,
    TemplateWords,
    Texts,
    WriterError,
    Written,
)

SECTION, NEGATIVE, ALT = 400, 600, 300  # characters; what is asked for is less, so that a good answer is not lost by a few letters
VARIANTS = 8
# Figures are claims: those of the brief may be said, and no others.
FIGURES = re.compile(r"\d+(?:[.,:]\d+)*\s*[%€$£]?|[€$£]\s*\d+")
DOMAIN = re.compile(r"\b[\w-]+\.(?:com|net|org|io|co|shop|example|de|fr|es|it|uk|ru|cn|xyz|app|info|biz)\b", re.IGNORECASE)


class OpenAIWriter:
    """OpenAI, or any server that speaks its chat API."""

    name = "openai"

    def plan(self, template: TemplateWords, brief: Brief, *, photo: bytes | None = None, on_raw: OnRaw | None = None) -> Written:
        """A scene in the sections of the instruction, what to keep out, and an alt text in the ad's language."""
        told = in_force("image_prompt" if template.needs_photo else "text_prompt")
        names = {_field(section): section for section in told.sections}
        form: Form = {
            **{name: Text(SECTION) for name in names},
            "negative_prompt": Text(NEGATIVE, needed=False),
            "alt_text": Text(ALT),
            "keywords": List(40, most=12),
            "palette": List(7, most=5, colours=True),
            "suggestions": List(80, most=3),
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
        asked = ask(Question("plan", told, task, material, form, photo=photo, check=check), on_raw)
        fields = asked.fields
        plan = PromptPlan(
            scene_prompt="\n".join(f"{section}: {fields[name]}" for name, section in names.items()),
            negative_prompt=_with_all(fields["negative_prompt"], template.negative, brief.avoid),
            alt_text=fields["alt_text"],
            keywords=fields["keywords"],
            palette=fields["palette"],
            suggestions=tuple(each for each in fields["suggestions"] if _true(each, brief) and in_language(each, brief.language)),
            writer=self.name,
            instruction=told.hash,
        )
        return Written(plan, raw=asked.raw, **_facts(asked, told))

    def keywords(self, photo: bytes, file_name: str, language: str) -> Keywords:
        """5 to 12 keywords from what is seen."""
        told = in_force("keyword_prompt")

        def check(fields: dict[str, Any]) -> None:
            _spoken(", ".join(fields["keywords"]), "keywords", language)

        material = {"file_name": clean(file_name)[:120], "language": named(language)}
        form = {"keywords": List(40, most=12, least=5)}
        question = Question("keywords", told, "Give the keywords.", material, form, photo=photo, needs_photo=True, check=check)
        asked = ask(question)
        return Made(asked.fields["keywords"], **_facts(asked, told))

    def copy(self, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Suggestions:
        """Wordings that fit; what does not, or claims what the brief does not, is left out."""
        told = in_force("copy_prompt")
        wanted = tuple(angle for angle in ANGLES if angle in angles) or ANGLES
        limits = {name: limits[name] for name in COPY_LIMITS if name in limits}
        parts = {name: Text(limit, needed=name == "headline") for name, limit in limits.items()}
        form = {"suggestions": Rows({"angle": Text(20, one_of=wanted), **parts}, most=VARIANTS)}

        def good(row: Mapping[str, str]) -> bool:
            words = [row[name] for name in limits]
            return all(_true(each, brief) for each in words) and in_language(" ".join(words), language)

        def check(fields: dict[str, Any]) -> None:
            if not any(good(row) for row in fields["suggestions"]):
                raise Misread(f"Nothing could be used: it must be in {named(language)} and claim only what the brief says.")

        material = {"brief": brief.as_data(), "angles": list(wanted), "limits": limits, "language": named(language)}
        asked = ask(Question("copy", told, "Give one or two variants along each named angle.", material, form, check=check))
        rows = [row for row in asked.fields["suggestions"] if good(row)]
        return Made(tuple(Suggestion(**row) for row in rows), **_facts(asked, told))

    def captions(self, brief: Brief, *, limits: Mapping[str, int], language: str) -> Texts:
        """The texts beside the ad."""
        told = in_force("copy_prompt")

        def check(fields: dict[str, Any]) -> None:
            _spoken(" ".join(fields.values()), "the captions", language)
            _honest(fields, brief)

        form = {name: Text(limit) for name, limit in limits.items()}
        material = {"brief": brief.as_data(), "limits": dict(limits), "language": named(language)}
        asked = ask(Question("captions", told, "Write the captions, each within its limit in characters.", material, form, check=check))
        return Made(dict(asked.fields), **_facts(asked, told))

    def translate(self, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Texts:
        """The same, said in another language. Figures stay as they are."""
        if language_of(language) is None:
            raise WriterError(f"AdsGem does not know the language '{language}'. Choose another one.", code="language", permanent=True)
        told = in_force("copy_prompt")
        given = {name: clean(text) for name, text in texts.items() if text.strip()}
        form = {name: Text(limits.get(name, max(40, 2 * len(text)))) for name, text in given.items()}

        def check(fields: dict[str, Any]) -> None:
            _spoken(" ".join(fields.values()), "the translation", language)
            for name, text in given.items():
                if sorted(_figures(text)) != sorted(_figures(fields[name])):
                    raise Misread(f"The figures in '{name}' must stay as they are.")

        bounds = {name: part.limit for name, part in form.items()}
        material = {"texts": given, "limits": bounds, "language": named(language)}
        asked = ask(Question("translate", told, f"Translate the texts into {named(language)}.", material, form, check=check))
        return Made(dict(asked.fields), **_facts(asked, told))

    def fit(self, text: str, limit: int, *, language: str = "en", longer: bool = False) -> Made[str]:
        """The same promise in fewer, or more, characters."""
        told = in_force("copy_prompt")

        def check(fields: dict[str, Any]) -> None:
            _spoken(fields["text"], "text", language)
            if set(_figures(fields["text"])) - set(_figures(text)):
                raise Misread("The text must have no figures that the given one has not.")

        task = "Say the text longer, using the room there is." if longer else "Say the text shorter."
        material = {"text": clean(text), "limit": limit, "language": named(language)}
        asked = ask(Question("fit", told, task, material, {"text": Text(limit)}, check=check))
        return Made(asked.fields["text"], **_facts(asked, told))


def _facts(asked: Asked, told: Told) -> dict[str, Any]:
    """Who wrote, and what it used."""
    spent = {"tokens": asked.usage.tokens, "micro_usd": asked.usage.micro_usd, "seconds": asked.seconds}
    return {"who": OpenAIWriter.name, "instruction": told.version, **spent}


def _field(section: str) -> str:
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
        if not _true(text, brief, *more):
            raise Misread(f"The text '{name}' claims or names something that the brief does not.")


def _true(text: str, brief: Brief, *more: str) -> bool:
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


def _with_all(negative: str, *kept_out: str) -> str:
    """What the model keeps out, and in any case all that the template and the brief do."""
    parts = [part.strip() for words in (*kept_out, negative) for part in words.split(",")]
    return ", ".join(dict.fromkeys(part for part in parts if part))
