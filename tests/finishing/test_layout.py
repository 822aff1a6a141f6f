"""Layouts as data, and the pages that come of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image, ImageDraw

from finishing.checks import look
from finishing.encode import Encoded
from finishing.layout import LayoutError, LayoutSpec
from finishing.page import overlap
from finishing.shapes import is_banner
from finishing.specs import CopySpec
from tests.finishing.pages import SHELF, all_placements, layout, page_for, placement, raw

FULL = CopySpec("Wake up to glow", "Vitamin C radiance serum with rosehip", "Shop now", "−20%", "Offer ends 31 May. See terms.")
FAMILIES = sorted(path.stem for path in (SHELF / "layouts").glob("*.json"))


def test_there_are_eight_families_for_every_shape() -> None:
    assert len(FAMILIES) >= 8
    for slug in FAMILIES:
        assert len(layout(slug).arrangements) == 7


@pytest.mark.parametrize(
    ("break_it", "place"),
    [
        (lambda data: data["shapes"].pop("9:16"), "'9:16' is a required property"),
        (lambda data: data["shapes"]["1:1"].update(words=[0.9, 0.1, 0.1, 0.5]), "no room"),
        (lambda data: data["shapes"]["1:1"].update(align="justify"), "shapes > 1:1 > align"),
        (lambda data: data["shapes"]["4:5"]["stage"].update(x=1.4), "shapes > 4:5 > stage > x"),
        (lambda data: data["shapes"]["4:5"].update(headlin=0.1), "headlin"),
    ],
)
def test_a_wrong_layout_is_refused_with_the_place(break_it: Any, place: str) -> None:
    data = json.loads((SHELF / "layouts" / "quote.json").read_text())
    break_it(data)
    with pytest.raises(LayoutError, match=place):
        LayoutSpec.from_data(data)


@pytest.mark.parametrize("spec", all_placements(), ids=lambda spec: spec.slug)
def test_every_placement_keeps_its_words_in_the_safe_zone_and_off_each_other(spec: Any) -> None:
    page = page_for("classic-centred", spec, FULL)
    checks = {check.rule: check for check in look(page, Encoded(b"", "image/jpeg", "jpg"), spec) if check.result == "fail"}
    assert not checks, checks
    if spec.text_in_image == "forbidden":
        assert page.blocks == []
    else:
        assert "headline" in {block.role for block in page.blocks}


@pytest.mark.parametrize("slug", FAMILIES)
@pytest.mark.parametrize("place", ["meta_ig_feed_square", "meta_ig_stories", "pinterest_standard", "reddit_image_4x3", "reddit_image_16x9"])
def test_every_family_keeps_clear_of_the_product(slug: str, place: str) -> None:
    page = page_for(slug, placement(place), CopySpec("Wake up to glow", "Vitamin C radiance serum", "Shop now"))
    assert page.product is not None
    for block in page.blocks:
        assert not overlap(block.frame, page.product, -1), block


@pytest.mark.parametrize("spec", [s for s in all_placements() if is_banner(s.width, s.height)], ids=lambda spec: spec.slug)
def test_a_banner_shows_the_whole_product_and_its_headline(spec: Any) -> None:
    page = page_for("editorial-left", spec, CopySpec("Six words and a small button", "", "Shop"))
    assert page.product is not None
    left, top, right, bottom = page.product
    assert left >= -1 and top >= -1 and right <= page.width + 1 and bottom <= page.height + 1
    headline = next(block for block in page.blocks if block.role == "headline")
    assert headline.size >= 9


def test_when_room_runs_out_the_sub_line_goes_first_and_is_told_of() -> None:
    words = CopySpec(
        "A headline of a good many words that wants all the room there is", "A sub-line that has no room left at all here", "Shop now"
    )
    page = page_for("classic-centred", placement("google_display_200x200"), words)
    assert "headline" in {block.role for block in page.blocks}
    assert "subline" not in {block.role for block in page.blocks}
    assert any("sub-line" in note.detail for note in page.notes)


def test_words_on_a_dark_picture_are_light() -> None:
    spec = placement("meta_ig_feed_square")
    page = page_for("classic-centred", spec, FULL, picture=raw(spec, "#16202e"))
    headline = next(block for block in page.blocks if block.role == "headline")
    assert headline.contrast >= 4.5
    assert page.ink is not None and min(page.ink) > 200


def test_words_over_stripes_get_a_fade_and_can_be_read() -> None:
    spec = placement("meta_ig_feed_square")
    stripes = raw(spec, "#ffffff")
    draw = ImageDraw.Draw(stripes)
    for x in range(0, stripes.width, 40):
        draw.rectangle((x, 0, x + 20, stripes.height), fill="#101010")
    page = page_for("classic-centred", spec, FULL, picture=stripes)
    assert next(block for block in page.blocks if block.role == "headline").contrast >= 3.0
    untouched = page_for("classic-centred", spec, FULL, picture=Image.new("RGB", stripes.size, "#ffffff"))
    assert untouched.pixels.min() > 250, "a plain ground is left as it is"


def test_arabic_stands_at_the_right_of_a_left_aligned_layout() -> None:
    page = page_for("editorial-left", placement("meta_ig_feed_square"), CopySpec("استيقظي على إشراقة", "", "تسوقي", language="ar"))
    latin = page_for("editorial-left", placement("meta_ig_feed_square"), CopySpec("Wake up", "", "Shop"))
    assert page.blocks[0].frame[2] > latin.blocks[0].frame[2] or page.blocks[-1].frame[0] > latin.blocks[-1].frame[0]
