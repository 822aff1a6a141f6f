"""Graphs in ComfyUI's API format: what may stand in one. Parsed and judged once, when staff save it; nothing reaches a server before."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

# The core nodes that may be used, with the inputs they need and what they give. Everything else is refused: nodes that write files
# of their own, read other people's, send data out or run code. Custom nodes only where staff named them on a server.
_NODES = Path(__file__).with_name("nodes.json")

NODES_AT_MOST, CHARACTERS_AT_MOST = 200, 300_000
# Below what the nodes themselves would take: a picture must not occupy a server for an hour.
CAPS = {"steps": 150, "width": 8192, "height": 8192, "batch_size": 8, "amount": 8, "scale_by": 4, "megapixels": 64, "end_at_step": 10_000}
FILE_INPUTS = frozenset(
    {"ckpt_name", "lora_name", "vae_name", "unet_name", "clip_name", "clip_name1", "clip_name2", "model_name", "control_net_name"}
)
MODEL_FILE = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][\w .()+,@/\\-]{0,180}\.(safetensors|sft|gguf)")
UPSCALER_FILE = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][\w .()+,@/\\-]{0,180}\.(safetensors|sft|pth)")
CHOICE = re.compile(r"[\w .+()-]{1,80}")
IMAGE_READERS = frozenset({"LoadImage", "LoadImageMask"})

Graph = Mapping[str, Any]


class GraphRefused(ValueError):
    """A workflow that may not be used. `problems` are sentences for staff, each naming node and input."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


@cache
def known_nodes() -> Mapping[str, Mapping[str, Any]]:
    """The nodes that may be used everywhere: their required and optional inputs (type, least, most) and their outputs."""
    nodes: Mapping[str, Mapping[str, Any]] = json.loads(_NODES.read_text(encoding="utf-8"))
    return nodes


def is_link(value: object) -> bool:
    """Whether an input's value is the output of another node."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int


def links(graph: Graph) -> Iterator[tuple[str, str, str, int]]:
    """Every link as (node, input, node it comes from, output of that)."""
    for node, told in graph.items():
        for name, value in told["inputs"].items():
            if is_link(value):
                yield node, name, value[0], value[1]


def reached_from(graph: Graph, node: str) -> set[str]:
    """This node and everything above it: what runs for it."""
    found: set[str] = set()
    todo = [node]
    while todo:
        one = todo.pop()
        if one in found or one not in graph:
            continue
        found.add(one)
        todo += [value[0] for value in graph[one]["inputs"].values() if is_link(value)]
    return found


def judge(graph: object, *, custom_nodes: Collection[str] = ()) -> None:
    """Refuse what is no API-format graph of allowed nodes. Raises GraphRefused with everything that is wrong, in sentences."""
    problems = _form(graph)
    if problems:
        raise GraphRefused(problems)
    assert isinstance(graph, Mapping)
    for node, told in graph.items():
        problems += _node(graph, node, told, custom_nodes)
    if not problems and _has_cycle(graph):
        problems.append("The workflow runs in a circle: a node needs its own result.")
    if problems:
        raise GraphRefused(problems)


def type_of(graph: Graph, node: str, name: str) -> str:
    """What an input takes (`INT`, `STRING`, `MODEL`, ...); empty for a custom node's."""
    known = known_nodes().get(graph[node]["class_type"], {})
    spec = known.get("required", {}).get(name) or known.get("optional", {}).get(name) or [""]
    return str(spec[0])


