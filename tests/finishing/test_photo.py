"""Photo intake against hostile files, and what of a good photo comes out."""

from __future__ import annotations

import io
import struct
import subprocess
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from finishing import photo
from finishing.photo import PhotoRefused, SafePhoto, make_safe

SECRETS = (b"GPS", b"Exif", b"secret-xmp", b"secret-comment", b"PK\x03\x04", b"<script", b"secret-text", b"http://ns.adobe.com")


def a_picture(width: int = 320, height: int = 240, mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue, a green corner above: which way is up can be seen."""
    picture = Image.new("RGB", (width, height), (30, 40, 200))
    picture.paste((200, 40, 30), (0, 0, width // 2, height))
    picture.paste((30, 160, 60), (0, 0, width // 8, height // 8))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def shown(safe: SafePhoto) -> Image.Image:
    picture = Image.open(io.BytesIO(safe.data))
    picture.load()
    return picture


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def a_png_bomb(side: int) -> bytes:
    """A black PNG of one bit a pixel: hundreds of megapixels in some 100 KB."""
    packer = zlib.compressobj(9)
    rows = bytes((side + 7) // 8 + 1) * 100
    body = b"".join(packer.compress(rows) for _ in range(side // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refusal(data: bytes, name: str = "bottle.jpg") -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        make_safe(data, name)
    message = str(caught.value)
    assert message.startswith(name), "the sentence names the file as the person knows it"
    assert message.endswith((".", "?")) and "Traceback" not in message and "/" not in message.replace(name, "")
    return caught.value


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts the decoder fails the test."""

    def started(*_: object, **__: object) -> None:
        raise AssertionError("the decoder was started")

    monkeypatch.setattr(photo.subprocess, "run", started)


# --- what is refused before anything is decoded


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "empty"),
        (b"This is a shopping list, not a photo.\n" * 50, "not_a_picture", "text"),
        ("Größe 5, schön\n".encode() * 400, "not_a_picture", "text"),
        (b"\x00\x01\x02\x03" * 300, "not_a_picture", "not a picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "wrong_type", "SVG"),
        (encoded(a_picture(), "GIF"), "wrong_type", "GIF"),
        (encoded(a_picture(), "TIFF"), "wrong_type", "TIFF"),
        (encoded(a_picture(), "BMP"), "wrong_type", "BMP"),
        (b"%PDF-1.7\n1 0 obj\n", "wrong_type", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "wrong_type", "EPS"),
        (b"8BPS\x00\x01" + bytes(30), "wrong_type", "PSD"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40), "wrong_type", "HEIC"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif" + bytes(40), "wrong_type", "AVIF"),
        (b"PK\x03\x04" + bytes(60), "wrong_type", "ZIP"),
        (b"\xff\xd8\xff\xe0" + bytes(6), "broken", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(4), "broken", "damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "broken", "damaged"),
    ],
    ids="empty text umlauts binary svg gif tiff bmp pdf eps psd heic avif zip jpeg-stub png-stub webp-stub".split(),
)
def test_what_is_no_jpeg_png_or_webp_is_refused_by_its_own_name(no_child: None, data: bytes, code: str, says: str) -> None:
    for name in ("bottle.jpg", "bottle.png"):
        error = refusal(data, name)
        assert error.code == code and says in str(error)


def test_a_file_over_15_mb_is_refused_with_its_size(no_child: None) -> None:
    error = refusal(encoded(a_picture(), "JPEG") + bytes(16_000_000))
    assert error.code == "too_many_bytes" and "16.0 MB" in str(error)


def test_a_bomb_of_30000_by_30000_is_refused_at_once(no_child: None) -> None:
    bomb = a_png_bomb(30_000)
    assert len(bomb) < 200_000
    begun = time.perf_counter()
    error = refusal(bomb, "bottle.png")
    assert time.perf_counter() - begun < 0.5
    assert error.code == "too_many_pixels" and "30,000 × 30,000" in str(error)


@pytest.mark.parametrize(("width", "height"), [(12_001, 300), (7_000, 6_000), (300, 12_001)])
def test_too_long_a_side_or_too_many_pixels_are_refused(no_child: None, width: int, height: int) -> None:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert refusal(data).code == "too_many_pixels"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_thumbnail_is_refused_with_its_size(no_child: None, kind: str) -> None:
    error = refusal(encoded(a_picture(320, 199), kind))
    assert error.code == "too_small" and "320 × 199" in str(error)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_moving_picture_is_refused(no_child: None, kind: str) -> None:
    frames = [a_picture().rotate(90 * turn) for turn in range(3)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=80)
    assert refusal(data).code == "moving"


