"""Painted scenes in admin."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from generations.admin.shown import StepRows, WithState
from generations.models import Ad, Picture
from keeping.showing import LookOnly, LookOnlyRows, picture, pretty, row_link


class AdRows(WithState, LookOnlyRows):
    """The ads of a picture."""

    model = Ad
    fields = ("shown", "placement", "copy", "state", "alt", "error_message")

    @admin.display(description="ad")
    def shown(self, ad: Ad) -> SafeString:
        """Small."""
        return picture(ad.file_id, alt=ad.alt)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        """With the names that a row shows."""
        found: QuerySet[Ad] = super().get_queryset(request)
        return found.select_related("placement__placement", "copy", "file", "picture")


@admin.register(Picture)
class Pictures(WithState, LookOnly):
    """Painted scenes, without words."""

    list_display = ("shown", "name", "order", "brand", "state", "engine", "server_name", "seed", "created_at", "took")
    list_display_links = ("name",)
    list_filter = ("status", "engine", "shape", "created_at")
    list_select_related = ("generation__brand", "generation__template_version__template")
    search_fields = ("id", "job_id", "generation__id", "generation__brand__name", "seed")
    date_hierarchy = "created_at"
    inlines = (AdRows, StepRows)
    fieldsets = (
        (None, {"fields": ("shown_large", "state", "error_code", "error_message", "generation", "variation", "shape")}),
        ("Painting", {"fields": ("engine", "server_name", "job_id", "seed", "progress", "pixels", "geometry_shown", "facts_shown")}),
        ("When", {"fields": ("created_at", "finished_at", "took")}),
        ("Claim", {"fields": ("attempt", "lease_until", "deaths", "run_after"), "classes": ("collapse",)}),
    )

    @admin.display(description="picture")
    def shown(self, row: Picture) -> SafeString:
        """Small."""
        return picture(row.raw_id, alt=f"Picture {row}")

    @admin.display(description="picture")
    def shown_large(self, row: Picture) -> SafeString:
        """Large."""
        return picture(row.raw_id, alt=f"Picture {row}", large=True)

    @admin.display(description="picture", ordering="variation")
    def name(self, row: Picture) -> str:
        """Shape and variation."""
        return str(row)

    @admin.display(description="order")
    def order(self, row: Picture) -> SafeString:
        """The order it belongs to."""
        return row_link(row.generation)

    @admin.display(description="brand", ordering="generation__brand__name")
    def brand(self, row: Picture) -> str:
        """Whose it is."""
        return row.generation.brand.name

    @admin.display(description="geometry")
    def geometry_shown(self, row: Picture) -> SafeString:
        """Where things stand in it."""
        return pretty(row.geometry_data)

    @admin.display(description="facts")
    def facts_shown(self, row: Picture) -> SafeString:
        """What the engine says of it."""
        return pretty(row.facts)
