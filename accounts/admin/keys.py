"""API keys in admin: to look at and to take back. What opens with them is kept nowhere."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import keys
from accounts.models import ApiKey
from keeping.showing import LookOnly


@admin.register(ApiKey)
class ApiKeys(LookOnly):
    """By what machines work, and for whom."""

    list_display = ("name", "prefix", "brand", "created_by", "read_only", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("read_only", ("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("brand", "created_by")
    search_fields = ("id", "name", "prefix", "brand__name", "created_by__email")
    fields = ("id", "name", "prefix", "brand", "created_by", "read_only", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("take_back",)

    @admin.action(description="Take back, at once", permissions=["view"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """They open nothing any more."""
        if not request.user.has_perm("accounts.change_apikey"):
            self.message_user(request, "You may look at keys, not take them back.", messages.ERROR)
            return
        number = sum(keys.take_back(key) for key in queryset)
        self.message_user(request, f"{number} taken back.", messages.SUCCESS)
