"""What staff may do with servers and workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from comfy import pool
from comfy.binding import audit
from comfy.client import Pace
from comfy.errors import ServerRefused
from comfy.models import Server, Workflow, WorkflowVersion
from keeping.fetch import FetchRefused, judge
from keeping.versions import hash_of

SHORT = Pace(connect=1.5, read=3.0)  # seconds, while a person looks at a page


@transaction.atomic
def save_workflow(
    *, slug: str, title: str, graph: object, bindings: object, by: Any = None, note: str = "", starter: bool = False
) -> Workflow:
    """Save a workflow as a new version, unless it says what the current one says. Raises GraphRefused with everything that is wrong.

    `by` is the person whose edit it is. `starter` marks what ships with AdsGem, so that an update may replace it and never an edit.
    """
    audit(graph, bindings, custom_nodes=allowed_custom_nodes())
    data = {"graph": graph, "bindings": bindings}
    workflow, _made = Workflow.objects.select_for_update().get_or_create(slug=slug, defaults={"title": title})
    newest = workflow.versions.order_by("-number").first()
    if workflow.current is None or workflow.current.hash != hash_of(data):
        number = newest.number + 1 if newest else 1
        workflow.current = WorkflowVersion.objects.create(workflow=workflow, number=number, data=data, author=by, note=note)
    workflow.title = title
    if starter:
        workflow.starter_hash = workflow.current.hash
    workflow.save(update_fields=["title", "current", "starter_hash"])
    return workflow


def roll_back(*, by: Any, workflow: Workflow, number: int) -> Workflow:
    """Let a workflow say again what its version of this number said: as a new version, so that nothing of its story is lost.

    Raises GraphRefused when that may not be used any more, and WorkflowVersion.DoesNotExist.
    """
    old = workflow.versions.get(number=number)
    return save_workflow(
        slug=workflow.slug, title=workflow.title, graph=old.graph, bindings=old.bindings, by=by, note=f"Back to version {number}"
    )


class AddressRefused(ValueError):
    """An address that no server may have. The message says why."""


def checked_address(address: str, *, allow_private: bool) -> str:
    """An address as it is kept, judged as it will be judged before every use. Raises AddressRefused."""
    told = address.strip().rstrip("/")
    try:
        port = urlsplit(told).port
        judge(told, ports=(port,) if port else (), allow_private=allow_private)
    except FetchRefused as error:
        raise AddressRefused(str(error)) from error
    except ValueError as error:
        raise AddressRefused("This is not an address. Give one such as https://gpu-1.example.com:8188.") from error
    return told


def has_token(pk: UUID) -> bool:
    """Whether a server has a token, without reading it: its key may be gone."""
    return Server.objects.annotate(raw=Cast("token", TextField())).filter(pk=pk).exclude(raw="").exists()


def drain(server: Server) -> bool:
    """Give a server no new pictures; it ends those it has. False when it was drained already."""
    return bool(Server.objects.filter(pk=server.pk, enabled=True).update(enabled=False))


def put_back(server: Server) -> bool:
    """Let a server paint again. False when it was not drained."""
    return bool(Server.objects.filter(pk=server.pk, enabled=False).update(enabled=True))


def free_memory(server: Server) -> None:
    """Have a server unload its models when it has ended what it runs. Raises ComfyError."""
    pool.client_of(server, pace=SHORT).wire.write("/free", {"unload_models": True, "free_memory": True})
    Server.objects.filter(pk=server.pk).update(warm="")


@dataclass(frozen=True)
class Queue:
    """How many jobs a server runs and has waiting, ours and everybody else's."""

    running: int
    waiting: int


def queue_of(server: Server) -> Queue:
    """What stands in a server's queue at this moment. Raises ComfyError, soon: a page waits for it."""
    told = pool.client_of(server, pace=SHORT).wire.read("/queue")
    try:
        return Queue(len(told["queue_running"]), len(told["queue_pending"]))
    except (KeyError, TypeError) as error:
        raise ServerRefused(f"{server} does not show its queue as ComfyUI does.") from error


def allowed_custom_nodes() -> set[str]:
    """Classes of custom nodes that staff named on any server."""
    named: set[str] = set()
    for nodes in Server.objects.values_list("custom_nodes", flat=True):
        named.update(str(node) for node in nodes)
    return named
