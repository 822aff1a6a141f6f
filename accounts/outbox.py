"""The one outbox: what happened to a brand is written down for its webhooks, inside the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts import tasks
from accounts.models import Delivery, Webhook
from accounts.models.outgoing import PING
from keeping.bell import ring


def has_listeners(brand_id: UUID) -> bool:
    """Whether anybody wants to hear of this brand at all. Most have nobody, and then this one question is all that telling costs."""
    return Webhook.objects.filter(brand_id=brand_id, brand__deleted_at=None, active=True).exists()


def post(brand_id: UUID, kind: str, object_id: UUID, data: Mapping[str, Any]) -> int:
    """Write a message to each of the brand's webhooks that wants this kind, and ring for them after the commit. Gives how many.

    `data` must be fit for JSON; the receiver finds it beside the ids of the object and of the brand.
    """
    told = Webhook.objects.filter(brand_id=brand_id, brand__deleted_at=None, active=True).only("kinds").order_by("created_at")
    return len(_write([webhook for webhook in told if webhook.wants(kind)], brand_id, kind, object_id, data))


def ping(webhook: Webhook) -> Delivery:
    """Write a message that only tries the webhook out, whatever kinds it wants, and ring for it."""
    (delivery,) = _write([webhook], webhook.brand_id, PING, webhook.pk, {})
    return delivery


def _write(webhooks: Sequence[Webhook], brand_id: UUID, kind: str, object_id: UUID, data: Mapping[str, Any]) -> list[Delivery]:
    if not webhooks:
        return []
    body = {"type": kind, "timestamp": timezone.now().isoformat(), "data": {**data, "id": str(object_id), "brand": str(brand_id)}}
    written = Delivery.objects.bulk_create(Delivery(webhook=webhook, kind=kind, object_id=object_id, body=body) for webhook in webhooks)
    for delivery in written:
        ring(tasks.deliver, delivery.pk)
    return written
