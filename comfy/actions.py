"""What staff may do with workflows."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from comfy.binding import audit
from comfy.models import Server, Workflow, WorkflowVersion
from keeping.versions import hash_of


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


def allowed_custom_nodes() -> set[str]:
    """Classes of custom nodes that staff named on any server."""
    named: set[str] = set()
    for nodes in Server.objects.values_list("custom_nodes", flat=True):
        named.update(str(node) for node in nodes)
    return named