def _form(graph: object) -> list[str]:
    """Whether it is a graph at all."""
    if isinstance(graph, Mapping) and isinstance(graph.get("nodes"), list):
        return [
            "This file is a workflow as ComfyUI's window saves it. In ComfyUI choose Workflow, then Export (API), and upload the file that gives."
        ]
    if not isinstance(graph, Mapping) or not graph:
        return ["This is no workflow. Upload the JSON file that ComfyUI's Workflow, Export (API) gives."]
    if len(graph) > NODES_AT_MOST:
        return [f"The workflow has {len(graph)} nodes. At most {NODES_AT_MOST} are allowed."]
    problems = []
    for node, told in graph.items():
        if not isinstance(node, str) or not re.fullmatch(r"[\w:.-]{1,40}", node):
            problems.append("A node has an id that is no short text.")
        elif not isinstance(told, Mapping) or not isinstance(told.get("class_type"), str) or not isinstance(told.get("inputs"), Mapping):
            problems.append(f"Node {node} has no class or no inputs. Export the workflow again with Export (API).")
    try:
        size = len(json.dumps(graph, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return [*problems, "The workflow holds something that is no plain number, text or link."]
    return problems + ([f"The workflow is larger than {CHARACTERS_AT_MOST:,} characters."] if size > CHARACTERS_AT_MOST else [])


def _node(graph: Graph, node: str, told: Mapping[str, Any], custom_nodes: Collection[str]) -> list[str]:
    kind = told["class_type"]
    where = f"Node {node} ({kind})"
    known = known_nodes().get(kind)
    if known is None:
        if kind not in custom_nodes:
            return [f"{where}: this kind of node is not allowed. Take it out, or name it on the servers that have it."]
        return [problem for name, value in told["inputs"].items() for problem in _link_or_plain(graph, where, name, value)]
    problems = [f"{where}: the input '{name}' is missing." for name in known["required"] if name not in told["inputs"]]
    taken = {**known["required"], **known.get("optional", {})}
    for name, value in told["inputs"].items():
        spec = taken.get(name)
        if spec is None:
            problems.append(f"{where}: there is no input '{name}'.")
        elif isinstance(value, list):
            problems += _linked(graph, where, name, value, spec[0])
        else:
            problems += _plain(where, kind, name, value, spec)
    return problems


def _link_or_plain(graph: Graph, where: str, name: str, value: object) -> list[str]:
    """A custom node's input: types are not known, so only its form is judged."""
    if isinstance(value, list):
        return _linked(graph, where, name, value, "")
    return [] if value is None or isinstance(value, str | int | float | bool) else [f"{where}: '{name}' is no plain value."]


def _linked(graph: Graph, where: str, name: str, value: list[Any], wanted: str) -> list[str]:
    if not is_link(value):
        return [f"{where}: '{name}' is a list and no link."]
    source, output = value
    if source not in graph:
        return [f"{where}: '{name}' is linked to node {source}, which is not there."]
    given = known_nodes().get(graph[source]["class_type"], {}).get("output")
    if given is None:
        return []
    if not 0 <= output < len(given):
        return [f"{where}: '{name}' is linked to an output that node {source} does not have."]
    if wanted and given[output] != wanted:
        return [f"{where}: '{name}' takes {wanted} and is linked to {given[output]}."]
    return []


def _plain(where: str, kind: str, name: str, value: object, spec: list[Any]) -> list[str]:
    takes = spec[0]
    if takes in ("INT", "FLOAT"):
        return _number(where, name, value, spec)
    if takes == "BOOLEAN":
        return [] if isinstance(value, bool) else [f"{where}: '{name}' must be true or false."]
    if takes == "STRING":
        return [] if isinstance(value, str) and len(value) <= 10_000 else [f"{where}: '{name}' must be a text."]
    if takes != "CHOICE":
        return [f"{where}: '{name}' must be linked to a node that gives {takes}."]
    if kind in IMAGE_READERS and name == "image":
        return []  # a placeholder: it must be bound, see binding.audit
    if not isinstance(value, str):
        return [f"{where}: '{name}' must be a text."]
    if name in FILE_INPUTS:
        return [] if model_file(kind, value) else [f"{where}: '{name}' must be the name of a .safetensors file below the server's folder."]
    return [] if CHOICE.fullmatch(value) else [f"{where}: '{name}' is no choice of ComfyUI's."]


def model_file(kind: str, name: str) -> bool:
    """Whether a name may be a model's. Formats that can carry code are not taken, but for upscalers, which come in no other."""
    return bool((UPSCALER_FILE if kind == "UpscaleModelLoader" else MODEL_FILE).fullmatch(name))


def _number(where: str, name: str, value: object, spec: list[Any]) -> list[str]:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or (spec[0] == "INT" and not isinstance(value, int))
    ):
        return [f"{where}: '{name}' must be a {'whole ' if spec[0] == 'INT' else ''}number."]
    low, high = (spec + [None, None])[1:3]
    high = min(high if high is not None else math.inf, CAPS.get(name, math.inf))
    if (low is not None and value < low) or value > high:
        return [f"{where}: '{name}' is {value}; it may be {low if low is not None else 'anything'} to {high}."]
    return []


def _has_cycle(graph: Graph) -> bool:
    """Nodes are taken away as long as some need nothing that is left."""
    needs = {node: {value[0] for value in told["inputs"].values() if is_link(value)} for node, told in graph.items()}
    while free := [node for node, needed in needs.items() if not needed]:
        for node in free:
            del needs[node]
        for needed in needs.values():
            needed.difference_update(free)
    return bool(needs)
