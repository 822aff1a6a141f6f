"""Finished files: size, bytes, marks, pixels, checks."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from finishing.encode import FinishError, encode
from finishing.finish import finish
from finishing.marking import Marking
from finishing.marks import SOURCE_TYPE_BASE, MarkSpec, xmp
from finishing.specs import CopySpec, FinishedAd, PlacementSpec
from tests.finishing.pages import BRAND, STYLE, geometry, layout, noisy_png, placement, png, raw

MARKS = Marking(MarkSpec("compositeSynthetic", "AdsGem", "42"))


def made(spec: PlacementSpec, **changed: Any) -> FinishedAd:
    told: dict[str, Any] = {
        "picture": png(raw(spec)),
        "geometry": geometry("classic-centred", spec),
        "placement": spec,
        "layout": layout("classic-centred"),
        "copy": CopySpec("Wake up to glow", "A line", "Shop now"),
        "brand": BRAND,
        "style": STYLE,
    }
    return finish(**{**told, **changed})


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_file_says_what_made_it_and_still_is_a_picture_of_the_right_size(kind: str) -> None:
    spec = replace(placement("google_display_336x280"), file_types=(kind,))
    ad = made(spec, marks=MARKS)
    picture = Image.open(io.BytesIO(ad.data))
    assert picture.size == (336, 280) and ad.extension == kind
    assert f"{SOURCE_TYPE_BASE}compositeSynthetic".encode() in ad.data
    assert picture.info["icc_profile"]


def test_the_hash_of_the_pixels_is_that_of_the_picture_before_marks() -> None:
    spec = replace(placement("google_display_336x280"), file_types=("png",))
    marked, plain = made(spec, marks=MARKS), made(spec)
    assert marked.pixels == plain.pixels and marked.data != plain.data
    assert hashlib.sha256(Image.open(io.BytesIO(plain.data)).convert("RGB").tobytes()).hexdigest() == plain.pixels


def test_other_words_are_other_pixels() -> None:
    spec = placement("google_display_336x280")
    assert made(spec).pixels != made(spec, copy=CopySpec("Glow, on time")).pixels


@pytest.mark.parametrize("slug", ["linkedin_message_banner", "amazon_dsp_728x90", "google_display_300x600"])
def test_noise_is_squeezed_under_the_byte_limit(slug: str) -> None:
    spec = placement(slug)
    shape = raw(spec)
    ad = made(spec, picture=noisy_png(*shape.size))
    assert spec.max_bytes is not None and len(ad.data) <= spec.max_bytes
    assert next(check for check in ad.checks if check.rule == "file size").result == "pass"


def test_what_cannot_be_made_small_enough_is_said_in_a_sentence() -> None:
    noise = Image.open(io.BytesIO(noisy_png(400, 400)))
    with pytest.raises(FinishError, match="cannot be made smaller than the 2 kB"):
        encode(noise, ("jpg",), 2000)


def test_a_place_that_takes_none_of_our_types_is_refused() -> None:
    with pytest.raises(FinishError, match="no JPEG, PNG or WebP"):
        encode(Image.new("RGB", (10, 10)), ("gif",), None)


def test_an_indexed_png_is_made_where_the_network_wants_one() -> None:
    encoded = encode(Image.open(io.BytesIO(noisy_png(300, 250))), ("png8",), None)
    assert Image.open(io.BytesIO(encoded.data)).mode == "P"


def test_the_size_that_a_network_wants_delivered_is_the_files() -> None:
    assert made(replace(placement("google_display_320x50"), deliver=(640, 100))).width == 640


def test_letters_that_nobody_can_write_are_a_sentence_and_no_file() -> None:
    with pytest.raises(FinishError, match="No font here can write these letters: \U00013000"):
        made(placement("google_display_336x280"), copy=CopySpec("\U00013000"))


def test_a_place_without_words_gets_the_picture_alone() -> None:
    spec = replace(placement("google_display_336x280"), text_in_image="forbidden")
    ad = made(spec)
    assert all(check.rule != "contrast" for check in ad.checks)


def test_a_mark_must_be_one_that_iptc_lists() -> None:
    with pytest.raises(ValueError, match="IPTC"):
        MarkSpec("handmade", "AdsGem")
    assert b"AdsGem &lt;3" in xmp(MarkSpec("algorithmicMedia", "AdsGem <3"))


def test_a_small_product_is_told_of() -> None:
    spec = placement("google_display_336x280")
    where = geometry("classic-centred", spec)
    assert where.product is not None
    tiny = replace(where, product=where.product._replace(left=where.product.right - 0.02, top=where.product.bottom - 0.05))
    assert next(check for check in made(spec, geometry=tiny).checks if check.rule == "product").result == "warn"


def test_large_limits_are_said_in_megabytes() -> None:
    ad = made(replace(placement("google_display_336x280"), max_bytes=30_000_000))
    assert next(check for check in ad.checks if check.rule == "file size").detail.endswith(" kB of at most 30 MB.")
