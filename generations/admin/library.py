"""Collections and searches in admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from generations.models import Collection, SavedSearch
from keeping.showing import LookOnly, pretty


@admin.register(Collection)
class Collections(LookOnly):
    """Ads that people put together."""

    list_display = ("name", "brand", "created_by", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("brand", "created_by")
    search_fields = ("id", "name", "brand__name", "created_by__email")
    fields = ("name", "brand", "created_by", "created_at")


@admin.register(SavedSearch)
class SavedSearches(LookOnly):
    """Searches that people use again."""

    list_display = ("name", "brand", "created_by", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("brand", "created_by")
    search_fields = ("id", "name", "brand__name", "created_by__email")
    fields = ("name", "brand", "wanted_shown", "created_by", "created_at")

    @admin.display(description="looks for")
    def wanted_shown(self, search: SavedSearch) -> SafeString:
        """All of it."""
        return pretty(search.wanted)
