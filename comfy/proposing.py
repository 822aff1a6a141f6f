"""Bindings for a graph that comes without: what its nodes and links say about which input means what. A person looks at them before they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from comfy.binding import PARAMETERS, SEEDS
from comfy.graphs import IMAGE_READERS, Graph, GraphRefused, is_link, judge, reached_from

SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustomAdvanced")
EMPTY_LATENTS = ("EmptyLatentImage", "EmptySD3LatentImage")
INPAINTING = frozenset({"SetLatentNoiseMask", "VAEEncodeForInpaint", "InpaintModelConditioning"})
# Inputs that mean one thing wherever they stand.
PLAIN = {
    "checkpoint": (("CheckpointLoaderSimple", "ckpt_name"),),
    "diffusion_model": (("UNETLoader", "unet_name"),),
    "weight_dtype": (("UNETLoader", "weight_dtype"),),
    "text_encoder_1": (("DualCLIPLoader", "clip_name1"), ("CLIPLoader", "clip_name")),
    "text_encoder_2": (("DualCLIPLoader", "clip_name2"),),
    "vae": (("VAELoader", "vae_name"),),
    "upscale_model": (("UpscaleModelLoader", "model_name"),),
    "seed": tuple(SEEDS.items()),
    "steps": (("KSampler", "steps"), ("KSamplerAdvanced", "steps"), ("BasicScheduler", "steps")),
    "cfg": (("KSampler", "cfg"), ("KSamplerAdvanced", "cfg")),
    "sampler": (("KSampler", "sampler_name"), ("KSamplerAdvanced", "sampler_name"), ("KSamplerSelect", "sampler_name")),
    "scheduler": (("KSampler", "scheduler"), ("KSamplerAdvanced", "scheduler"), ("BasicScheduler", "scheduler")),
    "guidance": (("FluxGuidance", "guidance"),),
    "upscale_by": (("LatentUpscaleBy", "scale_by"),),
    "batch_size": (*((kind, "batch_size") for kind in EMPTY_LATENTS), ("RepeatLatentBatch", "amount")),
    "filename_prefix": (("SaveImage", "filename_prefix"),),
}


def propose(graph: object, *, custom_nodes: Iterable[str] = ()) -> dict[str, Any]:
    """Bindings as `binding.audit` takes them, as far as the graph tells. Raises GraphRefused for what is no graph of allowed nodes."""
    judge(graph, custom_nodes=frozenset(custom_nodes))
    assert isinstance(graph, Mapping)
    savers = [node for node, told in graph.items() if told["class_type"] == "SaveImage"]
    if len(savers) != 1:
        raise GraphRefused([f"The workflow has {len(savers)} SaveImage nodes. It must have exactly one, for the finished picture."])
    samplers = [node for node in _in_order(graph, savers[0]) if graph[node]["class_type"] in SAMPLERS]
    bind: dict[str, list[dict[str, str]]] = {name: found for name, where in PLAIN.items() if (found := _places(graph, where))}
    bind |= _words(graph, samplers) | _pictures(graph) | _size(graph)
    denoised = [node for node in samplers if "denoise" in graph[node]["inputs"]][-1:]
    if denoised:
        bind["denoise"] = [{"node": denoised[0], "input": "denoise"}]
    classes = {told["class_type"] for told in graph.values()}
    step = 16 if classes & {"UNETLoader", "EmptySD3LatentImage"} else 8
    return {
        "title": "",
        "kind": _kind(classes, samplers),
        "families": [],
        "bind": {**bind, "loras": []},
        "output": {"node": savers[0], "key": "images", "type": "output"},
        "progress_nodes": samplers,
        "defaults": {"own": _own_values(graph, bind)},
        "limits": {"size_multiple": step if samplers else 1, "min_size": 64, "max_size": 2048, "max_batch": 8},
    }


def _in_order(graph: Graph, node: str) -> list[str]:
    """Everything that a node needs, those above first."""
    order: list[str] = []

    def visit(one: str) -> None:
        for value in graph[one]["inputs"].values():
            if is_link(value) and value[0] not in order:
                visit(value[0])
        if one not in order:
            order.append(one)

    visit(node)
    return order


def _places(graph: Graph, where: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The nodes of these classes whose input of this name holds a plain value."""
    wanted = dict(where)
    return [
        {"node": node, "input": wanted[told["class_type"]]}
        for node, told in graph.items()
        if told["class_type"] in wanted and not is_link(told["inputs"].get(wanted[told["class_type"]], [None, 0]))
        and wanted[told["class_type"]] in told["inputs"]
    ]  # fmt: skip


def _words(graph: Graph, samplers: list[str]) -> dict[str, list[dict[str, str]]]:
    """The texts that lead to what samplers call positive and negative."""
    starts: dict[str, list[str]] = {"positive": [], "negative": []}
    for sampler in samplers:
        for name, value in graph[sampler]["inputs"].items():
            if is_link(value) and name in ("positive", "negative", "guider"):
                starts["negative" if name == "negative" else "positive"].append(value[0])
    found = {side: _texts(graph, nodes) for side, nodes in starts.items()}
    found["negative"] = [node for node in found["negative"] if node not in found["positive"]]
    named = {"prompt": found["positive"], "negative": found["negative"]}
    return {name: [{"node": node, "input": "text"} for node in nodes] for name, nodes in named.items() if nodes}


def _texts(graph: Graph, starts: list[str]) -> list[str]:
    above = set().union(*(reached_from(graph, start) for start in starts)) if starts else set()
    return [
        node
        for node in graph
        if node in above and graph[node]["class_type"] == "CLIPTextEncode" and not is_link(graph[node]["inputs"]["text"])
    ]


def _pictures(graph: Graph) -> dict[str, list[dict[str, str]]]:
    """A mask is what says so, in its class or its title; any other picture that is read is the reference."""
    bind: dict[str, list[dict[str, str]]] = {}
    for node, told in graph.items():
        if told["class_type"] in IMAGE_READERS:
            title = str((told.get("_meta") or {}).get("title", "")).lower()
            name = "mask" if told["class_type"] == "LoadImageMask" or "mask" in title else "reference_image"
            bind.setdefault(name, []).append({"node": node, "input": "image"})
    return bind


def _size(graph: Graph) -> dict[str, list[dict[str, str]]]:
    """Where the size is set: at the empty latent, else wherever a picture is scaled to a width and height."""
    for kinds in (EMPTY_LATENTS, ("ImageScale",)):
        bind = {side: _places(graph, [(kind, side) for kind in kinds]) for side in ("width", "height")}
        if all(bind.values()):
            return bind
    return {}


def _kind(classes: set[str], samplers: list[str]) -> str:
    reads = bool(classes & IMAGE_READERS)
    if not samplers:
        return "upscale" if reads else "smoke"
    if classes & INPAINTING:
        return "inpaint"
    return "img2img" if reads else "txt2img"


def _own_values(graph: Graph, bind: Mapping[str, list[dict[str, str]]]) -> dict[str, Any]:
    """What the graph itself says for size and sampling, where an order could say it, too."""
    values = {}
    for name in ("width", "height", "steps", "cfg", "guidance", "sampler", "scheduler", "denoise", "upscale_by"):
        for target in bind.get(name, ())[:1]:
            value = graph[target["node"]]["inputs"][target["input"]]
            if PARAMETERS[name].takes(value):
                values[name] = value
    return values
