"""What we rely on, asked of the simulated server and, with COMFYUI_URL set, of a real one. No model is needed."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from comfy import errors
from comfy.client import Client, Job, Pace
from comfy.wire import Address
from tests.fakes.comfy_paintbox import painted, png
from tests.fakes.comfy_server import Simulator

REAL = os.environ.get("COMFYUI_URL", "")
PACE = Pace(first=0.05, slowest=0.5, unknown_gap=0.5, cancelling=10)


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.services)])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "real":
        if not REAL:
            pytest.skip("COMFYUI_URL names no server")
        yield Client(Address(REAL), pace=PACE)
        return
    with Simulator() as server:
        yield Client(Address(server.url), pace=PACE)


def smoke(colour: int, *, blurs: int = 0, size: tuple[int, int] = (128, 96)) -> Job:
    """A flat picture, scaled; each blur makes it take longer."""
    job_id = uuid4()
    graph: dict[str, Any] = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": colour}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "upscale_method": "bicubic", "width": size[0], "height": size[1], "crop": "disabled"}},
    }  # fmt: skip
    last = "2"
    for number in range(blurs):
        graph[f"b{number}"] = {"class_type": "ImageBlur", "inputs": {"image": [last, 0], "blur_radius": 31, "sigma": 10.0}}
        last = f"b{number}"
    graph["9"] = {"class_type": "SaveImage", "inputs": {"images": [last, 0], "filename_prefix": f"adsgem/{job_id}/p1"}}
    return Job(job_id, graph, "9", size, may_be_flat=True)


def quiet(hint: Any) -> None:
    """Hears hints and does nothing."""


def go() -> None:
    """May post."""


def test_a_picture_is_painted_and_fetched(client):
    hints: list[float] = []
    picture = client.run(smoke(0x336699), lambda hint: hints.append(hint.fraction), before_post=go).picture
    assert picture.size == (128, 96)
    assert picture.getpixel((5, 5)) == (0x33, 0x66, 0x99)
    assert hints == sorted(hints) and hints[-1] == 1.0


def test_what_is_done_is_found_again_and_forgotten_when_told(client):
    job = smoke(0x102030)
    client.run(job, quiet, before_post=go)
    assert client.where(job.id).state == "done"
    assert client.follow(job, quiet).picture.size == (128, 96)
    client.forget(job.id)
    assert client.where(job.id).state == "unknown"
    assert client.follow(job, quiet).picture.size == (128, 96), "its file has a name that is known"


def test_a_job_that_nobody_sent_is_lost(client):
    with pytest.raises(errors.Lost):
        client.follow(smoke(1), quiet)


def test_a_reference_picture_goes_in_and_comes_out(client):
    data = png(painted(64, 64, "reference"))
    name = client.upload(data, hashlib.sha256(data).hexdigest())
    job_id = uuid4()
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"adsgem/{job_id}/p1"}},
    }
    picture = client.run(Job(job_id, graph, "9", (64, 64)), quiet, before_post=go).picture
    assert picture.tobytes() == painted(64, 64, "reference").tobytes()


def test_a_reference_that_is_not_there_is_told_apart(client):
    job_id = uuid4()
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "adsgem/never-uploaded.png"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"adsgem/{job_id}/p1"}},
    }
    with pytest.raises(errors.InputGone):
        client.run(Job(job_id, graph, "9", (64, 64)), quiet, before_post=go)


def test_a_graph_with_a_missing_model_and_one_with_a_wrong_number_are_refused(client):
    checkpoint = {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "no-such-file.safetensors"}},
                  "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
                  "8": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 2]}},
                  "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "adsgem/x/p1"}}}  # fmt: skip
    with pytest.raises(errors.ModelMissing, match="no-such-file"):
        client.run(Job(uuid4(), checkpoint, "9", (64, 64)), quiet, before_post=go)
    wrong = smoke(0x1FFFFFF)  # a colour has 24 bits
    with pytest.raises(errors.WorkflowInvalid, match="EmptyImage"):
        client.run(wrong, quiet, before_post=go)
    assert client.where(wrong.id).state == "unknown"


def test_a_running_job_is_cancelled_and_the_next_one_runs(client):
    job = smoke(0x445566, blurs=40, size=(1024, 1024))
    box: dict[str, Any] = {}

    def work() -> None:
        try:
            box["made"] = client.run(job, quiet, before_post=go).picture
        except errors.ComfyError as error:
            box["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while client.where(job.id).state == "unknown":
        pass
    assert client.cancel(job.id)
    thread.join(60)
    # It may not have begun yet, or a quick machine has finished it; then the picture is whole.
    assert isinstance(box.get("error"), errors.Preempted | errors.Lost) or box["made"].size == (1024, 1024)
    assert client.run(smoke(0x778899), quiet, before_post=go).picture.size == (128, 96)


def test_a_cancelled_job_that_never_ran_is_nowhere(client):
    first, second = smoke(0x111111, blurs=25, size=(1024, 1024)), smoke(0x222222)
    threads = []
    for job in (first, second):
        threads.append(threading.Thread(target=_quietly, args=(client, job), daemon=True))
        threads[-1].start()
        while client.where(job.id).state == "unknown":
            pass
    assert client.cancel(second.id)
    assert client.where(second.id).state in ("unknown", "done")
    client.cancel(first.id)
    for thread in threads:
        thread.join(60)


def _quietly(client: Client, job: Job) -> None:
    try:
        client.run(job, quiet, before_post=go)
    except errors.ComfyError:
        return


def test_the_server_says_what_it_is_and_which_nodes_it_has(client):
    assert client.stats()["system"]["comfyui_version"]
    nodes = client.nodes()
    assert {"KSampler", "SaveImage", "LoadImage", "ImageBlur"} <= set(nodes)


def test_our_ids_are_taken_as_they_are(client):
    job = smoke(0x0A0B0C)
    client.run(job, quiet, before_post=go)
    entry = client.where(job.id).entry
    assert entry is not None and UUID(entry["prompt"][1]) == job.id
    assert entry["prompt"][3]["adsgem_job"] == str(job.id)
