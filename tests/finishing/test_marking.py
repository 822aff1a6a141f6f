"""Marks in files: the invisible one found again, the visible one readable, the signature within the byte limit and never in the way."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from finishing import c2pa_sign, codeword, labels, watermark
from finishing.certificates import Identity, make_chain
from finishing.encode import encode
from finishing.fingerprint import ALIKE, distance, perceptual_hash
from finishing.marking import Marking, mark
from finishing.marks import MarkSpec, read_xmp, xmp
from finishing.page import Page
from finishing.specs import SafeZone

Pixels = NDArray[np.uint8]
NUMBER = 0xFEDCBA9876543210
SPEC = MarkSpec("compositeWithTrainedAlgorithmicMedia", "AdsGem", "ad-1", "1", ai_system="ComfyUI", prompt="a <shelf>\0", number=NUMBER)


@pytest.fixture(scope="module")
def picture() -> Pixels:
    """A soft picture with some texture and plain paper, as ads have."""
    dice = np.random.default_rng(5)
    small = Image.fromarray(dice.integers(60, 200, (8, 8, 3), np.uint8)).resize((560, 560), Image.Resampling.BICUBIC)
    pixels = np.asarray(small).astype(float)
    pixels[:, :280] += dice.normal(0, 4, (560, 280, 1))
    pixels[400:, 300:] = 240
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


@pytest.fixture(scope="module")
def marked(picture: Pixels) -> Pixels:
    return watermark.embedded(picture, NUMBER)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity(*make_chain(), own=True)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def half(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((pixels.shape[1] // 2, pixels.shape[0] // 2), Image.Resampling.LANCZOS))


@pytest.mark.parametrize(
    "attack",
    [lambda pixels: jpeg(pixels, 70), half, lambda pixels: pixels[13:546, 21:550].copy()],
    ids=["JPEG q70", "half size", "10 % cut off"],
)
def test_the_invisible_mark_is_found_again(marked: Pixels, attack: Callable[[Pixels], Pixels]) -> None:
    found = watermark.find(attack(marked))
    assert found is not None and found.number == NUMBER


def test_nobody_sees_it_and_nobody_finds_one_where_none_is(picture: Pixels, marked: Pixels) -> None:
    assert float(np.mean((marked.astype(float) - picture) ** 2)) < 2, "more than 45 dB"
    assert watermark.find(picture) is None
    with pytest.raises(ValueError, match="too few"):
        watermark.embedded(picture[:50, :320], NUMBER)


def test_a_number_is_read_though_a_fifth_of_its_letters_is_wrong() -> None:
    said = codeword.written(NUMBER)
    wrong = np.random.default_rng(3).permutation(len(said))[: len(said) // 8]
    said[wrong] *= -1
    assert codeword.read(said) == NUMBER
    assert codeword.read(np.random.default_rng(4).normal(size=codeword.LENGTH).astype(np.float32)) is None


def test_two_files_of_a_picture_look_alike(picture: Pixels, marked: Pixels) -> None:
    looks = perceptual_hash(picture)
    assert distance(looks, perceptual_hash(jpeg(half(marked), 60))) <= ALIKE < distance(looks, perceptual_hash(picture[::-1].copy()))


def test_what_is_written_into_a_file_is_read_back_and_hostile_xmp_is_not() -> None:
    found = read_xmp(xmp(SPEC))
    assert (found.source_type, found.generator, found.ad_id) == ("compositeWithTrainedAlgorithmicMedia", "AdsGem 1", "ad-1")
    assert b"AISystemUsed>ComfyUI<" in xmp(SPEC) and b"a &lt;shelf&gt;<" in xmp(SPEC)
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
    assert read_xmp(bomb) == read_xmp(b"<x:xmpmeta") == read_xmp(b"") and not read_xmp(bomb).generator


def finished(picture: Pixels, marking: Marking, max_bytes: int | None, kind: str = "jpg") -> tuple[bytes, dict[str, object], str]:
    """A marked file, its facts and what is said of its marks."""
    page = Page.of(picture, None, SafeZone(), 0.05, ("#ffffff",))
    made = mark(Image.fromarray(picture), page, marking, lambda image, limit, packet: encode(image, (kind,), limit, packet), max_bytes)
    return made.encoded.data, made.facts, next(check.detail for check in made.checks if check.rule == "marks")


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_signed_files_keep_to_the_byte_limit(picture: Pixels, identity: Identity, kind: str) -> None:
    plain = encode(Image.fromarray(picture), (kind,), None)
    limit = len(plain.data) - 1000 if kind != "png" else len(plain.data) * 2
    data, facts, said = finished(picture, Marking(SPEC, identity), limit, kind)
    assert len(data) <= limit and facts["c2pa"] is True and "not on the C2PA trust list" in said and b"c2pa.watermarked" in data


def test_where_a_place_is_too_tight_the_picture_is_worth_more_than_the_signature(picture: Pixels, identity: Identity) -> None:
    data, facts, said = finished(picture, Marking(SPEC, identity), 20_000)
    assert len(data) <= 20_000 and facts["c2pa"] is False and "20 kB of this place leave no room" in said
    assert facts["watermark"] is True and b"DigitalSourceType" in data


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a time stamp service that takes a call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_time_stamp_service_that_does_not_answer_costs_one_wait_and_no_signature(
    picture: Pixels, identity: Identity, deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c2pa_sign, "STAMP_SECONDS", 0.3)
    marking = Marking(SPEC, Identity(identity.chain, identity.key, deaf, own=True))
    assert finished(picture, marking, None)[1] | {"c2pa": True, "stamped": False} == finished(picture, marking, None)[1]
    began = time.monotonic()
    c2pa_sign.sign(finished(picture, Marking(SPEC), None)[0], "image/jpeg", SPEC, marking.identity or identity)
    assert time.monotonic() - began < 0.3 + 1, "it is left in peace for a minute"


@pytest.mark.parametrize("language", sorted(labels.WORDS["generated"]))
def test_the_label_can_be_written_in_every_language(language: str) -> None:
    for origin in labels.KINDS:
        assert labels.words_for(origin, language)


@pytest.mark.parametrize("size", [(1080, 1920), (1080, 1080), (300, 250), (320, 50), (728, 90), (160, 600)])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_label_is_large_enough_reads_well_and_keeps_clear(size: tuple[int, int], language: str) -> None:
    width, height = size
    safe = (4.0, 4.0, width - 4.0, height - 4.0)
    headline = (4.0, 4.0, width * 0.6, height - 4.0) if width > 2 * height else (4.0, 4.0, width - 4.0, height * 0.4)
    ground = Image.new("RGB", size, "#c8b090")
    picture, laid = labels.lay(ground, "trainedAlgorithmicMedia", language, safe=safe, taken=[headline], product=None)
    left, top, right, bottom = laid.frame
    assert bottom - top >= 0.03 * min(size) and laid.contrast >= 4.5 and not laid.over
    assert left >= safe[0] - 1 and top >= safe[1] - 1 and right <= safe[2] + 1 and bottom <= safe[3] + 1
    assert picture.tobytes() != ground.tobytes()


def test_where_only_a_corner_is_left_the_label_is_its_sign() -> None:
    taken = [(4.0, 4.0, 280.0, 46.0)]
    _, laid = labels.lay(Image.new("RGB", (320, 50)), "trainedAlgorithmicMedia", "en", safe=(4, 4, 316, 46), taken=taken, product=None)
    assert laid.words == "AI" and not laid.over
