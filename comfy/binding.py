"""Bindings: which inputs of a graph an order fills. Audited when a workflow is saved; filled on a deep copy, value by value, never as text."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comfy.graphs import FILE_INPUTS, IMAGE_READERS, Graph, GraphRefused, is_link, judge, links, model_file, reached_from, type_of

OUR_FILE = re.compile(r"adsgem/[0-9a-f]{40}( \(\d+\))?\.png")
OUR_PREFIX = re.compile(r"adsgem/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/p\d{1,6}")
CHOICE = re.compile(r"[a-z0-9_]{1,40}")
KINDS = ("txt2img", "img2img", "inpaint", "upscale", "smoke")
SEEDS = {"KSampler": "seed", "KSamplerAdvanced": "noise_seed", "RandomNoise": "noise_seed"}
LORA_LOADERS = ("LoraLoader", "LoraLoaderModelOnly")


class ValueRefused(ValueError):
    """A value that an order may not put into a graph. One sentence."""


@dataclass(frozen=True)
class Parameter:
    """One thing that an order can fill: what may be said, and the inputs of nodes that it may be bound to."""

    inputs: tuple[str, ...]
    takes: Callable[[Any], bool]
    says: str


def _text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _model(kind: str = "") -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and model_file(kind, value)


_FILE = "the name of a .safetensors file"
PARAMETERS: Mapping[str, Parameter] = {
    "prompt": Parameter(("text",), _text(4000), "a text of at most 4,000 characters"),
    "negative": Parameter(("text",), _text(4000), "a text of at most 4,000 characters"),
    "seed": Parameter(("seed", "noise_seed", "color"), _whole(0, 2**53 - 1), "a whole number from 0 to 9,007,199,254,740,991"),
    "steps": Parameter(("steps",), _whole(1, 150), "a whole number from 1 to 150"),
    "steps_detail": Parameter(("steps",), _whole(1, 150), "a whole number from 1 to 150"),
    "cfg": Parameter(("cfg",), _number(0, 30), "a number from 0 to 30"),
    "guidance": Parameter(("guidance",), _number(0, 30), "a number from 0 to 30"),
    "sampler": Parameter(("sampler_name",), _matching(CHOICE), "the name of a sampler"),
    "scheduler": Parameter(("scheduler",), _matching(CHOICE), "the name of a scheduler"),
    "denoise": Parameter(("denoise",), _number(0, 1), "a number from 0 to 1"),
    "width": Parameter(("width",), _whole(1, 8192), "a whole number from 1 to 8,192"),
    "height": Parameter(("height",), _whole(1, 8192), "a whole number from 1 to 8,192"),
    "batch_size": Parameter(("batch_size", "amount"), _whole(1, 8), "a whole number from 1 to 8"),
    "upscale_by": Parameter(("scale_by",), _number(1, 4), "a number from 1 to 4"),
    "checkpoint": Parameter(("ckpt_name",), _model(), _FILE),
    "diffusion_model": Parameter(("unet_name",), _model(), _FILE),
    "weight_dtype": Parameter(("weight_dtype",), _matching(CHOICE), "a type of weights"),
    "text_encoder_1": Parameter(("clip_name1", "clip_name"), _model(), _FILE),
    "text_encoder_2": Parameter(("clip_name2",), _model(), _FILE),
    "vae": Parameter(("vae_name",), _model(), _FILE),
    "upscale_model": Parameter(("model_name",), _model("UpscaleModelLoader"), "the name of an upscale model's file"),
    "reference_image": Parameter(("image",), _matching(OUR_FILE), "a picture that was uploaded by us"),
    "mask": Parameter(("image",), _matching(OUR_FILE), "a picture that was uploaded by us"),
    "filename_prefix": Parameter(("filename_prefix",), _matching(OUR_PREFIX), "our own folder"),
}


@dataclass(frozen=True)
class LoraUse:
    """A LoRA in a picture: its file as servers list it, and its weights."""

    file: str
    weight: float
    clip_weight: float | None = None


@dataclass(frozen=True)
class Filled:
    """A graph that is ready to be sent: where its picture comes out, how large it is, and what a server must have for it."""

    graph: Mapping[str, Any]
    output_node: str
    samplers: tuple[str, ...]
    size: tuple[int, int]
    steps: int
    classes: frozenset[str]
    files: tuple[tuple[str, str], ...]  # (input that takes it, file)

    def respelled(self, spelling: Mapping[tuple[str, str], str]) -> Mapping[str, Any]:
        """The graph with model files written as one server writes them."""
        graph = copy.deepcopy(dict(self.graph))
        for told in graph.values():
            for name in FILE_INPUTS & told["inputs"].keys():
                value = told["inputs"][name]
                if isinstance(value, str):
                    told["inputs"][name] = spelling.get((name, value), value)
        return graph


def audit(graph: object, bindings: object, *, custom_nodes: Collection[str] = ()) -> None:
    """Refuse a workflow that could not be filled, or in which an order could reach what it must not. Raises GraphRefused with all problems."""
    judge(graph, custom_nodes=custom_nodes)
    assert isinstance(graph, Mapping)
    if not isinstance(bindings, Mapping) or not isinstance(bindings.get("bind"), Mapping):
        raise GraphRefused(["The workflow has no bindings: a file that says which inputs an order fills."])
    problems = _output(graph, bindings) + _slots(graph, bindings)
    bound: dict[tuple[str, str], str] = {}
    for name, targets in bindings["bind"].items():
        if name != "loras":
            problems += _targets(graph, name, targets, bound)
    problems += _unbound(graph, bindings, bound)
    if not problems:
        problems += _limits(bindings)
    if problems:
        raise GraphRefused(problems)


def fill(
    graph: Graph, bindings: Mapping[str, Any], values: Mapping[str, Any], loras: Sequence[LoraUse] = (), *, family: str = ""
) -> Filled:
    """A copy of an audited graph with an order's values in it. What the graph has no place for is left out.

    The family's defaults come first, `values` over them. Raises ValueRefused.
    """
    filled: dict[str, Any] = copy.deepcopy({node: dict(told) for node, told in graph.items()})
    bind, limits = bindings["bind"], bindings.get("limits") or {}
    told = {**(bindings.get("defaults") or {}).get(family, {}), **values}
    if not {"width", "height"} <= told.keys():
        raise ValueRefused("A picture needs a width and a height.")
    for name, value in told.items():
        parameter = PARAMETERS.get(name)
        if parameter is None:
            raise ValueRefused(f"There is nothing called '{name}' to fill.")
        if not parameter.takes(value):
            raise ValueRefused(f"'{name}' must be {parameter.says}.")
        if name in ("width", "height") and bind.get(name):
            _within(name, value, limits)
        for target in bind.get(name, ()):
            filled[target["node"]]["inputs"][target["input"]] = value
    _take_out(filled, bind.get("loras") or ())
    _put_in(filled, bind, loras)
    try:
        # What an order says may be right by itself and wrong for a node: a colour has 24 bits, a seed 53.
        judge(filled, custom_nodes={told["class_type"] for told in graph.values()})
    except GraphRefused as error:
        raise ValueRefused(str(error)) from error
    output = bindings["output"]["node"]
    running = {node: filled[node] for node in filled if node in reached_from(filled, output)}
    return Filled(
        graph=running,
        output_node=output,
        samplers=tuple(node for node in bindings.get("progress_nodes") or () if node in running),
        size=_size(told, bind, running),
        steps=sum(int(node["inputs"]["steps"]) for node in running.values() if type(node["inputs"].get("steps")) is int),
        classes=frozenset(node["class_type"] for node in running.values()),
        files=tuple(sorted({(name, value) for node in running.values() for name, value in node["inputs"].items() if name in FILE_INPUTS})),
    )


def working_size(ratio: float, bindings: Mapping[str, Any], family: str) -> tuple[int, int]:
    """Width and height to paint at for a picture of this width over height: the area that the model was made for, in steps of its own."""
    limits, native = bindings.get("limits") or {}, (bindings.get("defaults") or {}).get(family, {})
    area = int(native.get("width", 1024)) * int(native.get("height", 1024))
    step, least, most = int(limits.get("size_multiple", 8)), int(limits.get("min_size", 64)), int(limits.get("max_size", 2048))
    # Steps of 8 at least: latents have no finer.
    step = max(8, step)
    width, height = (max(least, min(most, round((area * part) ** 0.5 / step) * step)) for part in (ratio, 1 / ratio))
    return width, height


# --- auditing


def _output(graph: Graph, bindings: Mapping[str, Any]) -> list[str]:
    savers = [node for node, told in graph.items() if told["class_type"] == "SaveImage"]
    output = bindings.get("output")
    problems = []
    if len(savers) != 1:
        problems.append(f"The workflow has {len(savers)} SaveImage nodes. It must have exactly one, for the finished picture.")
    if (
        not isinstance(output, Mapping)
        or output.get("node") not in savers
        or (output.get("key"), output.get("type")) != ("images", "output")
    ):
        problems.append("The bindings' output must name the SaveImage node, its key 'images' and its type 'output'.")
    if bindings.get("kind") not in KINDS:
        problems.append(f"The bindings' kind must be one of {', '.join(KINDS)}.")
    for node in bindings.get("progress_nodes") or ():
        if node not in graph:
            problems.append(f"The bindings' progress_nodes name node {node}, which is not there.")
    return problems


def _targets(graph: Graph, name: str, targets: object, bound: dict[tuple[str, str], str]) -> list[str]:
    parameter = PARAMETERS.get(name)
    if parameter is None:
        return [f"The bindings name '{name}', which no order fills."]
    if not isinstance(targets, list):
        return [f"The binding of '{name}' must be a list of nodes and inputs."]
    problems = []
    for target in targets:
        node, field = (str(target.get("node")), str(target.get("input"))) if isinstance(target, Mapping) else ("", "")
        if node not in graph:
            problems.append(f"'{name}' is bound to node {node}, which is not there.")
        elif field not in graph[node]["inputs"]:
            problems.append(f"'{name}' is bound to an input '{field}' that node {node} does not have.")
        elif is_link(graph[node]["inputs"][field]):
            problems.append(f"'{name}' is bound to '{field}' of node {node}, which is linked to another node.")
        elif field not in parameter.inputs or not _fits(graph, node, field):
            problems.append(f"'{name}' cannot be bound to '{field}' of a {graph[node]['class_type']} node.")
        elif bound.setdefault((node, field), name) != name:
            problems.append(f"'{field}' of node {node} is bound twice, to '{name}' and to '{bound[node, field]}'.")
    return problems


def _fits(graph: Graph, node: str, field: str) -> bool:
    """Whether the input takes a plain value; a custom node's is not known, so its name alone decides."""
    kind = graph[node]["class_type"]
    if field == "text" and kind != "CLIPTextEncode":
        return False
    if field == "filename_prefix" and kind != "SaveImage":
        return False
    if field == "image":
        return kind in IMAGE_READERS
    return type_of(graph, node, field) in ("", "INT", "FLOAT", "STRING", "CHOICE")


