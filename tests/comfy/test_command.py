"""`manage.py comfy`: what the servers have, and whether a workflow runs."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from comfy import pool, starters
from comfy.models import Lora, Server, ServerJob
from tests.comfy.test_binding import FOLDER

pytestmark = pytest.mark.django_db


def said(*args: str) -> str:
    out = io.StringIO()
    call_command("comfy", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def row(server) -> Server:
    starters.load()
    pool.adopt_from_settings([server.url])
    return Server.objects.get()


def test_check_says_what_each_server_is_and_what_to_install(row, server):
    del server.info["ImageBlur"]
    told = said("check")
    assert f"{row.name}: ComfyUI 0.3.64, 12288 MB" in told and "2 for ckpt_name" in told
    assert "sd-inpaint-keep-product cannot run: install ImageBlur" in told and "sd-text2img cannot run" not in told


def test_check_says_why_a_server_does_not_work(row, server):
    server.token = "now it wants one"
    assert "does not let us in (HTTP 401). Check its token." in said("check")


def test_sync_shows_each_lora_on_each_server(row, server):
    for slug, file in (("film", "styles/film.safetensors"), ("gone", "gone.safetensors"), ("twice", "twice.safetensors")):
        Lora.objects.create(slug=slug, title=slug.title(), file_name=file, family="sdxl")
    server.models["loras"] = ["Styles\\Film.safetensors", "a/twice.safetensors", "b/twice.safetensors"]
    told = said("sync")
    assert f"film on {row.name}: present (Styles\\Film.safetensors)" in told
    assert f"gone on {row.name}: missing\n" in told
    assert f"twice on {row.name}: ambiguous (a/twice.safetensors, b/twice.safetensors)" in told


def test_a_workflow_file_runs_with_its_bindings_and_without(row, tmp_path):
    graph = json.loads((FOLDER / "sd-text2img.json").read_text())
    for node in ("2", "3"):  # the places for LoRAs, whose files this server does not have under these names
        graph[node]["inputs"]["lora_name"] = "style.safetensors"
    (tmp_path / "mine.json").write_text(json.dumps(graph))
    out = tmp_path / "mine.png"
    told = said(
        "run-workflow", str(tmp_path / "mine.json"), "--set", "checkpoint=sdxl.safetensors", "--set", "width=256", "--out", str(out)
    )
    assert f"{row.name} painted 256 × 512" in told
    assert Image.open(out).size == (256, 512)
    said("run-workflow", str(FOLDER / "smoke-no-model.json"), "--out", str(out))
    assert Image.open(out).size == (512, 512)
    said("run-workflow", str(FOLDER / "smoke-upload.json"), "--out", str(out))
    assert len(Image.open(out).getcolors(99999)) > 2, "a workflow that reads a picture is shown a drawn product"


@pytest.mark.parametrize(
    ("content", "args", "says"),
    [
        ('{"nodes": [], "links": []}', [], r"Export \(API\)"),
        ("not json", [], "no JSON"),
        ((FOLDER / "sd-text2img.json").read_text(), ["--set", "checkpoint=gone.safetensors"], "has no file 'gone.safetensors'"),
        ((FOLDER / "sd-text2img.json").read_text(), ["--set", "steps=9999"], "steps"),
        ((FOLDER / "sd-text2img.json").read_text(), ["--set", "banana=1"], "--set takes"),
        ((FOLDER / "sd-text2img.json").read_text(), ["--server", "another"], "could not paint it"),
    ],
)
def test_what_cannot_run_is_said_in_one_sentence(row, tmp_path, content, args, says):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(CommandError, match=says):
        said("run-workflow", str(tmp_path / "bad.json"), *args)


def test_a_run_that_fails_says_what_to_do_and_gives_its_seat_back(row, server, tmp_path):
    server.fail = "oom"
    with pytest.raises(CommandError, match="Out of memory.*Free the memory"):
        said("run-workflow", str(FOLDER / "smoke-no-model.json"), "--out", str(tmp_path / "none.png"))
    assert not ServerJob.objects.filter(seat__isnull=False).exists() and not (tmp_path / "none.png").exists()


def test_without_servers_the_command_says_where_to_name_one(db):
    with pytest.raises(CommandError, match="COMFY_SERVERS"):
        said("check")
