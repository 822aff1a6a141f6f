"""Photos, orders, pictures and ads in admin: what the makers wrote, to look at and to search."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from generations import actions
from generations.models import Ad, Copy, Event, Generation, Photo, Picture, Step
from keeping.showing import (
    NONE,
    LookOnly,
    LookOnlyRows,
    file_address,
    picture,
    pretty,
    row_link,
)


def state(row: Any) -> SafeString:
    """The status in the colour of its meaning."""
    return format_html('<span class="state {}">{}</span>', row.status, row.get_status_display())


def seconds_between(row: Any) -> str:
    """How long it took from the order to the end."""
    return f"{(row.finished_at - row.created_at).total_seconds():.1f} s" if row.finished_at else "not finished"


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
        return format_html('<span class="state {}">{}</span>', "pass" if photo.cutout_usable else "warn", f"{photo.confidence:.2f}")


class PictureRows(LookOnlyRows):
    """The pictures of an order."""

    model = Picture
    fields = ("shown", "variation", "shape", "state", "progress", "engine", "seed", "error_message")

    @admin.display(description="picture")
    def shown(self, row: Picture) -> SafeString:
        """The raw picture, small."""
        return picture(row.raw_id, alt=f"Picture {row}")

    @admin.display(description="status")
    def state(self, row: Picture) -> SafeString:
        """In colour."""
        return state(row)


class StepRows(LookOnlyRows):
    """What was done for it."""

    model = Step
    fields = ("created_at", "kind", "who", "seconds", "attempt", "tokens", "micro_usd", "error")
    ordering = ("created_at",)


@admin.register(Generation)
class Generations(LookOnly):
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

    @admin.display(description="status", ordering="status")
    def state(self, generation: Generation) -> SafeString:
        """In colour."""
        return state(generation)

    @admin.display(description="pictures", ordering="picture_number")
    def picture_count(self, generation: Generation) -> int:
        """Variations by shapes."""
        return int(getattr(generation, "picture_number", 0))

    @admin.display(description="took")
    def took(self, generation: Generation) -> str:
        """From the order to the end."""
        return seconds_between(generation)

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


class AdRows(LookOnlyRows):
    """The ads of a picture."""

    model = Ad
    fields = ("shown", "placement", "copy", "state", "alt", "error_message")

    @admin.display(description="ad")
    def shown(self, ad: Ad) -> SafeString:
        """Small."""
        return picture(ad.file_id, alt=ad.alt)

    @admin.display(description="status")
    def state(self, ad: Ad) -> SafeString:
        """In colour."""
        return state(ad)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        """With the names that a row shows."""
        found: QuerySet[Ad] = super().get_queryset(request)
        return found.select_related("placement__placement", "copy", "file", "picture")


@admin.register(Picture)
class Pictures(LookOnly):
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

    @admin.display(description="status", ordering="status")
    def state(self, row: Picture) -> SafeString:
        """In colour."""
        return state(row)

    @admin.display(description="took")
    def took(self, row: Picture) -> str:
        """From the order to the end."""
        return seconds_between(row)

    @admin.display(description="geometry")
    def geometry_shown(self, row: Picture) -> SafeString:
        """Where things stand in it."""
        return pretty(row.geometry_data)

    @admin.display(description="facts")
    def facts_shown(self, row: Picture) -> SafeString:
        """What the engine says of it."""
        return pretty(row.facts)


@admin.register(Ad)
class Ads(LookOnly):
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

    @admin.display(description="status", ordering="status")
    def state(self, ad: Ad) -> SafeString:
        """In colour."""
        return state(ad)

    @admin.display(description="checks")
    def result(self, ad: Ad) -> SafeString:
        """The worst of its checks."""
        results = {check["result"] for check in ad.checks}
        worst = next((result for result in ("fail", "warn", "pass") if result in results), "")
        return format_html('<span class="state {}">{}</span>', worst, worst) if worst else NONE

    @admin.display(description="pixels")
    def pixels_shown(self, ad: Ad) -> str:
        """Width by height."""
        return f"{ad.file.width} × {ad.file.height}" if ad.file else "none yet"

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


@admin.register(Copy)
class Copies(LookOnly):
    """The wordings of orders."""

    list_display = ("headline", "language", "author", "created_by", "order", "created_at", "undone_at")
    list_filter = ("author", "language", ("undone_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("created_by", "generation__template_version__template")
    search_fields = ("id", "words__headline", "generation__id", "created_by__email")
    date_hierarchy = "created_at"
    fields = (
        "words_shown",
        "captions_shown",
        "language",
        "angle",
        "author",
        "created_by",
        "generation",
        "parent",
        "created_at",
        "undone_at",
    )

    @admin.display(description="headline")
    def headline(self, copy: Copy) -> str:
        """Its first words."""
        return str(copy)

    @admin.display(description="order")
    def order(self, copy: Copy) -> SafeString:
        """The order it belongs to."""
        return row_link(copy.generation)

    @admin.display(description="words")
    def words_shown(self, copy: Copy) -> SafeString:
        """All of them."""
        return pretty(copy.words)

    @admin.display(description="captions")
    def captions_shown(self, copy: Copy) -> SafeString:
        """What networks show beside the picture."""
        return pretty(copy.captions)


@admin.register(Step)
class Steps(LookOnly):
    """What was done, by whom, how long it took, what it used."""

    list_display = ("created_at", "kind", "who", "seconds_shown", "attempt", "tokens", "gpu_seconds", "micro_usd", "error")
    list_filter = ("kind", "who", ("error", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("id", "generation__id", "picture__id", "ad__id", "photo__id", "who", "error")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    @admin.display(description="seconds", ordering="seconds")
    def seconds_shown(self, step: Step) -> str:
        """To the millisecond."""
        return f"{step.seconds:.3f}"


@admin.register(Event)
class Events(LookOnly):
    """What happened, in order."""

    list_display = ("created_at", "brand", "seq", "kind", "object_id")
    list_filter = ("kind", "brand", "created_at")
    list_select_related = ("brand",)
    search_fields = ("object_id", "generation__id", "brand__name")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fields = ("created_at", "brand", "seq", "kind", "object_id", "generation")
