"""What a template says that ComfyUI needs, read and checked, and filled into its workflow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from comfy.binding import Filled, LoraUse, ValueRefused, fill, working_size
from comfy.client import ROOM, Job
from comfy.graphs import model_file
from comfy.models import Lora, Workflow, WorkflowVersion

# What a template may set besides workflow, models and words: values for parameters of the workflow.
SETTINGS = ("steps", "steps_detail", "cfg", "guidance", "sampler", "scheduler", "denoise", "upscale_by")
MODELS = ("checkpoint", "diffusion_model", "text_encoder_1", "text_encoder_2", "vae", "weight_dtype", "upscale_model")
WITHOUT_PRODUCT = {"flux": "flux-text2img", "flux-dev": "flux-text2img", "flux-schnell": "flux-text2img"}
FRAMES = ("arch", "card", "circle", "full")


class NeedsRefused(ValueError):
    """A template whose settings for ComfyUI cannot be used. One sentence for staff."""


@dataclass(frozen=True)
class Needs:
    """The `needs` of a template for this engine. In JSON, with its defaults:

    ```json
    {"workflow": "sd-inpaint-keep-product",  // required: slug of a workflow; it paints around the product
     "scene_workflow": "sd-text2img",        // for orders without a product, or whose photograph has no cut-out
     "family": "sdxl",                       // whose defaults and size are taken: sd15, sdxl, flux-dev, flux-schnell
     "models": {"checkpoint": "studio_xl.safetensors"},   // files as servers list them
     "loras": [{"lora": "film-grain", "weight": 0.6}],    // slugs of LoRA rows, in order; the weight is held to the row's range
     "settings": {"steps": 28, "cfg": 6.0},  // steps, cfg, guidance, sampler, scheduler, denoise, upscale_by
     "frame": "arch"}                        // how a photograph without cut-out stands in the scene
    ```
    """

    workflow: str
    scene_workflow: str
    family: str = "sdxl"
    models: Mapping[str, str] = field(default_factory=dict)
    loras: tuple[tuple[str, float | None], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    frame: str = "arch"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Needs:
        """Read and check the JSON. Raises NeedsRefused."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise NeedsRefused(f"there is no field '{unknown[0]}'")
        workflow, family = data.get("workflow"), data.get("family", "sdxl")
        if not isinstance(workflow, str) or not workflow:
            raise NeedsRefused("'workflow' must be the slug of a workflow")
        if not isinstance(family, str):
            raise NeedsRefused("'family' must be a family of models, such as sdxl")
        if data.get("frame", "arch") not in FRAMES:
            raise NeedsRefused(f"'frame' must be one of {', '.join(FRAMES)}")
        return cls(
            workflow=workflow,
            scene_workflow=str(data.get("scene_workflow") or WITHOUT_PRODUCT.get(family, "sd-text2img")),
            family=family,
            models=_named(data.get("models") or {}, "models", MODELS),
            loras=_loras(data.get("loras") or ()),
            settings=_named(data.get("settings") or {}, "settings", SETTINGS),
            frame=data.get("frame", "arch"),
        )


