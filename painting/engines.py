"""Which engine paints: a name to an engine, and what `auto` and `draft` mean on this machine."""

from __future__ import annotations

from functools import lru_cache

from painting.builtin import Builtin
from painting.engine import Engine, EngineError

# What an order may ask for, and why it cannot be had here.
_NOT_SET_UP = {
    "comfyui": "No ComfyUI server is set up. Choose Draft or auto: both paint on this machine.",
    "openai": "No OpenAI key is set up. Choose Draft or auto: both paint on this machine.",
}


def choose(asked: str) -> str:
    """The name of the engine that takes an order for `auto`, `draft` or an engine's name. Raises EngineError when there is none."""
    if asked in ("auto", "draft", Builtin.name):
        return Builtin.name
    if asked in _NOT_SET_UP:
        raise EngineError(_NOT_SET_UP[asked], code="engine_not_configured", permanent=True)
    raise EngineError(f"There is no engine called '{asked}'. Choose auto or draft.", code="engine_unknown", permanent=True)


@lru_cache(maxsize=8)
def engine(name: str) -> Engine:
    """The engine of this name (or what `choose` makes of it). Raises EngineError."""
    choose(name)
    return Builtin()
