"""Kept files in admin: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from keeping.models import StoredFile
from keeping.showing import LookOnly, picture


@admin.register(StoredFile)
class StoredFiles(LookOnly):
    """Every file in the store."""

    list_display = ("shown", "sha256", "type", "size", "pixels", "created_at")
    list_display_links = ("sha256",)
    list_filter = ("type", "created_at")
    search_fields = ("sha256",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fields = ("shown_large", "sha256", "type", "size", "pixels", "created_at")

    @admin.display(description="picture")
    def shown(self, stored: StoredFile) -> SafeString:
        """Small."""
        return picture(stored.sha256, checker=stored.type != "image/jpeg")

    @admin.display(description="picture")
    def shown_large(self, stored: StoredFile) -> SafeString:
        """Large."""
        return picture(stored.sha256, large=True, checker=stored.type != "image/jpeg")

    @admin.display(description="size", ordering="bytes")
    def size(self, stored: StoredFile) -> str:
        """In units that people use."""
        return filesizeformat(stored.bytes)

    @admin.display(description="pixels", ordering="width")
    def pixels(self, stored: StoredFile) -> str:
        """Width by height."""
        return f"{stored.width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{stored.height}" if stored.width else "not known"
