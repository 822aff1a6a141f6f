"""What a person may do with webhooks, for pages, API and admin alike, and which of them are theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone

from accounts import audit, deliveries, outbox, tasks
from accounts.models import Brand, Delivery, IdempotencyKey, Membership, User, Webhook
from accounts.models.outgoing import KINDS, new_secret
from keeping.bell import ring
from keeping.claims import DbNow
from keeping.fetch import FetchRefused, judge
from keeping.secrets import SecretUnreadable

MOST_WEBHOOKS = 10  # of one brand
OVERLAP = timedelta(hours=24)  # for which the old secret signs beside the new one


class WebhookRefused(Exception):
    """A webhook cannot be as it was asked for, or not do it now. `field` names what is wrong; the message is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def webhooks_of(user: User | AnonymousUser) -> QuerySet[Webhook]:
    """The webhooks of the brands in which this person may change things. Their secrets are not read."""
    if not user.is_authenticated:
        return Webhook.objects.none()
    may_edit = Membership.objects.filter(user=user, role__in=[Membership.Role.OWNER, Membership.Role.EDITOR])
    own = Webhook.objects.filter(brand__in=may_edit.values("brand"), brand__deleted_at=None)
    return own.select_related("brand").defer("secret", "previous_secret")


def make_webhook(*, by: User | None, brand: Brand, url: str, kinds: Sequence[str], key: IdempotencyKey | None = None) -> Webhook:
    """A new webhook, with its secret to be shown this once. Raises WebhookRefused.

    A `key` is written with it, both or none; IntegrityError says that this key made one before.
    """
    _check_url(url)  # outside the transaction: names are looked up on the network
    webhook = Webhook(brand=brand, created_by=by, url=url, kinds=_checked_kinds(kinds))
    with transaction.atomic():
        # The brand's row keeps two who are quick from going over the limit together.
        Brand.objects.select_for_update().get(pk=brand.pk)
        if key:
            key.answer = {"webhook": str(webhook.pk)}
            key.save(force_insert=True)
        if Webhook.objects.filter(brand=brand).count() >= MOST_WEBHOOKS:
            raise WebhookRefused("brand", f"A brand may have {MOST_WEBHOOKS} webhooks. Delete one that is not needed any more.")
        webhook.save(force_insert=True)
    return webhook


def change_webhook(webhook: Webhook, *, url: str | None = None, kinds: Sequence[str] | None = None, active: bool | None = None) -> Webhook:
    """Change what is given, leave the rest. Raises WebhookRefused."""
    changes: dict[str, Any] = {}
    if url is not None and url != webhook.url:
        _check_url(url)
        changes["url"] = url
    if kinds is not None:
        changes["kinds"] = _checked_kinds(kinds)
    if active is not None:
        changes |= {"active": active, "disabled_reason": ""}
    if changes:
        with transaction.atomic():
            Webhook.objects.filter(pk=webhook.pk).update(**changes)
            webhook.refresh_from_db(fields=list(changes))
            told = {"active": (None, webhook.active)} if "active" in changes else {}
            audit.record("webhook.changed", brand=webhook.brand_id, subject=webhook, changes=told, personal={"url": changes.get("url")})
    return webhook


def rotate_secret(webhook: Webhook) -> Webhook:
    """A new secret, to be shown this once. For 24 hours every message is signed with both, so that the receiver can change over.

    Rotating twice ends the old one at once, for a secret that leaked.
    """
    with transaction.atomic():
        row = Webhook.objects.select_for_update().filter(pk=webhook.pk)
        try:
            previous = row.values_list("secret", flat=True).get()
        except SecretUnreadable:
            previous = ""  # its key is gone: nobody can sign with it any more
        webhook.secret, webhook.previous_secret, webhook.previous_until = new_secret(), previous, timezone.now() + OVERLAP
        webhook.save(update_fields=["secret", "previous_secret", "previous_until"])
    return webhook


def try_out(webhook: Webhook) -> Delivery:
    """Send a ping, to see whether it arrives. Raises WebhookRefused for one that is switched off."""
    _check_active(webhook)
    with transaction.atomic():
        return outbox.ping(webhook)


def replay(delivery: Delivery) -> Delivery:
    """Send a message that has ended once more, with the same id and all its tries anew; one that still waits is tried at once.

    It is sent beside the line: newer ones do not wait for it. Raises WebhookRefused when its webhook is switched off.
    """
    _check_active(delivery.webhook)
    with transaction.atomic():
        ended = Delivery.objects.filter(pk=delivery.pk, status__in=Delivery.FINAL)
        # The fencing number goes on, so that a worker who comes back late still has no say; the old tries only stop counting.
        again = ended.update(status=Delivery.Status.WAITING, pauses=F("attempt"), run_after=DbNow(), lease_until=None, finished_at=None)
        if not again:
            Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.WAITING, lease_until=None).update(
                run_after=Case(When(run_after__gt=DbNow(), then=DbNow()), default=F("run_after"))
            )
        ring(tasks.deliver, delivery.pk)
    delivery.refresh_from_db()
    return delivery


def _check_active(webhook: Webhook) -> None:
    if not webhook.active:
        raise WebhookRefused("webhook", "This webhook is switched off. Switch it on first.")


def _check_url(url: str) -> None:
    try:
        judge(url, **deliveries.rules_for(url))
    except FetchRefused as error:
        raise WebhookRefused("url", str(error)) from None


def _checked_kinds(kinds: Sequence[str]) -> list[str]:
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise WebhookRefused("kinds", f"There is no kind '{unknown[0][:40]}'. Choose from {', '.join(KINDS)}.")
    return list(dict.fromkeys(kinds))
