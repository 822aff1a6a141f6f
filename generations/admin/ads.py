"""Finished ads in admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from generations.admin.shown import StepRows, WithState, badge
from generations.models import Ad
from keeping.showing import NONE, LookOnly, file_address, picture, pretty, row_link


@admin.register(Ad)
class Ads(WithState, LookOnly):
    """Finished files, with what was checked and what they were made of."""

    list_display = ("shown", "name", "headline", "brand", "state", "result", "pixels_shown", "starred", "created_at")
    list_display_links = ("name",)
    list_filter = ("status", "placement__placement__platform", "starred", ("deleted_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("file", "copy", "placement__placement", "picture__generation__brand")
    search_fields = (
        "id",
        "picture__generation__id",
        "copy__words__headline",
        "placement__placement__slug",
        "picture__generation__brand__name",
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    inlines = (StepRows,)
    fieldsets = (
        (None, {"fields": ("shown_large", "download", "state", "error_code", "error_message", "alt")}),
        ("Made of", {"fields": ("order_link", "picture_link", "copy_link", "placement", "starred")}),
        ("Looked at", {"fields": ("checks_shown", "fidelity_shown")}),
        ("Recipe", {"fields": ("pixels", "recipe_shown")}),
        ("When", {"fields": ("created_at", "finished_at", "deleted_at")}),
        ("Claim", {"fields": ("attempt", "lease_until", "deaths", "run_after"), "classes": ("collapse",)}),
    )

    @admin.display(description="ad")
    def shown(self, ad: Ad) -> SafeString:
        """Small."""
        return picture(ad.file_id, alt=ad.alt)

    @admin.display(description="ad")
    def shown_large(self, ad: Ad) -> SafeString:
        """Large."""
        return picture(ad.file_id, alt=ad.alt, large=True)

    @admin.display(description="file")
    def download(self, ad: Ad) -> SafeString:
        """The file itself."""
        if ad.file is None:
            return NONE
        address = file_address(ad.file.sha256, "full")
        return format_html('<a href="{}" download="{}">{}</a> ({} bytes)', address, ad.file_name, ad.file_name, ad.file.bytes)

    @admin.display(description="placement", ordering="placement__placement__slug")
    def name(self, ad: Ad) -> str:
        """Placement and variation."""
        return str(ad)

    @admin.display(description="headline")
    def headline(self, ad: Ad) -> str:
        """Its words."""
        return str(ad.copy)

    @admin.display(description="brand", ordering="picture__generation__brand__name")
    def brand(self, ad: Ad) -> str:
        """Whose it is."""
        return ad.picture.generation.brand.name

    @admin.display(description="checks")
    def result(self, ad: Ad) -> SafeString:
        """The worst of its checks."""
        results = {check["result"] for check in ad.checks}
        worst = next((result for result in ("fail", "warn", "pass") if result in results), "")
        return badge(worst, worst) if worst else NONE

    @admin.display(description="pixels")
    def pixels_shown(self, ad: Ad) -> str:
        """Width by height."""
        return f"{ad.file.width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{ad.file.height}" if ad.file else "none yet"

    @admin.display(description="order")
    def order_link(self, ad: Ad) -> SafeString:
        """The order it belongs to."""
        return row_link(ad.picture.generation)

    @admin.display(description="picture")
    def picture_link(self, ad: Ad) -> SafeString:
        """The scene below it."""
        return row_link(ad.picture)

    @admin.display(description="copy")
    def copy_link(self, ad: Ad) -> SafeString:
        """The words on it."""
        return row_link(ad.copy)

    @admin.display(description="checks")
    def checks_shown(self, ad: Ad) -> SafeString:
        """Rule by rule."""
        rows = ((check["result"], check["result"], check["rule"], check["detail"]) for check in ad.checks)
        return format_html_join("", '<p><span class="state {}">{}</span> {}: {}</p>', rows) or NONE

    @admin.display(description="fidelity")
    def fidelity_shown(self, ad: Ad) -> SafeString:
        """How well the product was kept."""
        return pretty(ad.fidelity)

    @admin.display(description="recipe")
    def recipe_shown(self, ad: Ad) -> SafeString:
        """Every hash that made it."""
        return pretty(ad.recipe)
