"""The first of the generated briefs of `script/long type`, one a language."""

from __future__ import annotations

from typing import Any

import pytest

from bench.type_run import LANGUAGES, briefs, set_and_judged
from finishing.fonts import faces
from finishing.parts import badge_lines

FIRST = briefs(len(LANGUAGES))


@pytest.mark.parametrize("brief", FIRST, ids=list(LANGUAGES))
def test_every_word_of_a_brief_is_there_whole_and_clear_of_all_else(brief: Any) -> None:
    page, wrong = set_and_judged(*brief)
    assert not wrong
    assert page.blocks, "the words were laid"


def test_every_script_has_faces_of_two_weights() -> None:
    for script in ("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Thai", "Japanese", "Chinese", "Korean"):
        assert len({face.weight >= 600 for face in faces().values() if script in face.scripts}) == 2, script


@pytest.mark.parametrize(
    ("words", "first"), [("Nur 19,90 €", "19,90\u00a0€"), ("Tylko 89 zł", "89\u00a0zł"), ("Only €9 today", "Only"), ("−20% today", "−20%")]
)
def test_a_price_leads_a_badge_together_with_its_currency(words: str, first: str) -> None:
    assert badge_lines(words)[0] == first
