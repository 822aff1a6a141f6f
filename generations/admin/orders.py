"""Orders in admin."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from generations import actions
from generations.admin.shown import StepRows, WithState, state
from generations.models import Ad, Generation, Picture
from keeping.showing import NONE, LookOnly, LookOnlyRows, picture, pretty, row_link


class PictureRows(WithState, LookOnlyRows):
    """The pictures of an order."""

    model = Picture
    fields = ("shown", "variation", "shape", "state", "progress", "engine", "seed", "error_message")

    @admin.display(description="picture")
    def shown(self, row: Picture) -> SafeString:
        """The raw picture, small."""
        return picture(row.raw_id, alt=f"Picture {row}")


@admin.register(Generation)
class Generations(WithState, LookOnly):
    """Orders with their pictures, ads and steps."""

    list_display = ("cover", "headline", "template", "brand", "state", "engine", "picture_count", "created_at", "took")
    list_display_links = ("headline",)
    list_filter = ("status", "engine", "template_version__template", ("deleted_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("brand", "template_version__template")
    search_fields = ("id", "brief_data__headline", "brief_data__product", "brand__name", "created_by__email", "client_ref")
    date_hierarchy = "created_at"
    inlines = (PictureRows, StepRows)
    actions = ("stop",)
    fieldsets = (
        (None, {"fields": ("state", "error_code", "error_message", "ads_shown", "photos_shown")}),
        (
            "Order",
            {"fields": ("id", "brand", "created_by", "template_version", "brief_shown", "variations", "engine", "seed", "use_cutout")},
        ),
        ("More of the order", {"fields": ("lora_strength", "client_ref", "plan_shown"), "classes": ("collapse",)}),
        ("When", {"fields": ("created_at", "finished_at", "took", "deleted_at")}),
        ("Claim", {"fields": ("attempt", "lease_until", "deaths", "run_after"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        """With a cover and the number of pictures, in one query."""
        ready = Ad.objects.filter(picture__generation=OuterRef("pk"), status=Ad.Status.READY).order_by("created_at", "id")
        found: QuerySet[Generation] = super().get_queryset(request)
        return found.annotate(cover_file=Subquery(ready.values("file")[:1]), picture_number=Count("pictures"))

    @admin.display(description="first ad")
    def cover(self, generation: Generation) -> SafeString:
        """The first ready ad, small."""
        return picture(getattr(generation, "cover_file", None), alt=f"Ad of {generation}")

    @admin.display(description="order")
    def headline(self, generation: Generation) -> str:
        """Product and headline."""
        return f"{generation.brief.product}: {generation.brief.headline}" if generation.brief.product else generation.brief.headline

    @admin.display(description="template", ordering="template_version__template__title")
    def template(self, generation: Generation) -> str:
        """The template and its version."""
        return str(generation.template_version)

    @admin.display(description="pictures", ordering="picture_number")
    def picture_count(self, generation: Generation) -> int:
        """Variations by shapes."""
        return int(getattr(generation, "picture_number", 0))

    @admin.display(description="ads")
    def ads_shown(self, generation: Generation) -> SafeString:
        """All ads with their status, each leading to its page."""
        ads = Ad.objects.filter(picture__generation=generation).select_related("placement__placement", "picture", "copy", "file")
        shots = ((picture(ad.file_id, alt=ad.alt), row_link(ad), state(ad)) for ad in ads)
        drawn = format_html_join("", "<figure>{}<figcaption>{} {}</figcaption></figure>", shots)
        return format_html('<div class="shots">{}</div>', drawn) if drawn else NONE

    @admin.display(description="photos")
    def photos_shown(self, generation: Generation) -> SafeString:
        """The photos, each leading to its page."""
        rows = generation.generation_photos.select_related("photo")
        shots = ((picture(row.photo.file_id, alt=f"Photo {row.photo}"), row_link(row.photo)) for row in rows)
        drawn = format_html_join("", "<figure>{}<figcaption>{}</figcaption></figure>", shots)
        return format_html('<div class="shots">{}</div>', drawn) if drawn else NONE

    @admin.display(description="brief")
    def brief_shown(self, generation: Generation) -> SafeString:
        """What the marketer said, empty fields left out."""
        return pretty({name: value for name, value in generation.brief_data.items() if value})

    @admin.display(description="plan")
    def plan_shown(self, generation: Generation) -> SafeString:
        """What the writer made of it."""
        return pretty(generation.plan_data)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Whoever may change orders may stop them."""
        return request.user.has_perm("generations.change_generation")

    @admin.action(description="Stop the selected orders", permissions=["stop"])
    def stop(self, request: HttpRequest, chosen: QuerySet[Generation]) -> None:
        """Cancel what is still being made; what is ready stays."""
        stopped = sum(actions.cancel_generation(by=request.user, generation=generation) for generation in chosen)  # type: ignore[arg-type]
        left = len(chosen) - stopped
        self.message_user(request, f"Stopped: {stopped}. Had ended already: {left}.", messages.SUCCESS if stopped else messages.WARNING)
