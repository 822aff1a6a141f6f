"""What ComfyUI's own words mean, by the recordings of a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy import errors
from tests.fakes.comfy_server import RECORDINGS


def told(node_type: str, kind: str, message: str) -> dict[str, Any]:
    return {"node_id": "1", "node_type": node_type, "exception_type": kind, "exception_message": message, "traceback": ["<comfyui>/x.py"]}


def recorded_failures() -> list[dict[str, Any]]:
    events = json.loads((RECORDINGS / "execution-errors.json").read_text())["events"]
    return [event["json"]["data"] for event in events if event["kind"] == "ws" and event["json"]["type"] == "execution_error"]


def test_every_recorded_failure_has_the_class_that_says_what_to_do():
    classes = [(told["node_type"], type(errors.failure(told))) for told in recorded_failures()]
    assert set(classes) == {
        ("LoadImage", errors.NodeFailed),
        ("SaveImage", errors.NodeFailed),
        ("CheckpointLoaderSimple", errors.ModelBroken),
        ("LoraLoader", errors.ModelBroken),
        ("EmptyLatentImage", errors.OutOfMemory),
    }


@pytest.mark.parametrize(
    ("node", "kind", "message", "meant"),
    [
        ("KSampler", "torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory.", errors.OutOfMemory),
        ("CheckpointLoaderSimple", "torch.cuda.OutOfMemoryError", "x", errors.OutOfMemory),
        ("KSampler", "RuntimeError", "CUDA error: device-side assert triggered", errors.ServerSick),
        ("VAEDecode", "torch.AcceleratorError", "x", errors.ServerSick),
        ("UpscaleModelLoader", "_pickle.UnpicklingError", "Weights only load failed.", errors.ModelBroken),
        ("LoraLoaderModelOnly", "FileNotFoundError", "x", errors.ModelBroken),
        ("LoadImage", "FileNotFoundError", "x", errors.InputGone),
        ("KSampler", "RuntimeError", "mat1 and mat2 shapes cannot be multiplied", errors.NodeFailed),
    ],
)
def test_words_that_were_not_recorded_are_understood_too(node, kind, message, meant):
    assert type(errors.failure(told(node, kind, message))) is meant


def test_every_recorded_refusal_is_told_apart():
    events = json.loads((RECORDINGS / "prompt-errors.json").read_text())["events"]
    bodies = [
        event["response"]["json"]
        for event in events
        if event["kind"] == "http" and event["response"]["status"] == 400 and "json" in event["response"]
    ]
    classes = [type(errors.refusal(body)) for body in bodies]
    assert classes.count(errors.ModelMissing) == 3, "a checkpoint, a LoRA, and both of two bad nodes"
    assert classes.count(errors.InputGone) == 2
    assert set(classes) == {errors.ModelMissing, errors.InputGone, errors.WorkflowInvalid}
    assert all("<comfyui>" not in str(errors.refusal(body)) for body in bodies)
    two = next(body for body in bodies if len(body["node_errors"]) == 2)
    assert "nope.safetensors" in str(errors.refusal(two))
