"""LoRAs in admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from comfy.models import Lora
from keeping.showing import Page, picture


@admin.register(Lora)
class Loras(Page):
    """The LoRAs that templates may use."""

    list_display = ("title", "shown", "family", "file_name", "trigger_words", "weights", "used", "licence")
    list_filter = ("family", "licence")
    search_fields = ("title", "slug", "file_name", "trigger_words")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("title",)}
    readonly_fields = ("shown", "created_at")
    fieldsets = (
        (None, {"fields": ("title", "slug", "family", "file_name", "trigger_words", "shown")}),
        ("Weight", {"fields": (("weight_min", "weight_default", "weight_max"),)}),
        ("Where it comes from", {"fields": ("licence", "created_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lora]:
        """With the number of templates that use it."""
        found: QuerySet[Lora] = super().get_queryset(request)
        return found.annotate(template_count=Count("templates"))

    @admin.display(description="preview")
    def shown(self, lora: Lora) -> SafeString:
        """Its preview, small."""
        return picture(lora.preview_id, alt=f"Preview of {lora.title}")

    @admin.display(description="weight", ordering="weight_default")
    def weights(self, lora: Lora) -> str:
        """Default and range."""
        return f"{lora.weight_default:g} ({lora.weight_min:g} to {lora.weight_max:g})"

    @admin.display(description="templates", ordering="template_count")
    def used(self, lora: Lora) -> int:
        """How many templates use it."""
        return int(getattr(lora, "template_count", 0))
