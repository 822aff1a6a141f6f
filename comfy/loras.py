"""Staff's LoRAs against what servers have: present, missing, or several files that could be meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from comfy.models import Lora, Server, Workflow
from comfy.pool import spellings

State = Literal["present", "missing", "ambiguous"]


@dataclass(frozen=True)
class Found:
    """One LoRA on one server: how the server writes its file, where that is certain."""

    lora: Lora
    server: Server
    state: State
    files: tuple[str, ...]


def reconcile() -> list[Found]:
    """Every LoRA against every enabled server, by what was last seen there."""
    servers = list(Server.objects.filter(enabled=True).defer("token"))
    return [found for lora in Lora.objects.all() for found in states_of(lora, servers)]


def states_of(lora: Lora, servers: Iterable[Server]) -> list[Found]:
    """One LoRA against these servers, by what was last seen there."""
    found = []
    for server in servers:
        files = tuple(spellings(server.files.get("lora_name", ()), lora.file_name))
        state: State = "missing" if not files else "present" if len(files) == 1 else "ambiguous"
        found.append(Found(lora, server, state, files))
    return found


def found_somewhere() -> set[str] | None:
    """Slugs of the LoRAs whose file some enabled server has, by what was last seen. None while no server was ever seen: then nothing is known."""
    seen = list(Server.objects.filter(enabled=True, last_seen__gt=0).values_list("files", flat=True))
    if not seen:
        return None
    rows = Lora.objects.values_list("slug", "file_name")
    return {slug for slug, file in rows if any(spellings(files.get("lora_name", ()), file) for files in seen)}


def lacking() -> dict[tuple[str, str], list[str]]:
    """The node classes that a server has not and a workflow needs, by slug and server, of those that were seen; an empty list: it could run."""
    servers = list(Server.objects.filter(enabled=True, last_seen__gt=0).defer("token"))
    needed = {
        workflow.slug: {node["class_type"] for node in workflow.current.graph.values()}
        for workflow in Workflow.objects.select_related("current")
        if workflow.current
    }
    return {(slug, server.name): sorted(classes - set(server.classes)) for slug, classes in needed.items() for server in servers}
