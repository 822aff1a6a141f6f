"""The one outbox: what happened is written down for webhooks and letter boxes, inside the transaction in which it happened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import tasks
from accounts.models import Brand, Delivery, Message, User, Webhook
from accounts.models.outgoing import PING
from keeping.bell import ring

# Which news of an order its person is also told by e-mail.
MAILED = {
    "generation.ready": (Message.Kind.READY, "Every ad of this order is finished."),
    "generation.partly": (Message.Kind.READY, "Some ads of this order are finished, some could not be made."),
    "generation.failed": (Message.Kind.FAILED, "No ad of this order could be made."),
    "generation.refused": (Message.Kind.FAILED, "The brief asks for something that cannot be shown."),
}
AWAY_AFTER = timedelta(minutes=2)  # who waited less is still looking at the page


class Order(NamedTuple):
    """Whose order something happened to, what it is for, and since when."""

    person: UUID | None
    title: str
    since: datetime


def write(
    kind: str, *, to: str, user: User | None = None, brand: Brand | None = None, once: str | None = None, **words: Any
) -> Message | None:
    """Write an e-mail, and ring for it after the commit. `words` fill in what it says, with `link` for its button.

    None when a message with the same `once` was written before, or this person does not want this kind.
    """
    if user is not None and kind in Message.OPTIONAL and kind in user.unwanted_mail:
        return None
    message = Message(kind=kind, to=to, user=user, brand=brand, once=once, says=json.dumps(words))
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError:
        if once is None:
            raise
        return None
    ring(tasks.send_email, message.pk)
    return message


def address(page: str, *args: object) -> str:
    """The whole address of one of our pages, for an e-mail that nobody's browser asked for."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(page, args=args)


def is_told(brand_id: UUID, kinds: Sequence[str]) -> bool:
    """Whether one of these kinds goes to anybody. Most of the time none does, and then one question is all that telling costs."""
    return any(kind in MAILED for kind in kinds) or has_listeners(brand_id)


def has_listeners(brand_id: UUID) -> bool:
    """Whether anybody wants to hear of this brand at all. Most have nobody, and then this one question is all that telling costs."""
    return Webhook.objects.filter(brand_id=brand_id, brand__deleted_at=None, active=True).exists()


def post(brand_id: UUID, kind: str, object_id: UUID, data: Mapping[str, Any], *, order: Order | None = None) -> int:
    """Write a message to each of the brand's webhooks that wants this kind, and ring for them after the commit. Gives how many.

    `data` must be fit for JSON; the receiver finds it beside the ids of the object and of the brand. With `order` its person is told
    of its end by e-mail, too, where it took so long that they may have gone.
    """
    if order and kind in MAILED and timezone.now() - order.since > AWAY_AFTER:
        _tell_person(kind, object_id, order)
    told = Webhook.objects.filter(brand_id=brand_id, brand__deleted_at=None, active=True).only("kinds").order_by("created_at")
    return len(_write([webhook for webhook in told if webhook.wants(kind)], brand_id, kind, object_id, data))


def ping(webhook: Webhook) -> Delivery:
    """Write a message that only tries the webhook out, whatever kinds it wants, and ring for it."""
    (delivery,) = _write([webhook], webhook.brand_id, PING, webhook.pk, {})
    return delivery


def _tell_person(kind: str, object_id: UUID, order: Order) -> None:
    user = User.objects.filter(pk=order.person, is_active=True).first() if order.person else None
    if user is None:
        return
    letter, state = MAILED[kind]
    link = address("generation", object_id)
    write(letter, to=user.email, user=user, once=f"{kind}:{object_id}", title=order.title or "your product", state=state, link=link)


def _write(webhooks: Sequence[Webhook], brand_id: UUID, kind: str, object_id: UUID, data: Mapping[str, Any]) -> list[Delivery]:
    if not webhooks:
        return []
    body = {"type": kind, "timestamp": timezone.now().isoformat(), "data": {**data, "id": str(object_id), "brand": str(brand_id)}}
    written = Delivery.objects.bulk_create(Delivery(webhook=webhook, kind=kind, object_id=object_id, body=body) for webhook in webhooks)
    for delivery in written:
        ring(tasks.deliver, delivery.pk)
    return written