def test_a_name_is_only_ever_words_in_a_sentence() -> None:
    with pytest.raises(PhotoRefused) as caught:
        make_safe(b"", "C:\\secret\\..\\..\\etc/pass\nwd\x00.jpg")
    assert str(caught.value).startswith("passwd.jpg is empty")
    with pytest.raises(PhotoRefused) as caught:
        make_safe(b"", "x" * 500 + ".jpg")
    assert len(str(caught.value)) < 160
    with pytest.raises(PhotoRefused, match="^This file is empty"):
        make_safe(b"")


# --- what the decoder refuses


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_photo_cut_off_on_its_way_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    assert refusal(whole[: int(len(whole) * share)]).code == "broken"


def test_a_png_with_damaged_pixels_is_refused() -> None:
    data = bytearray(encoded(a_picture(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert refusal(bytes(data)).code == "broken"


def test_a_tiff_behind_a_png_head_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 300, 300, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + encoded(a_picture(), "TIFF")
    assert refusal(data).code == "broken"


def test_frames_that_the_header_hides_are_refused_by_the_decoder() -> None:
    frames = [a_picture().rotate(90 * turn) for turn in range(3)]
    data = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=80))
    assert data[12:16] == b"VP8X"
    data[20] &= ~0x02
    assert refusal(bytes(data)).code in {"broken", "moving"}


LIMITED = """
import json, sys
sys.path.insert(0, {folder!r})
import decode
decode.limit_itself()
{attempt}
print(json.dumps({{"format": "JPEG", "width": 1, "height": 1}}))
"""


@pytest.mark.parametrize(
    "attempt",
    ["held = bytearray(3_000_000_000)", "import resource; assert resource.getrlimit(resource.RLIMIT_CPU)[0] != 20"],
    ids=["memory", "processor time"],
)
def test_the_decoder_has_little_memory_and_little_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: str) -> None:
    pytest.importorskip("resource")
    decoder = tmp_path / "hog.py"
    decoder.write_text(LIMITED.format(folder=str(Path(photo.__file__).parent), attempt=attempt))
    monkeypatch.setattr(photo, "_DECODER", decoder)
    assert refusal(encoded(a_picture(), "JPEG")).code == "too_heavy"
    decoder.write_text(LIMITED.format(folder=str(Path(photo.__file__).parent), attempt="held = bytearray(300_000_000)"))
    assert make_safe(encoded(a_picture(), "JPEG")).type == "image/jpeg"


def test_a_decoder_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    monkeypatch.setattr(photo.subprocess, "run", too_long)
    assert refusal(encoded(a_picture(), "JPEG")).code == "too_heavy"


# --- what comes out of a good photo


