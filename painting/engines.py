"""Which engine paints: a name to an engine, and what `auto` and `draft` mean on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from comfy import pool
from comfy.models import Server
from painting.builtin import Builtin
from painting.comfyui import ComfyUI
from painting.engine import Engine, EngineError

# What an order may ask for, and why it cannot be had here.
_NOT_SET_UP = {
    "comfyui": "No ComfyUI server is set up. Choose Draft or auto: both paint on this machine.",
    "openai": "No OpenAI key is set up. Choose Draft or auto: both paint on this machine.",
}


def choose(asked: str, needs: Mapping[str, Any] | None = None) -> str:
    """The name of the engine that takes an order for `auto`, `draft` or an engine's name. Raises EngineError when there is none.

    `needs` is what the template says, by engine. `auto` takes ComfyUI when a server works and the template names a workflow for it.
    """
    if asked == "auto" and _has_workflow(needs) and pool.healthy():
        return ComfyUI.name
    if asked in ("auto", "draft", Builtin.name):
        return Builtin.name
    if asked == ComfyUI.name and Server.objects.filter(enabled=True).exists():
        if needs is not None and not _has_workflow(needs):
            raise EngineError(
                "This template is not made for ComfyUI. Choose Draft or auto.", code="engine_not_for_template", permanent=True
            )
        return ComfyUI.name
    if asked in _NOT_SET_UP:
        raise EngineError(_NOT_SET_UP[asked], code="engine_not_configured", permanent=True)
    raise EngineError(f"There is no engine called '{asked}'. Choose auto or draft.", code="engine_unknown", permanent=True)


@lru_cache(maxsize=8)
def engine(name: str) -> Engine:
    """The engine of this name, as a picture's row has it (or what `choose` makes of it). Raises EngineError."""
    if name == ComfyUI.name:
        return ComfyUI()  # also while no server is set up: what was ordered from it waits, or is found again
    choose(name)
    return Builtin()


def _has_workflow(needs: Mapping[str, Any] | None) -> bool:
    return bool(needs and (needs.get(ComfyUI.name) or {}).get("workflow"))
