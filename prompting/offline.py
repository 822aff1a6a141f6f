"""The writer that needs no key: plain rules that fill the sections of the master instructions. It never pretends to be more."""

from __future__ import annotations

import re

from prompting.brief import Brief
from prompting.instructions import instruction
from prompting.writer import PromptPlan, TemplateWords

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


class Offline:
    """A writer by rules."""

    name = "offline"

    def plan(self, template: TemplateWords, brief: Brief) -> PromptPlan:
        """A scene in the sections of the master instruction, what to keep out, and an alt text."""
        told = instruction("image_prompt" if template.needs_photo else "text_prompt")
        contents = _contents(template, brief)
        return PromptPlan(
            scene_prompt="\n".join(f"{section}: {contents[section]}" for section in told.sections if contents.get(section)),
            negative_prompt=", ".join(_kept_out(template, brief)),
            alt_text=_alt_text(template, brief),
            keywords=brief.keywords or template.mood,
            writer=self.name,
            instruction=told.hash,
        )


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
