"""What the ComfyUI tests share: a simulated server, a client that hurries, and a small job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from comfy.client import Client, Job, Pace
from comfy.wire import Address
from tests.fakes.comfy_server import Simulator

HURRY = Pace(first=0.02, slowest=0.1, unknown_gap=0.15, grace=0.6, dead_worker=0.5, cancelling=2.0, connect=1.0, read=2.0)


@pytest.fixture
def server() -> Iterator[Simulator]:
    """A ComfyUI of our own."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def client(server: Simulator) -> Client:
    """A client of it that does not dawdle."""
    return Client(Address(server.url), pace=HURRY)


def graph(seed: int = 7, *, steps: int = 4, size: tuple[int, int] = (96, 64), prefix: str = "p1", job: str = "") -> dict[str, Any]:
    """A small text to image graph."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "a bottle on wet stone", "clip": ["1", 1]}},
        "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["1", 1]}},
        "6": {"class_type": "EmptyLatentImage", "inputs": {"width": size[0], "height": size[1], "batch_size": 1}},
        "7": {
            "class_type": "KSampler",
            "inputs": {"model": ["1", 0], "positive": ["4", 0], "negative": ["5", 0], "latent_image": ["6", 0], "seed": seed, "steps": steps,
                       "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0},
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["7", 0], "vae": ["1", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": f"adsgem/{job}/{prefix}"}},
    }  # fmt: skip


@pytest.fixture
def job() -> Callable[..., Job]:
    """Makes jobs; `other` are fields of Job, or of the graph above."""

    def make(**other: Any) -> Job:
        job_id = other.pop("id", None) or uuid4()
        limits = {name: other.pop(name) for name in ("wait_seconds", "run_seconds") if name in other}
        size = other.get("size", (96, 64))
        return Job(job_id, graph(job=str(job_id), **other), "9", size, samplers=("7",), **limits)

    return make