@dataclass(frozen=True)
class Recipe:
    """One picture's way through one workflow: filled again for each server, since files are called differently there."""

    needs: Needs
    version: WorkflowVersion
    size: tuple[int, int]
    loras: tuple[Lora, ...]
    values: Mapping[str, Any]
    job_id: UUID

    @classmethod
    def of(cls, needs: Needs, slug: str, *, job_id: UUID, ratio: float, seed: int, prompt: str, negative: str) -> Recipe:
        """Put a picture's words and numbers together. Raises NeedsRefused for a workflow or LoRA that is not there."""
        workflow = Workflow.objects.select_related("current").filter(slug=slug).first()
        if workflow is None or workflow.current is None:
            raise NeedsRefused(f"there is no workflow '{slug}'")
        rows = {lora.slug: lora for lora in Lora.objects.filter(slug__in=[slug for slug, _weight in needs.loras])}
        gone = next((slug for slug, _weight in needs.loras if slug not in rows), None)
        if gone is not None:
            raise NeedsRefused(f"there is no LoRA '{gone}'")
        loras = tuple(rows[slug] for slug, _weight in needs.loras)
        unfit = next((lora for lora in loras if lora.family != needs.family.partition("-")[0]), None)
        if unfit is not None:
            # ComfyUI would paint without it and call that a success.
            raise NeedsRefused(
                f"the LoRA '{unfit.slug}' is made for {unfit.get_family_display()}, and the template's models are {needs.family}"
            )
        heard = (lora for lora, weight in zip(loras, _held(loras, needs), strict=True) if weight and lora.trigger_words.strip())
        triggers = ", ".join(lora.trigger_words.strip() for lora in heard)
        width, height = working_size(ratio, workflow.current.bindings, needs.family)
        values = {**needs.models, **needs.settings, "seed": seed, "width": width, "height": height, "batch_size": 1}
        values |= {"prompt": f"{prompt}, {triggers}"[:4000] if triggers else prompt[:4000], "negative": negative[:4000]}
        bound = workflow.current.bindings["bind"]
        return cls(
            needs, workflow.current, (width, height), loras, {name: value for name, value in values.items() if name in bound}, job_id
        )

    @property
    def kind(self) -> str:
        """txt2img, img2img or inpaint."""
        return str(self.version.bindings["kind"])

    @property
    def takes_mask(self) -> bool:
        """Whether product and mask are two pictures; else one with alpha is taken by an inpainting workflow."""
        return bool(self.version.bindings["bind"].get("mask"))

    def filled(self, number: int, *, reference: str = "", mask: str = "") -> Filled:
        """The graph for the time that it is sent as `number`. Raises NeedsRefused."""
        stand_in = f"{ROOM}/{hashlib.sha256(b'').hexdigest()[:40]}.png"
        names = {"reference_image": reference or stand_in, "mask": mask or stand_in, "filename_prefix": f"{ROOM}/{self.job_id}/p{number}"}
        bound = self.version.bindings["bind"]
        values = {**self.values, **{name: value for name, value in names.items() if name in bound}}
        uses = [LoraUse(lora.file_name, weight) for lora, weight in zip(self.loras, self.weights(), strict=True)]
        try:
            return fill(self.version.graph, self.version.bindings, values, uses, family=self.needs.family)
        except ValueRefused as error:
            raise NeedsRefused(str(error)) from error

    def weights(self) -> list[float]:
        """The LoRAs' weights, each held to its row's range."""
        return _held(self.loras, self.needs)

    def facts(self) -> dict[str, Any]:
        """For the ad's recipe."""
        loras = [
            {"lora": lora.slug, "file": lora.file_name, "weight": weight} for lora, weight in zip(self.loras, self.weights(), strict=True)
        ]
        told = {
            "workflow": self.version.workflow.slug,
            "workflow_hash": self.version.hash,
            "models": dict(self.needs.models),
            "loras": loras,
        }
        return {**told, "family": self.needs.family, "painted_at": list(self.size), "settings": dict(self.needs.settings)}


def with_loras(told: Mapping[str, Any], rows: Iterable[tuple[str, float]], *, strength: float | None = None) -> dict[str, Any]:
    """A template's `needs` with the LoRAs that staff gave it as rows: pairs of slug and weight, after those that it names itself.

    A row decides the weight of a LoRA that is named in both places. `strength` is an order's: the weight of every LoRA in place of its own.
    """
    weights = {one["lora"]: one.get("weight") for one in told.get("loras") or ()} | dict(rows)
    if not weights:
        return dict(told)
    return {**told, "loras": [{"lora": slug, "weight": weight if strength is None else strength} for slug, weight in weights.items()]}


def job_of(recipe: Recipe, filled: Filled, graph: Mapping[str, Any]) -> Job:
    """The job that a client runs, with time limits sized by its work."""
    megapixels = filled.size[0] * filled.size[1] / 1e6
    # A slow card makes about one step a second of a megapixel of SDXL; Flux takes three times that. Loading a model is in the base.
    pace = 9.0 if recipe.needs.family.startswith("flux") else 3.0
    seconds = min(600.0, max(150.0, 90.0 + filled.steps * megapixels * pace))
    return Job(recipe.job_id, graph, filled.output_node, filled.size, filled.samplers, run_seconds=seconds)


def _held(loras: Sequence[Lora], needs: Needs) -> list[float]:
    asked = zip(loras, (weight for _slug, weight in needs.loras), strict=True)
    return [min(max(lora.weight_default if weight is None else weight, lora.weight_min), lora.weight_max) for lora, weight in asked]


def _named(told: object, field_name: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(told, Mapping):
        raise NeedsRefused(f"'{field_name}' must be names with their values")
    for name, value in told.items():
        if name not in allowed:
            raise NeedsRefused(f"'{field_name}' has no '{name}'")
        if field_name == "models" and name != "weight_dtype" and not (isinstance(value, str) and model_file("UpscaleModelLoader", value)):
            raise NeedsRefused(f"'{name}' must be the name of a model's file")
    return dict(told)


def _loras(told: object) -> tuple[tuple[str, float | None], ...]:
    if not isinstance(told, list | tuple):
        raise NeedsRefused("'loras' must be a list")
    found = []
    for one in told:
        slug, weight = (one.get("lora"), one.get("weight")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(slug, str) or (weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float))):
            raise NeedsRefused("each of 'loras' must name a LoRA and may give a weight")
        found.append((slug, None if weight is None else float(weight)))
    return tuple(found)
