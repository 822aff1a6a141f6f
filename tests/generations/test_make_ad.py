"""The command line: bad input is one sentence and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import csv
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from PIL import Image

from generations import pipeline
from generations.models import Ad, Generation, Photo
from keeping.models import StoredFile
from painting.builtin import Builtin
from painting.engine import EngineError
from templates_app.models import AdTemplate
from tests.people import ROOT, bottle_png

pytestmark = pytest.mark.django_db


def bomb() -> bytes:
    """A PNG of 30000 x 30000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * 4000)
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif() -> bytes:
    buffer = io.BytesIO()
    Image.new("P", (300, 300)).save(buffer, "GIF")
    return buffer.getvalue()


def make(tmp_path: Path, **changed: Any) -> tuple[int, str]:
    """Exit code and what stood on stderr."""
    photo = tmp_path / "bottle.png"
    photo.write_bytes(bottle_png())
    told: dict[str, Any] = {
        "template": "podium",
        "photo": photo,
        "headline": "Wake up",
        "placement": ["google_display_250x250"],
        "out": tmp_path / "out",
    }
    errors = io.StringIO()
    code = 0
    try:
        call_command("make_ad", **{**told, **changed}, stderr=errors, stdout=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    return code, errors.getvalue().strip()


def photo_of(tmp_path: Path, data: bytes, name: str = "photo.jpg") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"template": "nowhere"}, "There is no template 'nowhere'"),
        ({"placement": ["billboard"]}, "There is no placement 'billboard'"),
        ({"placement": ["google_pmax_logo_square"]}, "does not take a picture"),
        ({"photo": None}, "needs a product photo"),
        ({"photo": Path("not-there.jpg")}, "cannot be read"),
        ({"headline": ""}, "Write a headline"),
        ({"headline": "   "}, "Write a headline"),
        ({"headline": "x" * 300}, "too long"),
        ({"variations": 9}, "9 variations"),
        ({"seed": -4}, "whole number"),
        ({"engine": "comfyui"}, "ComfyUI"),
        ({"brand": "nobody"}, "There is no brand 'nobody'"),
        ({"out": Path("/proc/nowhere")}, "cannot be written to"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    code, said = make(tmp_path, **wrong)
    assert code == 2
    assert sentence in said and "\n" not in said
    assert not Generation.objects.exists() and not Photo.objects.exists()


@pytest.mark.parametrize(
    "data", [b"", b"just some words\n", bomb(), gif(), b"\xff\xd8\xff\xe0 cut short"], ids=["nothing", "text", "bomb", "gif", "cut"]
)
def test_a_file_that_is_no_usable_photo_is_one_sentence_and_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    before = StoredFile.objects.count()
    code, said = make(tmp_path, photo=photo_of(tmp_path, data))
    assert code == 2 and said and "\n" not in said and "Traceback" not in said
    assert not Generation.objects.exists() and not Photo.objects.exists() and StoredFile.objects.count() == before


def test_a_failed_picture_is_exit_code_1_and_the_others_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnceBroken(Builtin):
        broken = 1

        def paint(self, order: Any, on_progress: Any) -> Any:
            if self.broken:
                self.broken -= 1
                raise EngineError("The lamp broke.", code="lamp", permanent=True)
            return super().paint(order, on_progress)

    engine = OnceBroken()
    monkeypatch.setattr(pipeline, "engine_named", lambda name: engine)
    code, said = make(tmp_path, variations=2)
    assert code == 1 and said == "The lamp broke."
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_the_captions_beside_the_ad_are_written_beside_its_file(tmp_path: Path) -> None:
    assert make(tmp_path, placement=["meta_ig_feed_square"]) == (0, "")
    rows = list(csv.DictReader((tmp_path / "out" / "captions.csv").read_text(encoding="utf-8").splitlines()))
    assert rows and {row["text"] for row in rows} == {"Wake up."}
    assert all(int(row["characters"]) <= int(row["limit"]) for row in rows)


def test_where_a_network_shows_nothing_beside_the_ad_there_is_no_table(tmp_path: Path) -> None:
    assert make(tmp_path) == (0, "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["google_display_250x250-v1.jpg"]


def test_the_same_seed_gives_the_same_pixels_before_marks(tmp_path: Path, template: AdTemplate, anew: None) -> None:
    for folder in ("one", "two"):
        assert make(tmp_path, seed=12, out=tmp_path / folder)[0] == 0
    one, two = Ad.objects.all()
    assert one.pixels == two.pixels != "" and one.file_id != two.file_id, "each file carries the number of its own ad"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--photo", "x.jpg", "--out", "o"], "--headline"),
        (["--template", "podium", "--headline", "x", "--out", "o", "--variations", "many"], "many"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    run = subprocess.run([sys.executable, "manage.py", "make_ad", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert sentence in run.stderr and run.stderr.count("\n") == 1
