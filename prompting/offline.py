"""The writer that needs no key: plain rules that fill the sections of the master instructions. It never pretends to be more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from prompting import patterns, seen
from prompting.brief import Brief, clean
from prompting.instructions import instruction
from prompting.writer import (
    ANGLES,
    Keywords,
    Made,
    PromptPlan,
    Seen,
    Suggestions,
    TemplateWords,
    Texts,
    WriterError,
    Written,
)

# What no advertising scene wants, whatever the template: letters would fight with the ad's own.
NEVER = (
    "text",
    "letters",
    "numbers",
    "logo",
    "watermark",
    "frame",
    "border",
    "people",
    "hands",
    "second product",
    "packaging",
    "blurry",
    "distorted",
    "low quality",
)
SURFACE = "a clean surface that takes a soft contact shadow"
PAPER = "matt paper with a fine grain"
LIGHT = "soft daylight from the upper left"
LENS = "85 mm, camera a little above the product, the ground in focus, the background falling softly out of it"
FLAT_LENS = "frontal and flat, the whole ground in focus"
# Words in a template's description that say which section a part of it belongs to.
LIGHT_WORDS = re.compile(r"\b(?:(?:day|sun|moon|candle|back|spot)?lights?|sun|shadows?|glow|lamps?|shade|lit)\b", re.IGNORECASE)
SURFACE_WORDS = re.compile(
    r"\b(?:marble|wood|wooden|table|podium|floor|sand|dunes|stone|counter|plinth|stage|steps|stairs|sweep|paper)\b", re.IGNORECASE
)
PROPS_AT_MOST, MOODS_AT_MOST = 2, 3  # as the instructions say

# What it says about its own work.
BY_COLOURS = "Found by colours and the file's name alone: no language model looked at the photo."
NO_COLOURS = "Found in the file's name alone: no language model looked at the photo."
BY_PATTERNS = "Put together from your own words: no language model is at work."
CUT = "Cut to length, not rewritten: no language model is at work."
NO_TRANSLATION = "Nothing can be translated while no language model is at work. Write these words yourself."
NOT_LONGER = "Nothing can be made longer while no language model is at work. Add the words yourself."


class Offline:
    """A writer by rules."""

    name = "offline"

    def plan(self, template: TemplateWords, brief: Brief, *, photo: bytes | None = None) -> Written:
        """A scene in the sections of the master instruction, what to keep out, and an alt text. It looks at no photo, and costs nothing.

        By the text file always: what staff write into an instruction is for those who can read.
        """
        told = instruction("image_prompt" if template.needs_photo else "text_prompt")
        contents = _contents(template, brief)
        plan = PromptPlan(
            scene_prompt="\n".join(f"{section}: {contents[section]}" for section in told.sections if contents.get(section)),
            negative_prompt=", ".join(_kept_out(template, brief)),
            alt_text=_alt_text(template, brief),
            keywords=brief.keywords or template.mood,
            writer=self.name,
            instruction=told.hash,
        )
        return Written(plan, self.name)

    def keywords(self, photo: bytes, file_name: str, language: str) -> Keywords:
        """Words of the file's name, and the product's colours where their names are known in this language. It sees no people."""
        colours = [seen.in_tongue(colour, language) for colour in seen.colours(photo)]
        known = [colour for colour in colours if colour]
        words = tuple(dict.fromkeys([*seen.words_of(clean(file_name)), *known]))
        return Made(Seen(words), self.name, note=BY_COLOURS if known else NO_COLOURS)

    def copy(self, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Suggestions:
        """The brief's own words along each angle that they have something true for."""
        wanted = [angle for angle in ANGLES if angle in angles] or ANGLES
        return Made(patterns.suggestions(brief, wanted, limits, language), self.name, note=BY_PATTERNS)

    def captions(self, brief: Brief, *, limits: Mapping[str, int], language: str) -> Texts:
        """The brief's own words, cut to each limit: the short ones first say the headline, the long ones all of it."""
        whole = " ".join(_sentence(words) for words in (brief.headline, brief.subline) if words)
        told = {
            name: patterns.within(whole if limit >= len(whole) or not brief.headline else brief.headline, limit)
            for name, limit in limits.items()
        }
        return Made(told, self.name, note=BY_PATTERNS)

    def translate(self, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Texts:
        """Raises WriterError: rules cannot translate."""
        raise WriterError(NO_TRANSLATION, code="no_translation", permanent=True)

    def fit(self, text: str, limit: int, *, language: str = "en", longer: bool = False) -> Made[str]:
        """Whole sentences or words that fit. Raises WriterError for more words: rules have none of their own."""
        if longer:
            raise WriterError(NOT_LONGER, code="not_longer", permanent=True)
        return Made(patterns.within(clean(text), limit), self.name, note=CUT)


def _contents(template: TemplateWords, brief: Brief) -> dict[str, str]:
    """What goes into each section: the template first, then what the brief may change."""
    parts = [part.strip() for part in template.scene.rstrip(".").split(",")]
    light = [part for part in parts if LIGHT_WORDS.search(part)]
    surface = [part for part in parts if SURFACE_WORDS.search(part)]
    wished = _wished(template, brief)
    props = f", with a touch of {' and '.join(wished[:PROPS_AT_MOST])}" if wished and template.needs_photo else ""
    mood = [*([brief.tone.lower()] if brief.tone else []), *([] if template.needs_photo else wished), *template.mood]
    return {
        "Scene": ", ".join(parts) + props,
        "Surface": surface[0] if surface else (SURFACE if template.needs_photo else PAPER),
        "Light": ", ".join(light) or LIGHT,
        "Lens": LENS if template.needs_photo else FLAT_LENS,
        "Colour": template.style,
        "Mood": ", ".join(dict.fromkeys(mood[:MOODS_AT_MOST])),
    }


def _wished(template: TemplateWords, brief: Brief) -> list[str]:
    """The brief's keywords that may be seen: none that is to be kept out, by the template, the brief or the instructions."""
    kept_out = {word for part in _kept_out(template, brief) for word in part.lower().split()}
    return [keyword for keyword in brief.keywords if not kept_out & set(keyword.lower().split())]


def _kept_out(template: TemplateWords, brief: Brief) -> list[str]:
    """Everything that does not belong into the picture, once each. What the template's own scene names may be seen."""
    told = [part.strip() for words in (template.negative, brief.avoid) for part in words.split(",")]
    never = [part for part in NEVER if part not in template.scene.lower()]
    return list(dict.fromkeys(part for part in (*told, *never) if part))


def _alt_text(template: TemplateWords, brief: Brief) -> str:
    """Product, scene, headline and button, for somebody who cannot see the picture.

    Templates describe their scenes in English; in an ad of another language the alt text is made of the brief's own words alone.
    """
    english = brief.language.split("-")[0].lower() == "en"
    if template.needs_photo and english:
        scene = template.scene.rstrip(".")
        seen = f"{brief.product or 'The product'} in this scene: {scene[:1].lower()}{scene[1:]}"
    else:
        seen = brief.product
    said = " ".join(_sentence(words) for words in (seen, brief.headline, brief.subline, brief.badge) if words)
    return f"{said} [{brief.cta}]" if brief.cta else said


def _sentence(words: str) -> str:
    """The words with a full stop where they have no end of their own."""
    return words if words[-1] in ".!?…:;。！？" else f"{words}."
