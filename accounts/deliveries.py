"""How a message gets to a webhook: signed as Standard Webhooks has it, tried again by a schedule, in order as far as that goes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Delivery, Webhook
from keeping import claims
from keeping.crashpoints import crashpoint
from keeping.fetch import FetchRefused, safe_fetch
from keeping.secrets import SecretUnreadable

log = logging.getLogger(__name__)

MINUTE, HOUR = 60, 3600
SCHEDULE = (0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)  # seconds before each try
ORDERED_TRIES = 2  # after so many a message loses its place in line: one that keeps failing must not hold up all others for days
TIMEOUT = 15.0
MOST_OF_AN_ANSWER = 2048
AT_ONCE = 50
OPEN = (Delivery.Status.WAITING, Delivery.Status.SENDING)
SWITCHED_OFF = "This webhook is switched off, so the message was not sent. Switch it on and replay the message."
GONE = "The receiver answered 410 Gone, so this webhook was switched off. Switch it on when the receiver is back."


@dataclass(frozen=True)
class Tried:
    """What came of one try: the receiver's answer, or why there is none."""

    seconds: float
    code: int | None = None
    body: str = ""
    error: str = ""

    @property
    def well(self) -> bool:
        """Whether the receiver took the message."""
        return self.code is not None and HTTPStatus.OK <= self.code < HTTPStatus.MULTIPLE_CHOICES


def due(now: int) -> QuerySet[Delivery]:
    """The messages that may be sent at `now` of the database's clock, the longest due first: nobody has them, none stands before them."""
    before = Delivery.objects.filter(webhook=OuterRef("webhook"), in_line=True, created_at__lt=OuterRef("created_at"))
    free = Delivery.objects.filter(claims.in_nobodys_hands(now), status__in=OPEN)
    return free.filter(~Exists(before)).order_by("run_after", "created_at", "pk")


def behind(delivery_id: UUID) -> list[UUID]:
    """The message that is first in line now that this one is out of the way; empty when there is none."""
    same = Delivery.objects.filter(pk=delivery_id).values("webhook")[:1]
    first = Delivery.objects.filter(webhook=same, in_line=True).order_by("created_at").values_list("pk", "run_after")[:1]
    now = claims.db_now()
    return [pk for pk, run_after in first if run_after <= now]


def deliver(delivery_id: UUID) -> bool:
    """Try to send one message. False when another hand has it, or it is not its turn.

    The receiver may get one message twice with the same id, when we die between its answer and our note of it; never not at all.
    """
    delivery = due(claims.db_now()).filter(pk=delivery_id).first()
    if delivery is None or not claims.claim(delivery):
        return False
    with claims.held(delivery, at_most_seconds=2 * TIMEOUT):
        webhook = Webhook.objects.defer("secret", "previous_secret").filter(pk=delivery.webhook_id).first()
        if webhook is None:
            return False  # deleted just now, and this message with it
        if not webhook.active:
            return _note(delivery, Delivery.Status.FAILED, error_code="switched_off", error_message=SWITCHED_OFF)
        if delivery.status == Delivery.Status.WAITING and not _note(delivery, Delivery.Status.SENDING):
            return False
        tried = _try(delivery, webhook)
        crashpoint("K18")
        _settle(delivery, tried)
    return True


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature as Standard Webhooks has it: `v1,` and the HMAC-SHA256 of id, time and body in base64."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def rules_for(url: str) -> dict[str, Any]:
    """How far `keeping.fetch` may go for a webhook's address: into this machine only in tests, which also choose their ports."""
    if not getattr(settings, "WEBHOOK_ALLOW_PRIVATE", False):
        return {}
    return {"allow_private": True, "ports": {urlsplit(url).port}}


def _try(delivery: Delivery, webhook: Webhook) -> Tried:
    """Send the message once."""
    began = time.monotonic()
    body = json.dumps(delivery.body, sort_keys=True, separators=(",", ":")).encode()
    timestamp = int(time.time())
    try:
        headers = {
            "Content-Type": "application/json",
            "webhook-id": str(delivery.pk),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(sign(secret, str(delivery.pk), timestamp, body) for secret in webhook.signing_secrets()),
        }
        answer = safe_fetch(
            webhook.url,
            method="POST",
            body=body,
            headers=headers,
            at_most_bytes=MOST_OF_AN_ANSWER,
            at_most_seconds=TIMEOUT,
            cut=True,
            **rules_for(webhook.url),
        )
    except FetchRefused as error:
        return Tried(time.monotonic() - began, error=str(error))
    except SecretUnreadable:
        log.exception("Webhook %s cannot be signed for", webhook.pk)
        return Tried(time.monotonic() - began, error="Something is wrong with this webhook's secret on our side. Rotate its secret.")
    text = answer.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Tried(time.monotonic() - began, answer.status, text, _complaint(answer.status))


def _complaint(code: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        return f"The receiver answered {code}, a redirect, which is not followed. Give the address that it leads to."
    return "" if code < HTTPStatus.MULTIPLE_CHOICES else f"The receiver answered {code} in place of 200."


def _settle(delivery: Delivery, tried: Tried) -> None:
    """Write down what came of a try, and whether there is another one."""
    line = {"at": timezone.now().isoformat(), "seconds": round(tried.seconds, 3), "code": tried.code, "error": tried.error}
    told = {"answer_code": tried.code, "answer_body": tried.body, "log": [*delivery.log, line]}
    if tried.well:
        _note(delivery, Delivery.Status.DELIVERED, error_code="", error_message="", **told)
    elif tried.code == HTTPStatus.GONE:
        with transaction.atomic():
            if _note(delivery, Delivery.Status.FAILED, error_code="gone", error_message=GONE, **told):
                Webhook.objects.filter(pk=delivery.webhook_id, active=True).update(active=False, disabled_reason=GONE)
    elif delivery.tries >= len(SCHEDULE):
        sentence = f"The receiver did not take this message in {len(SCHEDULE)} tries. {tried.error}"
        _note(delivery, Delivery.Status.FAILED, error_code="not_taken", error_message=sentence[:400], **told)
    else:
        wait = SCHEDULE[delivery.tries]
        failed = {"error_code": "try_failed", "error_message": tried.error[:400], "run_after": claims.after(wait), **told}
        _note(delivery, Delivery.Status.WAITING, in_line=delivery.in_line and delivery.tries < ORDERED_TRIES, **failed)


def _note(delivery: Delivery, status: str, **fields: Any) -> bool:
    """Move a message that is in our hands; False when it is not any more. All but `sending` puts it down."""
    if status != Delivery.Status.SENDING:
        fields |= {"lease_until": None}
    if status in Delivery.FINAL:
        fields |= {"finished_at": timezone.now(), "in_line": False}
    ours = Delivery.objects.filter(pk=delivery.pk, status=delivery.status, attempt=delivery.attempt)
    won = bool(ours.update(status=status, **fields))
    if won:
        delivery.status = status
    return won