def _unbound(graph: Graph, bindings: Mapping[str, Any], bound: Mapping[tuple[str, str], str]) -> list[str]:
    """What must be bound: seed, size and name of every picture, the words, and every file that is read."""
    problems = []
    must = {"width", "height", "filename_prefix"}
    if any(told["class_type"] in SEEDS for told in graph.values()):
        must.add("seed")
    if bindings.get("kind") in ("txt2img", "img2img", "inpaint"):
        must.add("prompt")
    if bindings.get("kind") in ("img2img", "inpaint", "upscale"):
        must.add("reference_image")
    for name in sorted(must - set(bound.values())):
        problems.append(f"'{name}' is bound to nothing.")
    for node, told in graph.items():
        kind = told["class_type"]
        if kind in SEEDS and not is_link(told["inputs"].get(SEEDS[kind])) and bound.get((node, SEEDS[kind])) != "seed":
            problems.append(f"The seed of node {node} ({kind}) is not bound to 'seed'.")
        if kind in ("EmptyLatentImage", "EmptySD3LatentImage"):
            problems += [
                f"'{side}' of node {node} ({kind}) is not bound to '{side}'."
                for side in ("width", "height")
                if bound.get((node, side)) != side
            ]
        if kind in IMAGE_READERS and bound.get((node, "image")) not in ("reference_image", "mask"):
            problems.append(f"Node {node} ({kind}) would read a file of the server's. Bind its image to 'reference_image' or 'mask'.")
    return problems


