"""E-mails and invitations in admin: to look at, and to send once more. What an e-mail said is shown to nobody: it may hold a link."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import Invitation, Message
from keeping.showing import LookOnly


@admin.register(Message)
class Messages(LookOnly):
    """Every e-mail of the last month, and what became of it."""

    list_display = ("to", "kind", "brand", "status", "tries", "error_message", "created_at", "finished_at")
    list_filter = ("status", "kind", "created_at")
    list_select_related = ("brand",)
    show_full_result_count = False
    search_fields = ("id", "to", "user__email", "brand__name")
    date_hierarchy = "created_at"
    fields = ("id", "to", "user", "brand", "kind", "status", "tries", "error_code", "error_message", "created_at", "finished_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Without what it says: a lost key must not close the page."""
        found: QuerySet[Message] = super().get_queryset(request)
        return found.defer("says")


@admin.register(Invitation)
class Invitations(LookOnly):
    """Who was asked to share a brand."""

    list_display = ("email", "brand", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = ("role", "created_at", ("accepted_at", admin.EmptyFieldListFilter))
    list_select_related = ("brand", "invited_by")
    search_fields = ("email", "brand__name", "invited_by__email")
    date_hierarchy = "created_at"
    fields = ("id", "email", "brand", "role", "invited_by", "created_at", "expires_at", "accepted_at")
