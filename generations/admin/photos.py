"""Photos in admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generations.admin.shown import badge
from generations.models import Photo
from keeping.showing import LookOnly, picture


@admin.register(Photo)
class Photos(LookOnly):
    """Uploaded product photos with their cut-outs."""

    list_display = ("shown", "cutout_shown", "name", "brand", "trusted", "cutout_method", "advice", "created_at")
    list_display_links = ("name",)
    list_filter = ("cutout_method", ("deleted_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("brand",)
    search_fields = ("id", "name", "brand__name", "created_by__email", "file__sha256")
    date_hierarchy = "created_at"
    fields = (
        "both",
        "id",
        "name",
        "brand",
        "created_by",
        "product",
        "trusted",
        "cutout_method",
        "cutout_box",
        "advice",
        "keywords",
        "created_at",
        "deleted_at",
    )

    @admin.display(description="photo")
    def shown(self, photo: Photo) -> SafeString:
        """Small."""
        return picture(photo.file_id, alt=f"Photo {photo}")

    @admin.display(description="cut-out")
    def cutout_shown(self, photo: Photo) -> SafeString:
        """Small, on a chequered ground."""
        return picture(photo.cutout_id, alt=f"Cut-out of {photo}", checker=True)

    @admin.display(description="photo and cut-out")
    def both(self, photo: Photo) -> SafeString:
        """Side by side, the cut-out on a chequered ground."""
        shots = (
            picture(photo.file_id, alt=f"Photo {photo}", large=True),
            picture(photo.cutout_id, alt="Its cut-out", large=True, checker=True),
        )
        return format_html('<div class="shots">{}{}</div>', *shots)

    @admin.display(description="confidence", ordering="confidence")
    def trusted(self, photo: Photo) -> SafeString:
        """How far the cut-out may be trusted, green when ads may use it without asking."""
        return badge("pass" if photo.cutout_usable else "warn", f"{photo.confidence:.2f}")
