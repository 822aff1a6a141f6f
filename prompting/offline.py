"""The writer that needs no key: plain rules that fill the sections of the master instructions. It never pretends to be more."""

from __future__ import annotations

from prompting.brief import Brief
from prompting.instructions import instruction
from prompting.writer import PromptPlan, TemplateWords

# What no advertising scene wants, whatever the template: letters would fight with the ad's own.
NEVER = "text, letters, numbers, logo, watermark, frame, border, people, hands, second product, packaging, blurry, distorted, low quality"
SURFACE = "a clean surface that takes a soft contact shadow"
LENS = "85 mm, camera a little above the product, the ground in focus, the background falling softly out of it"
FLAT_LENS = "frontal and flat, the whole ground in focus"
# Words in a template's description that say which section a part of it belongs to.
LIGHT_WORDS = ("light", "sun", "shadow", "glow", "lamp", "shade", "lit")
SURFACE_WORDS = ("marble", "wood", "table", "podium", "floor", "sand", "stone", "counter", "plinth", "stage", "steps", "paper")
# "Shown" in the languages an alt text is most often wanted in; anything else is put together without a verb.
ALT = {
    "en": "{product} in this scene: {scene}.",
    "de": "{product}, zu sehen: {scene}.",
    "fr": "{product}, décor : {scene}.",
    "es": "{product}, escena: {scene}.",
}


class Offline:
    """A writer by rules."""

    name = "offline"

    def plan(self, template: TemplateWords, brief: Brief) -> PromptPlan:
        """A scene in the sections of the master instruction, what to keep out, and an alt text."""
        told = instruction("image_prompt" if template.needs_photo else "text_prompt")
        contents = _contents(template, brief)
        scene = "\n".join(f"{section}: {contents[section]}" for section in told.sections if contents.get(section))
        return PromptPlan(
            scene_prompt=scene,
            negative_prompt=", ".join(part for part in (template.negative, brief.avoid, NEVER) if part),
            alt_text=_alt_text(template, brief),
            keywords=brief.keywords or template.mood,
            writer=self.name,
        )


def _contents(template: TemplateWords, brief: Brief) -> dict[str, str]:
    """What goes into each section: the template first, then what the brief may change."""
    parts = [part.strip() for part in template.scene.split(",")]
    light = [part for part in parts if _has(part, LIGHT_WORDS)]
    surface = [part for part in parts if _has(part, SURFACE_WORDS) and part not in light]
    props = f", with a touch of {', '.join(brief.keywords[:4])}" if brief.keywords else ""
    mood = [*template.mood[:3], *([brief.tone.lower()] if brief.tone else [])]
    return {
        "Scene": template.scene + props,
        "Surface": ", ".join(surface) or (SURFACE if template.needs_photo else "matt paper with a fine grain"),
        "Light": ", ".join(light) or "soft daylight from the upper left",
        "Lens": LENS if template.needs_photo else FLAT_LENS,
        "Colour": template.style,
        "Mood": ", ".join(mood),
    }


def _has(part: str, words: tuple[str, ...]) -> bool:
    return any(word in part.lower() for word in words)


def _alt_text(template: TemplateWords, brief: Brief) -> str:
    """Product, scene, headline and button, for somebody who cannot see the picture."""
    scene = template.scene.rstrip(".")
    language = brief.language.split("-")[0].lower()
    if template.needs_photo:
        product = brief.product or "The product"
        seen = ALT.get(language, "{product}: {scene}.").format(product=product, scene=scene[:1].lower() + scene[1:])
    else:
        seen = f"{brief.product}. " if brief.product else ""
    words = [brief.headline, brief.subline, brief.badge]
    said = " ".join(word if word[-1] in ".!?" else f"{word}." for word in words if word)
    button = f" [{brief.cta}]" if brief.cta else ""
    return f"{seen} {said}{button}".strip()
