"""What we ask of whatever writes: a plan for the scene, from a template and a brief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from prompting.brief import Brief


@dataclass(frozen=True)
class TemplateWords:
    """What a template says about its scene, for the writer: what is fixed, what the brief may change, what to keep out."""

    title: str
    scene: str
    style: str
    negative: str
    mood: tuple[str, ...] = ()
    needs_photo: bool = True


@dataclass(frozen=True)
class PromptPlan:
    """What the writer gives: the scene in words, what to keep out, alt text in the ad's language, ideas for more.

    `instruction` is the SHA-256 of the master instruction that it was written by.
    """

    scene_prompt: str
    negative_prompt: str
    alt_text: str
    keywords: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    writer: str = "offline"
    instruction: str = ""

    def as_data(self) -> dict[str, Any]:
        """As JSON for a row."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> PromptPlan:
        """Back from a row."""
        lists = {name: tuple(data.get(name, ())) for name in ("keywords", "palette", "suggestions")}
        return cls(**{**data, **lists})


class Writer(Protocol):
    """Something that writes: a language model, or plain rules on this machine."""

    name: str

    def plan(self, template: TemplateWords, brief: Brief) -> PromptPlan:
        """Turn a template and a brief into a plan for the scene."""
        ...
