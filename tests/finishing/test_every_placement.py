"""Every placement of the shelf, finished: pixels, type, bytes, words and borders as its network takes them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from finishing.finish import finish, finish_logo
from finishing.policy import RuleError, dropped, read_rules, universal, words_for, words_of
from finishing.shapes import shape_for
from finishing.specs import BrandSpec, CopySpec, FinishedAd, PlacementSpec, SafeZone
from templates_app.models import Placement, PlacementVersion
from tests.finishing.pages import SHELF, STYLE, geometry, layout, png, raw

ROWS = json.loads((SHELF / "placements.json").read_text())
COPY = CopySpec("Wake up to glow", "A serum for mornings", "Shop now", "€ 24")
TYPES = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "png8": "PNG", "webp": "WEBP"}


def spec_of(row: dict[str, object]) -> PlacementSpec:
    """A placement as its row says it, with the shelf's rules."""
    head = Placement(slug=row["id"], title=row["placement"], platform=row["platform"], kind=row["kind"])
    return PlacementVersion(data=row, placement=head).spec()


SPECS = {spec.slug: spec for spec in map(spec_of, ROWS)}
KINDS = {row["id"]: row["kind"] for row in ROWS}


def picture(shape: str, spec: PlacementSpec) -> bytes:
    plain = raw(spec, "#c9a98a")
    box, (width, height) = geometry("classic-centred", spec).product, plain.size
    assert box is not None
    ImageDraw.Draw(plain).rectangle((box.left * width, box.top * height, box.right * width, box.bottom * height), fill="#7a3020")
    return png(plain)


PICTURES: dict[str, bytes] = {}
MADE: dict[object, FinishedAd] = {}


def made(spec: PlacementSpec) -> FinishedAd:
    """The finished ad; placements that differ in nothing that matters for their file share it."""
    tight = spec.max_bytes if (spec.max_bytes or 1e9) < 400_000 else None
    key = (spec.size, spec.file_types[0], tight, tuple(rule.name for rule in spec.rules))
    if key not in MADE:
        shape = shape_for(spec.width, spec.height).id
        if shape not in PICTURES:
            PICTURES[shape] = picture(shape, spec)
        where, brand = geometry("classic-centred", spec), BrandSpec("Miravel", "Miravel")
        MADE[key] = finish(
            picture=PICTURES[shape],
            geometry=where,
            placement=spec,
            layout=layout("classic-centred"),
            copy=COPY,
            brand=brand,
            style=STYLE,
        )
    return MADE[key]


def test_all_102_placements_get_the_pixels_the_type_and_the_bytes_that_they_ask_for() -> None:
    images = [spec for slug, spec in SPECS.items() if KINDS[slug] == "image"]
    assert len(images) == 102
    for spec in images:
        ad = made(spec)
        file = Image.open(io.BytesIO(ad.data))
        assert file.size == (ad.width, ad.height) == spec.size, spec.slug
        assert file.format in {TYPES[kind] for kind in spec.file_types if kind in TYPES}, spec.slug
        assert spec.max_bytes is None or len(ad.data) <= spec.max_bytes, spec.slug
        assert not [
            check for check in ad.checks if check.result == "fail" and check.rule in ("pixels", "file size", "overlap", "safe zone")
        ]


def test_a_place_that_names_no_types_takes_jpg_and_png() -> None:
    assert SPECS["amazon_custom_wide"].file_types == SPECS["snap_story_tile"].file_types == ("jpg", "png")


def test_where_words_are_forbidden_there_are_none_and_no_logo() -> None:
    ad = made(SPECS["amazon_custom_square"])
    assert not {check.rule for check in ad.checks} & {"contrast", "headline", "size"}


def test_where_words_are_limited_the_price_and_the_button_stay_out() -> None:
    spec = SPECS["amazon_rec_300x250"]
    assert dropped(COPY, spec).keys() == {"cta", "badge"} and words_of(words_for(COPY, spec)) <= 10
    long = CopySpec("Wake up to glow every single morning", "A serum for mornings that never end")
    assert dropped(long, spec) == {"subline": "at most 10 words may stand in the picture"}


