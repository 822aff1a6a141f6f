"""Which engine paints: a name to an engine, and what `auto` and `draft` mean on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from comfy import fitness
from comfy.models import Server
from comfy.needs import NeedsRefused
from painting import openai_account
from painting.builtin import Builtin
from painting.comfyui import ComfyUI
from painting.engine import Engine, EngineError

log = logging.getLogger(__name__)


def choose(asked: str, needs: Mapping[str, Any] | None = None) -> str:
    """The name of the engine that takes an order for `auto`, `draft` or an engine's name. Raises EngineError when there is none.

    `needs` is what the template says, by engine. `auto` takes ComfyUI when the template names a workflow and, by what was last seen, a server
    that works has all that it needs; else OpenAI when it is set up, works, and the template says what it needs of it.
    """
    if asked == "auto" and _can_comfyui(needs):
        return ComfyUI.name
    if asked == "auto" and needs and openai_account.NAME in needs and openai_account.healthy():
        return openai_account.NAME
    if asked in ("auto", "draft", Builtin.name):
        return Builtin.name
    if asked == ComfyUI.name:
        return _comfyui(needs)
    if asked == openai_account.NAME:
        return _openai(needs)
    raise EngineError(f"There is no engine called '{asked}'. Choose auto or draft.", code="engine_unknown", permanent=True)


@lru_cache(maxsize=8)
def engine(name: str) -> Engine:
    """The engine of this name, as a picture's row has it (or what `choose` makes of it). Raises EngineError."""
    if name == ComfyUI.name:
        return ComfyUI()  # also while no server is set up: what was ordered from it waits, or is found again
    if name == openai_account.NAME:
        from painting.openai_images import OpenAIImages  # here, since OpenAI's library takes a third of a second to load

        return OpenAIImages()  # also while no key is set: what was ordered from it waits
    choose(name)
    return Builtin()


def model_of(name: str) -> str:
    """The model that pictures of this engine are bought from, by the token; empty where painting costs no money."""
    return str(settings.OPENAI_IMAGE_MODEL) if name == openai_account.NAME else ""


def _comfyui(needs: Mapping[str, Any] | None) -> str:
    if not Server.objects.filter(enabled=True).exists():
        sentence = "No ComfyUI server is set up. Choose Draft or auto: both paint on this machine."
        raise EngineError(sentence, code="engine_not_configured", permanent=True)
    if needs is not None and not _has_workflow(needs):
        raise EngineError("This template is not made for ComfyUI. Choose Draft or auto.", code="engine_not_for_template", permanent=True)
    try:
        if needs is None or fitness.could_paint(needs[ComfyUI.name]):
            return ComfyUI.name
    except NeedsRefused as error:
        sentence = f"The template's settings for ComfyUI are wrong: {error}. Choose Draft or auto."
        raise EngineError(sentence, code="needs_invalid", permanent=True) from error
    sentence = "No picture server has the models that this template needs. Choose another template, Draft or auto."
    raise EngineError(sentence, code="model_missing", permanent=True)


def _openai(needs: Mapping[str, Any] | None) -> str:
    if sentence := openai_account.missing():
        raise EngineError(sentence, code="engine_not_configured", permanent=True)
    if needs is not None and openai_account.NAME not in needs:
        raise EngineError("This template is not made for OpenAI. Choose Draft or auto.", code="engine_not_for_template", permanent=True)
    return openai_account.NAME


def _can_comfyui(needs: Mapping[str, Any] | None) -> bool:
    try:
        return needs is not None and _has_workflow(needs) and fitness.can_paint(needs[ComfyUI.name])
    except NeedsRefused as error:
        log.warning("A template's settings for ComfyUI are wrong, so another engine paints: %s", error)
        return False


def _has_workflow(needs: Mapping[str, Any] | None) -> bool:
    return bool(needs and (needs.get(ComfyUI.name) or {}).get("workflow"))