def _slots(graph: Graph, bindings: Mapping[str, Any]) -> list[str]:
    slots = bindings["bind"].get("loras") or []
    if not isinstance(slots, list):
        return ["The binding of 'loras' must be a list of nodes."]
    problems = []
    for slot in slots:
        node = str(slot.get("node")) if isinstance(slot, Mapping) else ""
        if node not in graph or graph[node]["class_type"] not in LORA_LOADERS:
            problems.append(f"The bindings call node {node} a place for a LoRA, and it is no LoRA loader.")
    return problems


def _limits(bindings: Mapping[str, Any]) -> list[str]:
    limits = bindings.get("limits") or {}
    good = isinstance(limits, Mapping) and all(
        type(limits.get(name, low)) is int and low <= limits.get(name, low) <= high
        for name, low, high in (("size_multiple", 1, 128), ("min_size", 1, 8192), ("max_size", 1, 8192), ("max_batch", 1, 8))
    )
    problems = [] if good else ["The bindings' limits must be whole numbers: size_multiple, min_size, max_size, max_batch."]
    for family, values in (bindings.get("defaults") or {}).items():
        problems += [
            f"The default '{name}' of {family} must be {PARAMETERS[name].says if name in PARAMETERS else 'left out'}."
            for name, value in values.items()
            if name not in PARAMETERS or not PARAMETERS[name].takes(value)
        ]
    return problems


