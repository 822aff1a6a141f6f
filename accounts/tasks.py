"""Doorbells of what goes out. A task carries an id, calls one function, and may be rung twice without harm; retries are rows."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from accounts import deliveries, emails
from keeping.bell import ring
from keeping.claims import db_now


@shared_task
def deliver(delivery_id: str) -> None:
    """Send one message to its webhook, then ring for the one that waited behind it."""
    if deliveries.deliver(UUID(delivery_id)):
        for behind in deliveries.behind(UUID(delivery_id)):
            ring(deliver, behind)


@shared_task
def send_email(message_id: str) -> None:
    """Send one e-mail."""
    emails.send(UUID(message_id))


def sweep() -> int:
    """Ring again for every message and e-mail that is due and in nobody's hands, the longest due first. Gives how often it rang."""
    now = db_now()
    due = list(deliveries.due(now).values_list("pk", flat=True)[: deliveries.AT_ONCE])
    for pk in due:
        ring(deliver, pk)
    letters = list(emails.due(now).values_list("pk", flat=True)[: emails.AT_ONCE])
    for pk in letters:
        ring(send_email, pk)
    return len(due) + len(letters)
