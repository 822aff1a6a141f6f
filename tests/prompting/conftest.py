"""A language server that misbehaves on demand, and what the writer is asked with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from PIL import Image

from prompting import asking
from prompting.brief import Brief
from prompting.models import Rule
from prompting.writer import OverBudget, TemplateWords, Usage
from tests.fakes.llm_server import LlmServer

MARBLE = TemplateWords(
    title="Leaf shade",
    scene="A warm marble counter, leaf shadows on a plaster wall, morning sun from the upper left",
    style="warm whites, sand and soft brown",
    negative="clutter, harsh colour",
    mood=("morning", "natural"),
)
BRIEF = Brief.read({"headline": "Wake up to glow", "product": "Radiance serum", "subline": "Rosehip for tired mornings", "cta": "Try it"})
PLAN = {
    "scene": "A honed marble counter before a plaster wall with leaf shadows, a sprig of rosehip at the edge",
    "surface": "Honed marble, matt, with a soft contact shadow",
    "light": "Morning sun from the upper left, warm, with the pattern of leaves on the wall",
    "lens": "85 mm, a little above the counter, the wall falling softly out of focus",
    "colour": "Warm white is the ground, sand beside it, soft brown the accent",
    "mood": "calm, natural, awake",
    "negative_prompt": "letters, logo, people",
    "alt_text": "Radiance serum on a marble counter in the morning sun. Wake up to glow.",
    "keywords": ["marble", "leaf shadow", "morning sun", "rosehip", "plaster"],
    "palette": ["#f4efe6", "#d8c3a5", "#8a6a4f"],
    "suggestions": ["Glow before coffee", "Mornings, but brighter"],
    "people_in_photo": "no",
}


@pytest.fixture
def server(settings: Any, db: None) -> Iterator[LlmServer]:
    """A server that answers well, and is the writer's."""
    with LlmServer() as running:
        running.reply = PLAN
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = running.url, "sk-canary-key", "fake-large"
        yield running


@pytest.fixture
def impatient(settings: Any) -> None:
    """Nobody waits longer than this for one answer."""
    settings.WRITER_SECONDS = 0.4


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the writer would have waited each time; no test does."""
    told: list[float] = []
    monkeypatch.setattr(asking, "pause", told.append)
    return told


@pytest.fixture
def rules(db: None) -> None:
    """The first rules, also after a test that emptied every table."""
    if not Rule.objects.exists():
        import_module("prompting.migrations.0002_first_instructions_and_rules").fill(apps, None)
        import_module("prompting.migrations.0003_prices_of_pictures_and_where_they_were_read").say_it_of_any_text(apps, None)


class Purse:
    """Somebody's money: `calls` more answers may be paid, and each is written down."""

    def __init__(self, calls: int = 99) -> None:
        self.calls = calls
        self.books: list[tuple[str, Usage]] = []

    def may_pay(self) -> None:
        if self.calls <= 0:
            raise OverBudget("Nothing is left today.")

    def paid(self, raw: str, usage: Usage) -> None:
        self.calls -= 1
        self.books.append((raw, usage))


def photo(**more: Any) -> bytes:
    """A little photograph; `more` goes into its file."""
    buffer = io.BytesIO()
    picture = Image.new("RGB", (80, 120), "white")
    picture.paste((120, 50, 30), (20, 20, 60, 110))
    picture.save(buffer, "JPEG", **more)
    return buffer.getvalue()
