"""Workflows: the real ones are taken and filled, hostile ones are refused before anything is sent."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from comfy import binding
from comfy.binding import LoraUse, ValueRefused, audit, fill, working_size
from comfy.client import Client, Job
from comfy.graphs import GraphRefused
from comfy.wire import Address
from tests.comfy.conftest import HURRY
from tests.fakes.comfy_paintbox import painted, png

FOLDER = Path(__file__).parents[2] / "comfy" / "workflows"
NAMES = sorted(path.name.removesuffix(".bindings.json") for path in FOLDER.glob("*.bindings.json"))
JOB = UUID("0b2c7f5e-0000-4000-8000-000000000001")
PREFIX = f"adsgem/{JOB}/p1"
OURS = "adsgem/" + "a" * 40 + ".png"


def workflow(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.json").read_text()), json.loads((FOLDER / f"{name}.bindings.json").read_text())


def values(name: str, **other: Any) -> dict[str, Any]:
    bound = workflow(name)[1]["bind"]
    plain = {"prompt": "a bottle", "negative": "", "seed": 5, "steps": 3, "width": 128, "height": 96, "reference_image": OURS, "mask": OURS,
             "checkpoint": "sdxl.safetensors", "upscale_model": "RealESRGAN_x2.pth", "filename_prefix": PREFIX}  # fmt: skip
    return {name: value for name, value in {**plain, **other}.items() if name in bound}


@pytest.mark.parametrize("name", NAMES)
def test_every_workflow_we_ship_passes_the_audit(name):
    audit(*workflow(name))


@pytest.mark.parametrize("loras", [0, 1, 2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_every_workflow_we_ship_runs_with_any_number_of_loras(server, name, loras):
    graph, bindings = workflow(name)
    if loras and not {"checkpoint", "diffusion_model"} & bindings["bind"].keys():
        with pytest.raises(ValueRefused, match="no model"):
            fill(graph, bindings, values(name), [LoraUse("style.safetensors", 0.5)])
        return
    used = [LoraUse(("style.safetensors", "product.safetensors")[number % 2], 0.1 * number) for number in range(loras)]
    filled = fill(graph, bindings, values(name), used)
    loaders = [node for node in filled.graph.values() if node["class_type"].startswith("LoraLoader")]
    assert [(node["inputs"]["lora_name"], node["inputs"]["strength_model"]) for node in loaders] == [(use.file, use.weight) for use in used]
    client = Client(Address(server.url), pace=HURRY)
    server.files[("input", "adsgem", OURS.split("/")[1])] = png(painted(128, 96, "reference"))
    job = Job(JOB, filled.graph, filled.output_node, filled.size, filled.samplers, may_be_flat=name == "smoke-no-model")
    assert client.run(job, lambda hint: None, before_post=lambda: None).picture.size == filled.size


def test_loras_are_chained_and_every_consumer_takes_the_last_one():
    filled = fill(*workflow("sd-text2img"), values("sd-text2img"), [LoraUse("a.safetensors", 0.4), LoraUse("b.safetensors", 0.6, 0.2)])
    graph = filled.graph
    assert graph["lora1"]["inputs"]["model"] == ["1", 0] and graph["lora2"]["inputs"]["model"] == ["lora1", 0]
    assert graph["7"]["inputs"]["model"] == ["lora2", 0]
    assert graph["4"]["inputs"]["clip"] == graph["5"]["inputs"]["clip"] == ["lora2", 1]
    assert graph["lora2"]["inputs"]["strength_clip"] == 0.2 and graph["lora1"]["inputs"]["strength_clip"] == 0.4
    assert graph["8"]["inputs"]["vae"] == ["1", 2], "what is no model and no text encoder stays where it was"


def test_without_loras_their_places_are_gone():
    graph = fill(*workflow("sd-hires-fix"), values("sd-hires-fix")).graph
    assert not [node for node in graph.values() if node["class_type"] == "LoraLoader"]
    assert graph["7"]["inputs"]["model"] == graph["11"]["inputs"]["model"] == ["1", 0]


def test_a_lora_that_the_workflow_itself_has_stays_and_ours_come_after_it():
    graph, bindings = workflow("sd-text2img")
    bindings["bind"]["loras"] = []
    filled = fill(graph, bindings, values("sd-text2img"), [LoraUse("ours.safetensors", 0.5)]).graph
    assert filled["lora1"]["inputs"]["model"] == ["3", 0] and filled["lora1"]["inputs"]["clip"] == ["3", 1]
    assert filled["3"]["inputs"]["model"] == ["2", 0] and filled["7"]["inputs"]["model"] == ["lora1", 0]


def test_filling_leaves_the_workflow_as_it_was_and_writes_every_place():
    graph, bindings = workflow("sd-hires-fix")
    before = copy.deepcopy(graph)
    filled = fill(graph, bindings, values("sd-hires-fix", seed=2**53 - 1))
    assert graph == before
    assert filled.graph["7"]["inputs"]["seed"] == filled.graph["11"]["inputs"]["seed"] == 2**53 - 1
    assert filled.size == (256, 192) and filled.samplers == ("7", "11") and filled.steps == 18


def test_words_are_values_and_never_become_part_of_the_graph():
    text = '"}, "99": {"class_type": "SaveLatent", "inputs": {}} ${seed} \\ "'
    filled = fill(*workflow("sd-text2img"), values("sd-text2img", prompt=text))
    assert filled.graph["4"]["inputs"]["text"] == text and "99" not in filled.graph


def test_what_a_workflow_needs_of_a_server_is_known():
    filled = fill(*workflow("sd-text2img"), values("sd-text2img"), [LoraUse("styles/film.safetensors", 0.5)])
    assert set(filled.files) == {("ckpt_name", "sdxl.safetensors"), ("lora_name", "styles/film.safetensors")}
    assert filled.classes == {
        "CheckpointLoaderSimple",
        "LoraLoader",
        "CLIPTextEncode",
        "EmptyLatentImage",
        "KSampler",
        "VAEDecode",
        "SaveImage",
    }
    windows = filled.respelled({("lora_name", "styles/film.safetensors"): "styles\\film.safetensors"})
    assert windows["lora1"]["inputs"]["lora_name"] == "styles\\film.safetensors"
    assert filled.graph["lora1"]["inputs"]["lora_name"] == "styles/film.safetensors"


@pytest.mark.parametrize(
    ("ratio", "family", "size"), [(1.0, "sdxl", (1024, 1024)), (9 / 16, "sdxl", (768, 1368)), (1.91, "sd15", (704, 368))]
)
def test_pictures_are_painted_at_the_size_that_the_model_was_made_for(ratio, family, size):
    assert working_size(ratio, workflow("sd-text2img")[1], family) == size


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", -1), ("seed", 2**53), ("seed", True), ("seed", "5"), ("steps", 0), ("steps", 1000), ("steps", 2.5), ("cfg", float("nan")),
     ("width", 100), ("width", 20_000), ("height", 8), ("batch_size", 99), ("checkpoint", "../secret.safetensors"), ("checkpoint", "model.ckpt"),
     ("checkpoint", "/etc/passwd"), ("reference_image", "../../etc/passwd"), ("reference_image", "example.png"), ("filename_prefix", "../x"),
     ("filename_prefix", "ads/job"), ("sampler", "euler; rm"), ("prompt", "x" * 5000), ("prompt", 7), ("denoise", 1.5), ("file", "x")],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(name, value):
    graph, bindings = workflow("sd-inpaint-keep-product")
    with pytest.raises(ValueRefused):
        fill(graph, bindings, {**values("sd-inpaint-keep-product"), name: value})


@pytest.mark.parametrize("use", [LoraUse("../x.safetensors", 0.5), LoraUse("x.pt", 0.5), LoraUse("x.safetensors", 9)])
def test_a_lora_out_of_range_is_refused(use):
    with pytest.raises(ValueRefused):
        fill(*workflow("sd-text2img"), values("sd-text2img"), [use])


def test_a_colour_that_is_too_large_for_its_node_is_refused_here_and_not_there():
    with pytest.raises(ValueRefused, match="color"):
        fill(*workflow("smoke-no-model"), values("smoke-no-model", seed=0x1FFFFFF))


def _set(node: str, name: str, value: Any):
    def change(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
        graph[node]["inputs"][name] = value

    return change


def _add(node: str, kind: str, inputs: dict[str, Any]):
    def change(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
        graph[node] = {"class_type": kind, "inputs": inputs}

    return change


def _bind(name: str, targets: Any):
    def change(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
        bindings["bind"][name] = targets

    return change


def _without(*path: str):
    def change(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
        box: Any = {"graph": graph, "bindings": bindings}
        for part in path[:-1]:
            box = box[part]
        del box[path[-1]]

    return change


def _many_nodes(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
    graph.update({f"x{number}": copy.deepcopy(graph["4"]) for number in range(300)})


def _circle(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        _add(one, "ImageScale", {"image": [other, 0], "upscale_method": "bicubic", "width": 8, "height": 8, "crop": "disabled"})(
            graph, bindings
        )


def _deep(graph: dict[str, Any], bindings: dict[str, Any]) -> None:
    box: list[Any] = []
    for _ in range(100_000):
        box = [box]
    graph["4"]["inputs"]["text"] = box


HOSTILE = {
    "a node that nobody allowed": (_add("99", "ExecutePython", {"code": "import os"}), "not allowed"),
    "a node that saves latents": (_add("99", "SaveLatent", {"samples": ["7", 0], "filename_prefix": "x"}), "not allowed"),
    "a node that reads latents": (_add("99", "LoadLatent", {"latent": "x"}), "not allowed"),
    "a node that reads outputs": (_add("99", "LoadImageOutput", {"image": "x.png"}), "not allowed"),
    "a node that saves a checkpoint": (_add("99", "CheckpointSave", {"model": ["1", 0]}), "not allowed"),
    "a node that calls a paid service": (_add("99", "OpenAIGPTImage1", {"prompt": "x"}), "not allowed"),
    "a picture sent over the socket": (_add("99", "SaveImageWebsocket", {"images": ["8", 0]}), "not allowed"),
    "a training node": (_add("99", "TrainLoraNode", {"model": ["1", 0]}), "not allowed"),
    "a second SaveImage": (_add("99", "SaveImage", {"images": ["8", 0], "filename_prefix": "x"}), "2 SaveImage"),
    "a file of the server's is read": (_add("99", "LoadImage", {"image": "../output/other.png"}), "would read a file"),
    "a circle": (_circle, "in a circle"),
    "a link to itself": (_set("2", "model", ["2", 0]), "in a circle"),
    "a million steps": (_set("7", "steps", 1_000_000), "150"),
    "a picture of 20,000 pixels": (_set("6", "width", 20_000), "8192"),
    "a huge batch": (_set("6", "batch_size", 4096), "8"),
    "a prefix that leaves the folder, unbound": (_without("bindings", "bind", "filename_prefix"), "'filename_prefix' is bound to nothing"),
    "a checkpoint outside the folder": (_set("1", "ckpt_name", "../../secret.safetensors"), "safetensors"),
    "a checkpoint that can carry code": (_set("1", "ckpt_name", "model.ckpt"), "safetensors"),
    "an absolute path": (_set("1", "ckpt_name", "/models/x.safetensors"), "safetensors"),
    "a link to nowhere": (_set("7", "model", ["404", 0]), "not there"),
    "an output that does not exist": (_set("7", "model", ["1", 9]), "does not have"),
    "a link of the wrong type": (_set("8", "samples", ["1", 0]), "takes LATENT"),
    "a list that is no link": (_set("4", "text", ["a", "b", "c"]), "no link"),
    "a missing input": (_without("graph", "7", "inputs", "seed"), "missing"),
    "an input that is not known": (_set("7", "callback", "http://evil"), "no input"),
    "an object for a number": (_set("7", "cfg", {"$ref": "x"}), "number"),
    "not a number": (_set("7", "cfg", float("nan")), "no plain"),
    "three hundred nodes": (_many_nodes, "nodes"),
    "nesting without end": (_deep, "plain number"),
    "a node without class": (lambda graph, bindings: graph.update({"99": {"inputs": {}}}), "no class"),
    "a node that is a text": (lambda graph, bindings: graph.update({"99": "x"}), "no class"),
    "an id that is a path": (_add("../9", "VAELoader", {"vae_name": "x.safetensors"}), "id"),
    "a seed that is not bound": (_without("bindings", "bind", "seed"), "seed"),
    "a width that is not bound": (_without("bindings", "bind", "width"), "width"),
    "words bound to a link": (_bind("prompt", [{"node": "7", "input": "positive"}]), "linked"),
    "words bound to a path": (_bind("prompt", [{"node": "9", "input": "filename_prefix"}]), "cannot be bound"),
    "words bound to a model's name": (_bind("negative", [{"node": "1", "input": "ckpt_name"}]), "cannot be bound"),
    "a binding of a node that is gone": (_bind("seed", [{"node": "404", "input": "seed"}]), "not there"),
    "a binding that no order fills": (_bind("api_key", [{"node": "7", "input": "seed"}]), "no order fills"),
    "a place for a LoRA that is none": (_bind("loras", [{"node": "7"}]), "no LoRA loader"),
    "an output that is no SaveImage": (lambda graph, bindings: bindings["output"].update(node="8"), "output"),
    "one input bound twice": (_bind("negative", [{"node": "4", "input": "text"}]), "bound twice"),
    "defaults out of range": (lambda graph, bindings: bindings["defaults"]["sdxl"].update(steps=10**6), "steps"),
    "limits that are no numbers": (lambda graph, bindings: bindings["limits"].update(max_size="big"), "limits"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused_with_a_sentence_and_nothing_is_sent(server, name):
    change, says = HOSTILE[name]
    graph, bindings = workflow("sd-text2img")
    change(graph, bindings)
    with pytest.raises(GraphRefused, match=says) as refused:
        audit(graph, bindings)
    assert all(problem.endswith((".", ")")) for problem in refused.value.problems)
    assert not server.requests


@pytest.mark.parametrize("graph", [None, [], {}, "x", 7, {"1": None}])
def test_what_is_no_graph_is_refused(graph):
    with pytest.raises(GraphRefused):
        audit(graph, {})


def test_a_workflow_saved_for_the_window_is_refused_with_how_to_export_it():
    with pytest.raises(GraphRefused, match=r"Export \(API\)"):
        audit({"nodes": [], "links": [], "version": 0.4}, {})


def test_a_custom_node_is_taken_only_where_staff_named_it():
    graph, bindings = workflow("sd-text2img")
    graph["50"] = {"class_type": "FancyUpscale", "inputs": {"image": ["8", 0], "strength": 0.4}}
    graph["9"]["inputs"]["images"] = ["50", 0]
    with pytest.raises(GraphRefused, match="FancyUpscale"):
        audit(graph, bindings)
    audit(graph, bindings, custom_nodes=["FancyUpscale"])
    assert "FancyUpscale" in fill(graph, bindings, values("sd-text2img")).classes


def test_every_parameter_of_our_bindings_is_one_that_orders_fill():
    bound = {name for each in NAMES for name in workflow(each)[1]["bind"]} - {"loras"}
    assert bound <= set(binding.PARAMETERS)
