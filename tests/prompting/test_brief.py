"""The brief: what a marketer may type, and what is said when it cannot be used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.brief import LIMITS, UNSEEN, Brief, BriefError

WORDS = {"headline": "Wake up to glow"}


def refused(**told: Any) -> dict[str, str]:
    """The sentences for a brief that is not taken, by field."""
    with pytest.raises(BriefError) as caught:
        Brief.read({**WORDS, **told})
    return caught.value.errors


def test_a_headline_is_enough() -> None:
    brief = Brief.read(WORDS)
    assert (brief.headline, brief.language, brief.cta, brief.keywords) == ("Wake up to glow", "en", "", ())


@pytest.mark.parametrize("headline", ["", "   ", "\u200b\u202e", None])
def test_without_a_headline_there_is_no_ad(headline: str | None) -> None:
    errors = refused(headline=headline)
    assert list(errors) == ["headline"] and errors["headline"].startswith("Write a headline")


@pytest.mark.parametrize("field", sorted(LIMITS))
def test_every_text_has_room_for_its_limit_and_not_for_one_character_more(field: str) -> None:
    assert getattr(Brief.read({**WORDS, field: "ж" * LIMITS[field]}), field) == "ж" * LIMITS[field]
    errors = refused(**{field: "ж" * (LIMITS[field] + 1)})
    assert list(errors) == [field] and "1 characters too long" in errors[field] and str(LIMITS[field]) in errors[field]


def test_white_space_around_a_text_is_not_counted() -> None:
    assert Brief.read({"headline": "  " + "a" * LIMITS["headline"] + "\n"}).headline == "a" * LIMITS["headline"]


def test_characters_that_nobody_sees_are_taken_out_and_line_breaks_become_spaces() -> None:
    brief = Brief.read({"headline": "Wake\u202e up\x00\x1b to\n\tglow\ufeff", "cta": "\u2066Shop\u2069\x85 now"})
    assert (brief.headline, brief.cta) == ("Wake up to glow", "Shop now")


def test_what_a_script_needs_stays() -> None:
    for headline in ("می‌خواهم", "नमस्ते", "Été à la plage", "日本の朝", "👩‍🍳 cooks"):
        assert Brief.read({"headline": headline}).headline == headline


@given(st.text(max_size=60))
def test_no_unseen_character_ever_gets_through(text: str) -> None:
    try:
        headline = Brief.read({"headline": text}).headline
    except BriefError:
        return
    assert not set(headline) & UNSEEN and headline == headline.strip() and "  " not in headline


def test_every_wrong_field_is_said_at_once() -> None:
    errors = refused(headline="a" * 81, cta="b" * 31, colour="red", keywords="sun, sea")
    assert set(errors) == {"headline", "cta", "colour", "keywords"}
    assert errors["colour"] == "A brief has no field 'colour'."


@pytest.mark.parametrize("value", [7, ["a"], {"a": 1}, True, b"bytes"])
def test_a_text_must_be_text(value: object) -> None:
    assert refused(subline=value) == {"subline": "The subline must be text."}


@pytest.mark.parametrize("value", [["a" * 41], [str(number) for number in range(21)]])
def test_keywords_are_few_and_short(value: list[str]) -> None:
    assert "at most 20 keywords" in refused(keywords=value)["keywords"]


def test_keywords_are_told_once_each_and_empty_ones_not_at_all() -> None:
    assert Brief.read({**WORDS, "keywords": ["sun", " sun ", "", "sea\u200b"]}).keywords == ("sun", "sea")


@pytest.mark.parametrize("value", ["sun", [1], {"sun": 1}])
def test_keywords_are_a_list_of_words(value: object) -> None:
    assert refused(keywords=value) == {"keywords": "The keywords must be a list of words."}


def test_a_brief_comes_back_from_its_row_as_it_was() -> None:
    brief = Brief.read({**WORDS, "keywords": ["sun"], "markets": ["DE", "AT"], "legal": "While stocks last."})
    assert Brief.from_data(json.loads(json.dumps(brief.as_data()))) == brief


def test_what_was_accepted_once_stays_when_a_limit_shrinks() -> None:
    data = Brief.read(WORDS).as_data() | {"headline": "a" * 500}
    assert Brief.from_data(data).headline == "a" * 500
