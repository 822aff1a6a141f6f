"""A picture to see whether a server or a workflow works: painted at once, on exactly this server, shown to staff and kept nowhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from secrets import randbelow
from typing import Any
from uuid import uuid4

from PIL import Image, ImageDraw

from comfy import advice, pool, starters
from comfy.advice import FOLDERS
from comfy.binding import Filled, ValueRefused, fill, working_size
from comfy.client import ROOM, Client, Job
from comfy.errors import ComfyError, ModelMissing, ServerDown, WorkflowInvalid
from comfy.models import Server

SMOKE = "smoke-no-model"
# A person waits before the page; a worker would have more patience.
WAIT_SECONDS, RUN_SECONDS = 45, 180
WORDS = "a stone plinth before a pale wall, soft light from the left, photograph"


class TrialFailed(Exception):
    """There is no picture. The message says to staff why, and what to do."""


@dataclass(frozen=True)
class Trial:
    """The picture that came, and for how many seconds the server worked on it."""

    picture: Image.Image
    seconds: float


def smoke(server: Server) -> Trial:
    """A flat picture that needs no model: queue, worker, output folder and download work. Raises TrialFailed."""
    graph, bindings = starters.shipped(SMOKE)
    return run(server, graph, bindings, values={"width": 320, "height": 240})


def run(
    server: Server, graph: Mapping[str, Any], bindings: Mapping[str, Any], *, family: str = "", values: Mapping[str, Any] | None = None
) -> Trial:
    """Run an audited workflow on this server, whatever its breaker says and also while it is drained. Raises TrialFailed.

    `values` are what an order would fill, over the family's defaults; a product to show is drawn here.
    """
    job_id = uuid4()
    bound = bindings["bind"]
    width, height = working_size(1.0, bindings, family)
    told: dict[str, Any] = {"prompt": WORDS, "negative": "", "seed": randbelow(2**24), "width": width, "height": height, "batch_size": 1}
    told |= {"filename_prefix": f"{ROOM}/{job_id}/p1", **(values or {})}
    told = {name: value for name, value in told.items() if bound.get(name) or name in ("width", "height")}
    try:
        client = pool.client_of(server)
        filled = fill(graph, bindings, {**told, **drawn_product(client, bindings, (told["width"], told["height"]))}, family=family)
        limits = {"wait_seconds": WAIT_SECONDS, "run_seconds": RUN_SECONDS}
        job = Job(job_id, _as_written_there(server, filled), filled.output_node, filled.size, filled.samplers, may_be_flat=True, **limits)
        made = client.run(job, lambda hint: None, before_post=lambda: None)
    except ValueRefused as error:
        raise TrialFailed(str(error)) from error
    except ComfyError as error:
        raise TrialFailed(advice.told(error)) from error
    with suppress(ServerDown):  # the picture is here; an entry left in its history does no harm
        client.forget(job_id)
    return Trial(made.picture, made.seconds)


def drawn_product(client: Client, bindings: Mapping[str, Any], size: tuple[int, int]) -> dict[str, str]:
    """A drawn product, uploaded as pictures that the workflow reads: with a mask beside it, or cut out where an inpainting takes none.

    Gives their names for the graph; nothing for a workflow that reads no picture. Raises ComfyError.
    """
    bound = bindings["bind"]
    if not bound.get("reference_image"):
        return {}
    width, height = size
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle((width * 0.38, height * 0.3, width * 0.62, height * 0.9), radius=width // 24, fill=255)
    ground = Image.linear_gradient("L").resize(size).convert("RGB")
    product = Image.composite(Image.new("RGB", size, "#b4552d"), ground, mask)
    if bindings["kind"] == "inpaint" and not bound.get("mask"):
        product.putalpha(mask)
    names = {"reference_image": _uploaded(client, product)}
    return {**names, "mask": _uploaded(client, mask.convert("RGB"))} if bound.get("mask") else names


def _uploaded(client: Client, picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return client.upload(buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest())


def _as_written_there(server: Server, filled: Filled) -> Mapping[str, Any]:
    """The graph with model files as this server writes them. Raises ComfyError for what it lacks, as far as we know."""
    if nodes := sorted(filled.classes - set(server.classes)):
        raise WorkflowInvalid(f"{server} has no node {', '.join(nodes)}.")
    spelling = {}
    for name, file in filled.files:
        found = pool.spellings(server.files.get(name, ()), file)
        if not found:
            raise ModelMissing(f"{server} has no file '{file}' in models/{FOLDERS[name]}.")
        if len(found) > 1:
            raise ModelMissing(f"{server} has several files that could be '{file}': {', '.join(found)}.")
        spelling[name, file] = found[0]
    return filled.respelled(spelling)