# --- filling


def _within(name: str, value: int, limits: Mapping[str, Any]) -> None:
    step, least, most = int(limits.get("size_multiple", 1)), int(limits.get("min_size", 1)), int(limits.get("max_size", 8192))
    if value % step or not least <= value <= most:
        raise ValueRefused(f"'{name}' must be a multiple of {step} from {least} to {most}.")


def _size(values: Mapping[str, Any], bind: Mapping[str, Any], graph: Graph) -> tuple[int, int]:
    """What the picture will measure: latents have eighths of pixels, and an upscaled latent is rounded once more."""
    width, height = (int(values[side]) for side in ("width", "height"))
    scales = [float(graph[target["node"]]["inputs"][target["input"]]) for target in bind.get("upscale_by") or () if target["node"] in graph]
    for scale in scales:
        width, height = (round(side // 8 * scale) * 8 for side in (width, height))
    return width, height


def _take_out(graph: dict[str, Any], slots: Sequence[Mapping[str, Any]]) -> None:
    """Take the placeholders for LoRAs out: whoever was linked to one is linked to what it was linked to."""
    for slot in slots:
        gone = graph.pop(slot["node"])["inputs"]
        before = {0: gone.get("model"), 1: gone.get("clip")}
        for node, name, source, output in list(links(graph)):
            if source == slot["node"]:
                graph[node]["inputs"][name] = list(before[output] or ())


def _put_in(graph: dict[str, Any], bind: Mapping[str, Any], loras: Sequence[LoraUse]) -> None:
    """Append LoRAs at the tail of the model's (and its text encoder's) chain, one after the other, and link every consumer to the last."""
    if not loras:
        return
    roots = [target["node"] for name in ("checkpoint", "diffusion_model") for target in bind.get(name) or ()]
    if not roots:
        raise ValueRefused("This workflow has no model that a LoRA could be put on.")
    model: list[Any] = _tail(graph, [roots[0], 0], "model")
    # A checkpoint brings its text encoder along; where that is loaded by itself, LoRAs are put on the model alone.
    clip = _tail(graph, [roots[0], 1], "clip") if graph[roots[0]]["class_type"] == "CheckpointLoaderSimple" else None
    waiting = [(node, name) for node, name, source, output in links(graph) if [source, output] == model]
    waiting_clip = [(node, name) for node, name, source, output in links(graph) if [source, output] == clip]
    for number, lora in enumerate(loras, start=1):
        if not model_file("", lora.file) or not -2 <= lora.weight <= 2 or not -2 <= (lora.clip_weight or 0) <= 2:
            raise ValueRefused("A LoRA needs the name of a .safetensors file and a weight from -2 to 2.")
        new = _free_id(graph, number)
        inputs: dict[str, Any] = {"model": model, "lora_name": lora.file, "strength_model": float(lora.weight)}
        if clip is not None:
            inputs |= {"clip": clip, "strength_clip": float(lora.weight if lora.clip_weight is None else lora.clip_weight)}
            clip = [new, 1]
        graph[new] = {"class_type": "LoraLoader" if clip is not None else "LoraLoaderModelOnly", "inputs": inputs}
        model = [new, 0]
    for node, name in waiting:
        graph[node]["inputs"][name] = list(model)
    for node, name in waiting_clip:
        graph[node]["inputs"][name] = list(clip or ())


def _tail(graph: Graph, start: list[Any], name: str) -> list[Any]:
    """The last of the LoRA loaders that the workflow itself has in a row after `start`, or `start`."""
    tail = start
    while True:
        after = [
            node
            for node, told in graph.items()
            if told["class_type"] in LORA_LOADERS
            and told["inputs"].get(name) == tail
            and (name == "model" or told["class_type"] == "LoraLoader")
        ]
        if len(after) != 1:
            return tail
        tail = [after[0], start[1]]


def _free_id(graph: Graph, number: int) -> str:
    wanted = f"lora{number}"
    while wanted in graph:
        wanted += "_"
    return wanted