def test_an_ad_that_needs_a_line_round_it_has_one_of_the_right_width() -> None:
    for slug, width in (("amazon_dsp_300x250", 1), ("amazon_dsp_m300x250", 2)):
        pixels = np.asarray(Image.open(io.BytesIO(made(SPECS[slug]).data)).convert("L")).astype(int)
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert rim.max() < 90 and pixels[width + 2, width + 2] > 110, slug


def test_a_filter_is_transparent_for_more_than_half() -> None:
    ad = made(SPECS["snap_filter"])
    alpha = np.asarray(Image.open(io.BytesIO(ad.data)).convert("RGBA"))[..., 3]
    assert (alpha == 0).mean() > 0.5 and (alpha == 255).mean() > 0.2 and len(ad.data) <= 300_000
    assert alpha[: round(0.13 * 2340)].max() == 0 and alpha[round(0.87 * 2340) :].max() == 0


def test_a_story_has_no_button_of_its_own_and_says_why() -> None:
    said = [check.detail for check in made(SPECS["meta_ig_stories"]).checks if check.rule == "network's rule"]
    assert said == ["The button is not in this picture: the network brings its own button."]


def logo_png(colour: str, size: tuple[int, int] = (400, 120)) -> bytes:
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(canvas).rounded_rectangle((20, 20, size[0] - 20, size[1] - 20), 18, fill=colour)
    return png(canvas)


def test_the_six_logo_files_are_made_from_the_brands_logo() -> None:
    logos = [spec for slug, spec in SPECS.items() if KINDS[slug] == "logo"]
    assert len(logos) == 6
    for spec in logos:
        ad = finish_logo(BrandSpec("Miravel", logo=logo_png("#006746")), spec)
        file = Image.open(io.BytesIO(ad.data)).convert("RGBA")
        assert file.size == spec.size and (spec.max_bytes is None or len(ad.data) <= spec.max_bytes)
        alpha = np.asarray(file)[..., 3]
        assert alpha[0].max() == 0 and alpha.max() == 255 and (alpha > 0).mean() > 0.1, spec.slug


def test_a_logo_in_a_circle_keeps_inside_it() -> None:
    spec = SPECS["google_dg_logo"]
    alpha = np.asarray(Image.open(io.BytesIO(finish_logo(BrandSpec("M", logo=logo_png("#006746", (300, 300))), spec).data)))[..., 3]
    rows, columns = np.nonzero(alpha > 128)
    assert np.hypot(rows - 600, columns - 600).max() <= 600


def test_a_white_logo_gets_the_brands_dark_ground() -> None:
    brand = BrandSpec("M", logo=logo_png("#ffffff"), colours={"primary": "#006746"})
    file = Image.open(io.BytesIO(finish_logo(brand, SPECS["google_pmax_logo_square"]).data)).convert("RGBA")
    assert file.getpixel((3, 3)) == (0, 0x67, 0x46, 255)


def test_a_brand_without_a_logo_is_told_to_add_one() -> None:
    with pytest.raises(ValueError, match="no logo yet"):
        finish_logo(BrandSpec("M"), SPECS["amazon_brand_logo"])


def test_several_vertical_places_share_one_box_that_is_safe_in_all() -> None:
    zones = [SPECS[slug].safe_zone for slug in ("meta_ig_stories", "tiktok_infeed_vertical", "youtube_shorts_image")]
    assert universal(zones) == SafeZone(left=0.1111, top=0.15, right=0.1778, bottom=0.35)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"rule": "colour", "value": 1}], "There is no rule 'colour'"),
        ([{"rule": "border", "value": 0}], "The rule 'border' needs a whole number from 1 to 8"),
        ([{"rule": "button", "value": "no"}], "The rule 'button' needs true or false"),
        ([{"rule": "words", "value": 10}, {"rule": "words", "value": 9}], "stands there twice"),
        ([{"rule": "words", "value": 10, "read": "yesterday"}], "when it was read as a date"),
        ({"rule": "words"}, "must be a list"),
    ],
)
def test_a_rule_that_cannot_be_used_is_said_in_a_sentence(rows: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence):
        read_rules(rows)
