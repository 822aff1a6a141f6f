"""What placements say of an ad before it is made, with who says so and how it is mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finishing.preflight import FileFacts, Finding, cut, letters_for, preflight, worst
from finishing.specs import CopySpec
from tests.finishing.test_every_placement import COPY, KINDS, SPECS


def told(slug: str, copy: CopySpec = COPY, has_logo: bool = True, **more: object) -> dict[str, Finding]:
    """The findings of one placement by rule."""
    return {each.rule: each for each in preflight(SPECS[slug], copy, has_logo=has_logo, **more)}  # type: ignore[arg-type]


def test_every_placement_answers_and_short_words_fail_nowhere() -> None:
    for slug, spec in SPECS.items():
        if KINDS[slug] == "image":
            found = preflight(spec, CopySpec("Glow on"), has_logo=True)
            assert found and worst(found) != "fail", slug
            assert all(each.source for each in found if each.result != "pass"), slug


def test_a_long_headline_is_too_much_for_a_small_banner_and_one_click_shortens_it() -> None:
    long = replace(COPY, headline="Wake up to glow every single morning of the whole long year")
    found = told("google_display_320x50", long)["headline"]
    assert found.result == "warn" and found.fix and found.fix.fit
    shorter = found.fix.words["headline"]
    assert len(shorter) <= letters_for(SPECS["google_display_320x50"]) and long.headline.startswith(shorter)
    assert told("google_display_320x50", replace(long, headline=shorter))["headline"].result == "pass"
    assert told("meta_ig_feed_square", long)["headline"].result == "pass"


def test_more_words_than_a_network_takes_fail_with_its_source_and_date() -> None:
    long = CopySpec("One two three four five six seven eight nine ten eleven twelve")
    found = told("amazon_rec_300x250", long)["words"]
    assert (found.result, found.read) == ("fail", "2026-09-03") and "Amazon" in found.source
    assert found.fix and len(found.fix.words["headline"].split()) == 10


@pytest.mark.parametrize(
    ("headline", "without"),
    [("Glow for €24 today", "Glow for today"), ("Save 20% on glow", "Save on glow"), ("Now 24,90 € only", "Now only")],
)
def test_a_price_where_none_may_be_is_taken_out(headline: str, without: str) -> None:
    found = told("amazon_rec_300x250", CopySpec(headline))["price"]
    assert found.result == "fail" and found.fix and found.fix.words == {"headline": without}


def test_words_that_a_network_refuses_are_found_wherever_they_stand() -> None:
    found = told("snap_single_image", replace(COPY, cta="Swipe up now"))["phrases"]
    assert found.result == "fail" and found.fix and found.fix.words == {"cta": "now"}


def test_capitals_are_written_as_a_sentence() -> None:
    found = told("amazon_rec_300x250", CopySpec("WAKE UP TO GLOW"))["capitals"]
    assert found.result == "warn" and found.fix and found.fix.words == {"headline": "Wake up to glow"}


def test_a_brand_without_logo_and_name_is_told_where_one_has_to_be_seen() -> None:
    found = told("amazon_dsp_m300x250", has_logo=False)["logo"]
    assert found.result == "warn" and found.fix and found.fix.logo
    assert "logo" not in told("amazon_dsp_m300x250") and "logo" not in told("meta_ig_stories", has_logo=False)


def test_captions_over_the_hard_limit_fail_and_over_the_soft_one_are_warned_of() -> None:
    found = told("linkedin_single_square", captions={"headline": "x" * 80, "primary_text": "word " * 700})
    assert (found["headline"].result, found["primary text"].result) == ("warn", "fail")
    assert found["primary text"].fix and len(found["primary text"].fix.words["primary_text"]) <= 3000
    bad = told("tiktok_gab_vertical", captions={"ad_text": "Glow #now"})["ad text"]
    assert bad.result == "fail" and bad.fix and bad.fix.words == {"ad_text": "Glow now"}


def test_a_small_photo_a_legal_line_in_a_strip_and_a_narrow_zone_are_told() -> None:
    assert told("meta_ig_stories", photo=(300, 400))["photo"].result == "warn"
    assert told("meta_ig_stories", photo=(900, 1400))["photo"].result == "pass"
    strip = told("google_display_320x50", replace(COPY, legal="Offer ends in May."))["legal line"]
    assert strip.fix and strip.fix.leave_out == "google_display_320x50"
    assert told("snap_story_tile")["safe zone"].result == "warn"


def test_a_finished_file_is_held_against_its_pixels_type_and_bytes() -> None:
    good = told("linkedin_message_banner", file=FileFacts("image/jpeg", 300, 250, 39_000))
    assert {good[rule].result for rule in ("pixels", "file type", "file size")} == {"pass"}
    bad = told("linkedin_message_banner", file=FileFacts("image/webp", 301, 250, 41_000))
    assert {bad[rule].result for rule in ("pixels", "file type", "file size")} == {"fail"}
    assert told("google_display_300x250", COPY)["file"].result == "pass"


def test_a_place_that_takes_no_file_of_ours_is_left_out() -> None:
    spec = replace(SPECS["google_display_300x250"], file_types=("gif",))
    found = {each.rule: each for each in preflight(spec, COPY, has_logo=True)}
    assert found["file type"].result == "fail" and found["file type"].fix


def test_cutting_keeps_whole_words_and_leaves_no_loose_end() -> None:
    assert cut("Radiance serum for tired mornings and", 24) == "Radiance serum for tired"
    assert cut("Radiance serum, for the tired", 23) == "Radiance serum"
    assert cut("Donaudampfschifffahrt", 5) == "Donau"
