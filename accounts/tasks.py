"""Doorbells of what goes out. A task carries an id, calls one function, and may be rung twice without harm; retries are rows."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from accounts import deliveries
from keeping.bell import ring
from keeping.claims import db_now


@shared_task
def deliver(delivery_id: str) -> None:
    """Send one message to its webhook, then ring for the one that waited behind it."""
    if deliveries.deliver(UUID(delivery_id)):
        for behind in deliveries.behind(UUID(delivery_id)):
            ring(deliver, behind)


def sweep() -> int:
    """Ring again for every message that is due and in nobody's hands, the longest due first. Gives how often it rang."""
    due = list(deliveries.due(db_now()).values_list("pk", flat=True)[: deliveries.AT_ONCE])
    for pk in due:
        ring(deliver, pk)
    return len(due)