def hidden_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("secret-text.txt", "x" * 100)
    return file.getvalue() + b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_comment_xmp_and_what_hangs_behind_the_photo_are_gone(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "secret-text", "secret-text"
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0), 29: "GPS"}
    xmp = b'<x:xmpmeta xmlns:x="http://ns.adobe.com/xap/1.0/">secret-xmp</x:xmpmeta>'
    options: dict[str, object] = {"exif": exif.tobytes()}
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_text("Comment", "secret-comment")
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options["pnginfo"] = text
    else:
        options["xmp"] = xmp
    if kind == "JPEG":
        options["comment"] = b"secret-comment"
    data = encoded(a_picture(), kind, **options) + hidden_zip()
    assert sum(secret in data for secret in SECRETS) >= 5, "the file going in carries secrets"
    safe = make_safe(data, "holiday." + kind.lower())
    assert [secret for secret in SECRETS if secret in safe.data] == []
    picture = shown(safe)
    assert not picture.getexif() and not {"comment", "xmp", "exif", "icc_profile"} & set(picture.info)
    assert picture.size == (320, 240)


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 270), (8, 90)])
def test_a_photo_taken_with_a_turned_phone_stands_upright(orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    safe = make_safe(encoded(a_picture(), "JPEG", exif=exif.tobytes(), quality=95))
    upright = a_picture().rotate(turn, expand=True)
    assert (safe.width, safe.height) == upright.size == shown(safe).size
    difference = np.abs(np.asarray(shown(safe), np.int16) - np.asarray(upright, np.int16))
    assert np.median(difference) <= 3


def display_p3() -> bytes:
    """A small ICC profile (version 2) with the primaries of Display P3, adapted to D50, and gamma 2.2."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(*values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    name = b"P3 of a test\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78 + 8 + (-len(name)) % 4)
    tags = [
        (b"desc", desc),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"rXYZ", xyz(0.5151, 0.2412, -0.0011)),
        (b"gXYZ", xyz(0.2920, 0.6922, 0.0419)),
        (b"bXYZ", xyz(0.1571, 0.0666, 0.7841)),
        (b"rTRC", curve),
        (b"gTRC", curve),
        (b"bTRC", curve),
    ]
    place, table, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for tag, body in tags:
        body += bytes(-len(body) % 4)
        table += tag + struct.pack(">II", place + len(bodies), len(body))
        bodies += body
    rest = struct.pack(">I", len(tags)) + table + bodies
    head = struct.pack(">I4sI4s4s4s12s4s", 128 + len(rest), b"\0" * 4, 0x02100000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp")
    return (head + bytes(28) + fixed(0.9642, 1.0, 0.8249)).ljust(128, b"\0") + rest


def test_colours_of_a_phone_with_display_p3_become_srgb() -> None:
    wide = make_safe(encoded(Image.new("RGB", (300, 300), (200, 80, 80)), "PNG", icc_profile=display_p3()))
    # By hand: (200, 80, 80) to light by gamma 2.2, from P3 to sRGB by the known matrix (1.2249, -0.2247; -0.0420, 1.0419;
    # -0.0197, -0.0786, 1.0979), and by sRGB's curve to 218, 67, 74.
    red, green, blue = (int(value) for value in np.asarray(shown(wide)).reshape(-1, 3).mean(axis=0))
    assert (red, green, blue) == pytest.approx((218, 67, 74), abs=2)
    plain = make_safe(encoded(Image.new("RGB", (300, 300), (200, 80, 80)), "PNG", icc_profile=b"no profile at all"))
    assert np.asarray(shown(plain)).reshape(-1, 3).mean(axis=0) == pytest.approx((200, 80, 80), abs=2)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [(a_picture(mode="CMYK"), "JPEG"), (a_picture(mode="L"), "JPEG"), (a_picture(mode="P"), "PNG"), (a_picture(mode="1"), "PNG")],
    ids=["cmyk", "grey", "palette", "one bit"],
)
def test_every_way_to_store_colour_ends_as_rgb(picture: Image.Image, kind: str) -> None:
    safe = make_safe(encoded(picture, kind))
    assert (safe.type, safe.extension) == ("image/jpeg", "jpg")
    wanted = np.asarray(picture.convert("RGB"), np.int16)
    assert shown(safe).mode == "RGB"
    assert np.abs(np.asarray(shown(safe), np.int16) - wanted).mean() < 8


def test_a_grey_picture_of_16_bits_keeps_its_greys() -> None:
    slope = (np.linspace(0, 65535, 300)[None, :] * np.ones((300, 1))).astype(np.uint16)
    grey = np.asarray(shown(make_safe(encoded(Image.fromarray(slope), "PNG"))).convert("L"), np.int16)
    assert np.abs(grey - slope // 256).max() <= 3


def test_transparency_that_can_be_seen_is_kept_as_png() -> None:
    picture = a_picture(mode="RGBA")
    picture.paste((0, 0, 0, 0), (160, 0, 320, 240))
    for kind in ("PNG", "WEBP"):
        safe = make_safe(encoded(picture, kind, lossless=True) if kind == "WEBP" else encoded(picture, kind))
        assert (safe.type, safe.extension) == ("image/png", "png")
        alpha = np.asarray(shown(safe))[..., 3]
        assert alpha[:, :160].min() == 255 and alpha[:, 160:].max() == 0


def test_an_alpha_that_hides_nothing_makes_a_jpeg() -> None:
    safe = make_safe(encoded(a_picture(mode="RGBA"), "PNG"))
    assert safe.type == "image/jpeg"


def test_a_large_photo_is_brought_to_4000_pixels_and_a_small_one_is_left() -> None:
    large = make_safe(encoded(a_picture(6000, 3000), "JPEG"))
    assert (large.width, large.height) == (4000, 2000) == shown(large).size
    small = make_safe(encoded(a_picture(640, 480), "WEBP"))
    assert (small.width, small.height) == (640, 480)


def test_the_second_picture_that_phones_add_is_no_animation() -> None:
    data = encoded(a_picture(), "MPO", save_all=True, append_images=[a_picture(160, 120)])
    safe = make_safe(data, "phone.jpg")
    assert (safe.width, safe.height) == (320, 240)


def test_the_products_pixels_hardly_change() -> None:
    given = Path(__file__).resolve().parents[2] / "templates_app" / "shelf" / "products" / "mug.jpg"
    before = np.asarray(Image.open(given).convert("RGB"), np.int16)
    safe = make_safe(given.read_bytes(), "mug.jpg")
    change = np.abs(np.asarray(shown(safe), np.int16) - before)
    assert change.mean() < 0.8
    assert make_safe(given.read_bytes(), "mug.jpg") == safe, "the same file in, the same file out"
