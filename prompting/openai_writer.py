"""The writer that asks a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prompting import questions
from prompting.asking import Asked, Question, ask
from prompting.brief import Brief
from prompting.instructions import Told, in_force
from prompting.languages import in_language, language_of
from prompting.writer import (
    ANGLES,
    COPY_LIMITS,
    UNKNOWN,
    Keywords,
    Made,
    NoPurse,
    PromptPlan,
    Purse,
    Seen,
    Suggestion,
    Suggestions,
    TemplateWords,
    Texts,
    WriterError,
    Written,
)


class OpenAIWriter:
    """OpenAI, or any server that speaks its chat API, paid by `purse`."""

    name = "openai"

    def __init__(self, purse: Purse | None = None) -> None:
        self._purse = purse or NoPurse()

    def plan(self, template: TemplateWords, brief: Brief, *, photo: bytes | None = None) -> Written:
        """A scene in the sections of the instruction, what to keep out, and an alt text in the ad's language."""
        told = in_force("image_prompt" if template.needs_photo else "text_prompt")
        asked = self._ask(questions.plan(told, template, brief, photo))
        fields = asked.fields
        ideas = [each for each in fields["suggestions"] if questions.true_to(brief, each) and in_language(each, brief.language)]
        plan = PromptPlan(
            scene_prompt="\n".join(f"{section}: {fields[questions.field_of(section)]}" for section in told.sections),
            negative_prompt=_with_all(fields["negative_prompt"], template.negative, brief.avoid),
            alt_text=fields["alt_text"],
            keywords=fields["keywords"],
            palette=fields["palette"],
            suggestions=tuple(ideas),
            writer=self.name,
            instruction=told.hash,
        )
        return Written(plan, raw=asked.raw, people_in_photo=_people(asked), **_facts(asked, told))

    def keywords(self, photo: bytes, file_name: str, language: str) -> Keywords:
        """5 to 12 keywords from what is seen, and whether people are."""
        told = in_force("keyword_prompt")
        asked = self._ask(questions.keywords(told, photo, file_name, language))
        return Made(Seen(asked.fields["keywords"], _people(asked)), **_facts(asked, told))

    def copy(self, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Suggestions:
        """Wordings that fit; what does not, or claims what the brief does not, is left out."""
        told = in_force("copy_prompt")
        wanted = [angle for angle in ANGLES if angle in angles] or ANGLES
        bounds = {name: limits[name] for name in COPY_LIMITS if name in limits}
        asked = self._ask(questions.copy(told, brief, angles=wanted, limits=bounds, language=language))
        rows = [row for row in asked.fields["suggestions"] if questions.fit_to_be_shown(row, brief, language)]
        return Made(tuple(Suggestion(**row) for row in rows), **_facts(asked, told))

    def captions(self, brief: Brief, *, limits: Mapping[str, int], language: str) -> Texts:
        """The texts beside the ad."""
        told = in_force("copy_prompt")
        asked = self._ask(questions.captions(told, brief, limits=limits, language=language))
        return Made(dict(asked.fields), **_facts(asked, told))

    def translate(self, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Texts:
        """The same, said in another language."""
        if language_of(language) is None:
            raise WriterError(f"AdsGem does not know the language '{language}'. Choose another one.", code="language", permanent=True)
        told = in_force("copy_prompt")
        asked = self._ask(questions.translation(told, texts, limits=limits, language=language))
        return Made(dict(asked.fields), **_facts(asked, told))

    def fit(self, text: str, limit: int, *, language: str = "en", longer: bool = False) -> Made[str]:
        """The same promise in fewer, or more, characters."""
        told = in_force("copy_prompt")
        asked = self._ask(questions.length(told, text, limit, language=language, longer=longer))
        return Made(asked.fields["text"], **_facts(asked, told))

    def _ask(self, question: Question) -> Asked:
        return ask(question, self._purse)


def _facts(asked: Asked, told: Told) -> dict[str, Any]:
    """Who wrote, and what it used."""
    spent = {"tokens": asked.usage.tokens, "micro_usd": asked.usage.micro_usd, "seconds": asked.seconds}
    return {"who": OpenAIWriter.name, "instruction": told.version, **spent}


def _people(asked: Asked) -> str:
    """Whether people are in the photo; a model that was shown none cannot know."""
    return str(asked.fields["people_in_photo"]) if asked.saw else UNKNOWN


def _with_all(negative: str, *kept_out: str) -> str:
    """What the model keeps out, and in any case all that the template and the brief do."""
    parts = [part.strip() for words in (*kept_out, negative) for part in words.split(",")]
    return ", ".join(dict.fromkeys(part for part in parts if part))
