"""Words in boxes: nothing hangs out, nothing is torn apart."""

from __future__ import annotations

import random

import pytest

from finishing.fit import Setting, balanced, fit, set_at
from finishing.fonts import FontError, faces, pick, script_of
from finishing.specs import CopySpec
from tests.finishing.pages import page_for, placement

WORDS = {
    "Latin": "Morning light bottled wake up to glow slow is a flavour extraordinarily soft überraschend für große Träume žluťoučký kůň été œuvre 30% off".split(),
    "Cyrillic": "Проснитесь с сиянием каждое утро начинается медленно невероятно мягкая забота о коже і щастя їжак ґанок скидка 30%".split(),
    "Greek": "Ξύπνα με λάμψη κάθε πρωί αργά και ήρεμα εξαιρετικά απαλή φροντίδα ΠΡΟΣΦΟΡΑ για λίγες μέρες 30%".split(),
}


def headlines(number: int) -> list[str]:
    """Headlines of one to eleven words, the same ones at every run, none longer than a brief allows."""
    dice = random.Random(11)
    found = []
    while len(found) < number:
        words = dice.choices(WORDS[("Latin", "Cyrillic", "Greek")[len(found) % 3]], k=dice.randint(1, 11))
        headline = " ".join(words)
        if len(headline) <= 80:
            found.append(headline)
    return found


@pytest.mark.parametrize(("place", "number"), [("google_display_300x250", 200), ("meta_ig_stories", 40), ("meta_ig_feed_portrait", 40)])
def test_none_of_200_headlines_hangs_out_of_the_safe_frame_or_over_the_product(place: str, number: int) -> None:
    spec = placement(place)
    for headline in headlines(number):
        page = page_for("classic-centred", spec, CopySpec(headline, "A line below it", "Shop now"))
        left, top, right, bottom = page.safe
        for block in page.blocks:
            assert block.frame[0] >= left - 1 and block.frame[2] <= right + 1, (headline, block)
            assert block.frame[1] >= top - 1 and block.frame[3] <= bottom + 1, (headline, block)
        written = next(block for block in page.blocks if block.role == "headline")
        assert page.product is not None
        assert not (written.frame[3] > page.product[1] + 1 and written.frame[2] > page.product[0] + 1), headline
        assert written.size >= 11, (headline, written.size)


@pytest.mark.parametrize("upper", [False, True])
def test_the_lines_of_a_fitted_text_are_its_words_in_order(upper: bool) -> None:
    for headline in headlines(60):
        fitted = fit(headline, Setting("manrope-800", upper=upper), 500, 300, 120)
        assert fitted is not None
        assert " ".join(fitted.lines) == (headline.upper() if upper else headline)
        assert fitted.width <= 500 and fitted.height <= 300


def test_lines_are_even_and_break_after_a_pause() -> None:
    assert balanced("Morning light, bottled.", 2, "playfair-500", 0.0) == ("Morning light,", "bottled.")
    assert balanced("Slow mornings start here", 2, "dm-serif", 0.0) == ("Slow mornings", "start here")


def test_a_long_word_is_set_smaller_and_not_broken() -> None:
    fitted = fit("Donaudampfschifffahrtsgesellschaft", Setting("inter-700"), 200, 100, 80)
    assert fitted is not None and fitted.lines == ("Donaudampfschifffahrtsgesellschaft",) and fitted.width <= 200


def test_what_does_not_fit_at_the_smallest_size_is_not_set_at_all() -> None:
    assert fit("Far too many words for such a small box", Setting("inter-700", lines=1), 40, 12, 80, smallest=10) is None
    assert set_at("Far too many words", Setting("inter-500", lines=1), 20, 30) is None


@pytest.mark.parametrize(
    ("text", "script", "face"),
    [
        ("Ξύπνα με λάμψη", "Greek", "noto-500"),
        ("Проснитесь", "Cyrillic", "playfair-500"),
        ("استيقظي على إشراقة", "Arabic", "noto-arabic-500"),
        ("בוקר טוב", "Hebrew", "noto-hebrew-500"),
        ("हर सुबह नई चमक", "Devanagari", "noto-devanagari-500"),
        ("Wake up", "Latin", "playfair-500"),
    ],
)
def test_a_face_is_picked_that_has_every_letter(text: str, script: str, face: str) -> None:
    assert script_of(text) == script
    assert pick("playfair-500", text) == face
    assert all(faces()[face].has(letter) for letter in text if not letter.isspace())


def test_letters_that_no_face_has_are_named() -> None:
    with pytest.raises(FontError, match="光"):
        pick("inter-500", "光とともに")
