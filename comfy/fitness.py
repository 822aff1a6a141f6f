"""Whether the pool can paint what a template asks for, by what was last seen of each server. No server is asked: this is for pages and orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from comfy import pool
from comfy.binding import Filled
from comfy.models import Server
from comfy.needs import Needs, Recipe

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Fit:
    """One of a template's workflows and one server: what the server lacks for it, as words that follow its name; empty when it can."""

    workflow: str
    server: Server
    lacks: str


def can_paint(told: Mapping[str, Any]) -> bool:
    """Whether, for each workflow of a template's `needs`, some server that works can run it now. Raises NeedsRefused."""
    return _each_has_a_server(fits(told, pool.working()))


def could_paint(told: Mapping[str, Any]) -> bool:
    """Whether the pool could once its servers work: some enabled server can run each workflow, or was never seen. Raises NeedsRefused."""
    servers = list(Server.objects.filter(enabled=True).defer("token"))
    return any(not server.last_seen for server in servers) or _each_has_a_server(fits(told, servers))


def fits(told: Mapping[str, Any], servers: Iterable[Server]) -> list[Fit]:
    """A template's `needs` against these servers: the workflow around a product, and the one for a scene alone. Raises NeedsRefused."""
    needs, servers = Needs.from_data(told), list(servers)
    if not servers:
        return []
    return [
        Fit(slug, server, pool.lacks(server, filled, needs.family) or "")
        for slug in dict.fromkeys((needs.workflow, needs.scene_workflow))
        for filled in [_tried(needs, slug)]
        for server in servers
    ]


def _each_has_a_server(found: Iterable[Fit]) -> bool:
    able: dict[str, bool] = {}
    for fit in found:
        able[fit.workflow] = able.get(fit.workflow, False) or not fit.lacks
    return bool(able) and all(able.values())


def _tried(needs: Needs, slug: str) -> Filled:
    """The workflow as any order would fill it."""
    return Recipe.of(needs, slug, job_id=NOBODY, ratio=1.0, seed=0, prompt="", negative="").filled(1)
