"""Webhooks and what was sent to them, in admin: to look at, and to send once more. Secrets are shown to nobody."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import webhooks
from accounts.models import Delivery, Webhook
from accounts.webhooks import WebhookRefused
from keeping.showing import NONE, LookOnly, pretty, row_link

COLOURS = {Delivery.Status.DELIVERED: "ready"}  # the classes of the style sheet that mean the same


@admin.register(Webhook)
class Webhooks(LookOnly):
    """Where brands are told of what happens."""

    list_display = ("url", "brand", "kinds_shown", "active", "disabled_reason", "created_by", "created_at")
    list_filter = ("active", "created_at")
    list_select_related = ("brand", "created_by")
    search_fields = ("id", "url", "brand__name", "created_by__email")
    date_hierarchy = "created_at"
    fields = ("id", "url", "brand", "kinds_shown", "active", "disabled_reason", "overlap", "created_by", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Without the secrets: they are not shown, and a lost key must not close the page."""
        found: QuerySet[Webhook] = super().get_queryset(request)
        return found.defer("secret", "previous_secret")

    @admin.display(description="wants to hear of")
    def kinds_shown(self, webhook: Webhook) -> str:
        """The kinds, or that it is everything."""
        return ", ".join(webhook.kinds) or "everything"

    @admin.display(description="old secret signs until")
    def overlap(self, webhook: Webhook) -> object:
        """The end of the time in which two secrets sign."""
        return webhook.previous_until or NONE


@admin.register(Delivery)
class Deliveries(LookOnly):
    """Every message to a webhook, with what the receiver said."""

    list_display = ("kind", "webhook", "brand", "state", "answer_code", "tries", "error_message", "created_at", "finished_at")
    list_filter = ("status", "kind", "answer_code", "created_at")
    list_select_related = ("webhook__brand",)
    show_full_result_count = False
    search_fields = ("id", "kind", "object_id", "webhook__url", "webhook__brand__name")
    date_hierarchy = "created_at"
    actions = ("replay",)
    fieldsets = (
        (None, {"fields": ("state", "error_code", "error_message", "answer_code", "answer_body")}),
        ("Message", {"fields": ("id", "webhook_shown", "kind", "object_id", "body_shown")}),
        ("Tries", {"fields": ("tries", "log_shown", "created_at", "finished_at")}),
        ("Claim", {"fields": ("attempt", "lease_until", "deaths", "run_after"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Without the webhooks' secrets."""
        found: QuerySet[Delivery] = super().get_queryset(request)
        return found.select_related("webhook__brand").defer("webhook__secret", "webhook__previous_secret")

    @admin.display(description="brand", ordering="webhook__brand__name")
    def brand(self, delivery: Delivery) -> str:
        """Whose webhook it is."""
        return str(delivery.webhook.brand)

    @admin.display(description="status", ordering="status")
    def state(self, delivery: Delivery) -> SafeString:
        """In the colour of its meaning."""
        colour = COLOURS.get(Delivery.Status(delivery.status), delivery.status)
        return format_html('<span class="state {}">{}</span>', colour, delivery.get_status_display())

    @admin.display(description="webhook")
    def webhook_shown(self, delivery: Delivery) -> SafeString:
        """Leads to its page."""
        return row_link(delivery.webhook)

    @admin.display(description="body")
    def body_shown(self, delivery: Delivery) -> SafeString:
        """What is sent."""
        return pretty(delivery.body)

    @admin.display(description="log")
    def log_shown(self, delivery: Delivery) -> SafeString:
        """Each try."""
        return pretty(delivery.log)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Whoever may change messages may send them again."""
        return request.user.has_perm("accounts.change_delivery")

    @admin.action(description="Send the selected messages again", permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """With the same ids; what a worker has in hand goes on as it is."""
        sent = 0
        for delivery in chosen:
            try:
                webhooks.replay(delivery)
                sent += 1
            except WebhookRefused as error:
                self.message_user(request, f"{delivery}: {error}", messages.WARNING)
        if sent:
            self.message_user(request, f"Sent again: {sent}.", messages.SUCCESS)
