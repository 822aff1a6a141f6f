"""Which engine paints: a name to an engine, and what `auto` and `draft` mean on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from comfy import pool
from comfy.models import Server
from painting import openai_account
from painting.builtin import Builtin
from painting.comfyui import ComfyUI
from painting.engine import Engine, EngineError
from painting.openai_images import OpenAIImages


def choose(asked: str, needs: Mapping[str, Any] | None = None) -> str:
    """The name of the engine that takes an order for `auto`, `draft` or an engine's name. Raises EngineError when there is none.

    `needs` is what the template says, by engine. `auto` takes ComfyUI when a server works and the template names a workflow for it,
    else OpenAI when it is set up, works, and the template says what it needs of it.
    """
    if asked == "auto" and _has_workflow(needs) and pool.healthy():
        return ComfyUI.name
    if asked == "auto" and needs and OpenAIImages.name in needs and openai_account.healthy():
        return OpenAIImages.name
    if asked in ("auto", "draft", Builtin.name):
        return Builtin.name
    if asked == ComfyUI.name:
        return _comfyui(needs)
    if asked == OpenAIImages.name:
        return _openai(needs)
    raise EngineError(f"There is no engine called '{asked}'. Choose auto or draft.", code="engine_unknown", permanent=True)


@lru_cache(maxsize=8)
def engine(name: str) -> Engine:
    """The engine of this name, as a picture's row has it (or what `choose` makes of it). Raises EngineError."""
    if name == ComfyUI.name:
        return ComfyUI()  # also while no server is set up: what was ordered from it waits, or is found again
    if name == OpenAIImages.name:
        return OpenAIImages()  # also while no key is set: what was ordered from it waits
    choose(name)
    return Builtin()


def model_of(name: str) -> str:
    """The model that pictures of this engine are bought from, by the token; empty where painting costs no money."""
    return str(settings.OPENAI_IMAGE_MODEL) if name == OpenAIImages.name else ""


def _comfyui(needs: Mapping[str, Any] | None) -> str:
    if not Server.objects.filter(enabled=True).exists():
        sentence = "No ComfyUI server is set up. Choose Draft or auto: both paint on this machine."
        raise EngineError(sentence, code="engine_not_configured", permanent=True)
    if needs is not None and not _has_workflow(needs):
        raise EngineError("This template is not made for ComfyUI. Choose Draft or auto.", code="engine_not_for_template", permanent=True)
    return ComfyUI.name


def _openai(needs: Mapping[str, Any] | None) -> str:
    if sentence := openai_account.missing():
        raise EngineError(sentence, code="engine_not_configured", permanent=True)
    if needs is not None and OpenAIImages.name not in needs:
        raise EngineError("This template is not made for OpenAI. Choose Draft or auto.", code="engine_not_for_template", permanent=True)
    return OpenAIImages.name


def _has_workflow(needs: Mapping[str, Any] | None) -> bool:
    return bool(needs and (needs.get(ComfyUI.name) or {}).get("workflow"))
