"""Words in boxes: nothing hangs out, nothing is torn apart."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from finishing.checks import look
from finishing.encode import Encoded
from finishing.fit import Setting, balanced, capitals, fit, hanging, set_at, units
from finishing.fonts import FontError, faces, pick, script_of
from finishing.specs import CopySpec
from tests.finishing.pages import STYLE, page_for, placement

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
        assert " ".join(fitted.lines) == (capitals(headline) if upper else headline)
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
        ("ตื่นมาพร้อมผิวใส", "Thai", "noto-thai-500"),
        ("朝の光とともに", "Japanese", "noto-jp-500"),
        ("清晨的光", "Chinese", "noto-sc-500"),
        ("아침의 빛", "Korean", "noto-kr-500"),
        ("Wake up", "Latin", "playfair-500"),
    ],
)
def test_a_face_is_picked_that_has_every_letter(text: str, script: str, face: str) -> None:
    assert script_of(text) == script
    assert pick("playfair-500", text) == face
    assert all(faces()[face].has(letter) for letter in text if not letter.isspace())


def test_letters_that_no_face_has_are_named() -> None:
    with pytest.raises(FontError, match=r"No font here can write these letters: \U00013000"):
        pick("inter-500", "\U00013000")


def test_words_in_han_alone_are_japanese_where_their_language_says_so() -> None:
    assert pick("inter-700", "新発売", "ja") == "noto-jp-700"
    assert pick("inter-700", "新品", "zh") == "noto-sc-700"


@pytest.mark.parametrize(
    ("text", "language", "first"),
    [
        ("朝の光を、ボトルに閉じ込めました", "ja", "朝の"),
        ("ตื่นมาพร้อมผิวกระจ่างใส", "th", "ตื่น"),
        ("清晨的光，装进瓶中", "zh", "清晨"),
    ],
)
def test_scripts_without_spaces_break_between_phrases_and_never_before_a_closing_mark(text: str, language: str, first: str) -> None:
    found = units(text, script_of(text, language))
    assert "".join(found) == text and found[0] == first and len(found) > 2
    assert not any(part[0] in "、。，！" for part in found)


def test_a_marketer_says_where_a_word_may_break_and_where_not() -> None:
    assert units("Good\u00a0morning sun\u200bshine") == ("Good\u00a0morning ", "sun", "shine")


def test_capitals_are_those_of_the_language_and_get_some_air() -> None:
    assert capitals("iyi günler, ışık", "tr") == "İYİ GÜNLER, IŞIK"
    assert capitals("Ξύπνα με λάμψη") == "ΞΥΠΝΑ ΜΕ ΛΑΜΨΗ"
    spaced, plain = set_at("SHOP NOW", Setting("inter-600"), 24, 400), set_at("Shop now", Setting("inter-600"), 24, 400)
    assert spaced is not None and plain is not None and spaced.tracking > 0 == plain.tracking


def test_a_price_has_figures_of_one_width_and_no_old_style() -> None:
    one, eight = set_at("€11.11", Setting("montserrat-600"), 60, 900), set_at("€88.88", Setting("montserrat-600"), 60, 900)
    assert one is not None and eight is not None and one.widths == eight.widths


def test_quotation_marks_hang_out_of_the_edge() -> None:
    assert hanging("“Soft", "playfair-500", 80, "left") < -10 and hanging("Soft”", "playfair-500", 80, "right") > 10
    assert hanging("Soft", "playfair-500", 80, "left") == 0
    page = page_for("editorial-left", placement("meta_ig_feed_square"), CopySpec("“Soft” is a promise"))
    headline = next(block for block in page.blocks if block.role == "headline")
    assert page.zone[0] <= headline.frame[0] < page.safe[0] - 5, "the mark stands left of the margin, inside the picture"


@pytest.mark.parametrize(("words", "language"), [("Ξύπνα με λάμψη", "el"), ("ışıltılı iyi günler", "tr"), ("朝の光を、ボトルに", "ja")])
def test_a_headline_in_capitals_counts_as_said_in_full(words: str, language: str) -> None:
    spec = placement("google_display_300x250")
    page = page_for("poster-bold", spec, CopySpec(words, language=language), replace(STYLE, upper=True))
    assert next(check for check in look(page, Encoded(b"", "image/jpeg", "jpg"), spec) if check.rule == "headline").result == "pass"
