"""Words, steps and events in admin."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from generations import breakers
from generations.models import Breaker, Copy, Event, Fingerprint, Step
from keeping.showing import LookOnly, pretty, row_link


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


@admin.register(Fingerprint)
class Fingerprints(LookOnly):
    """What finished files are known by: where a file from outside is looked up by its hash, its looks or its invisible mark."""

    list_display = ("sha256", "looks", "number", "source_type", "ad", "made_at")
    list_filter = ("source_type", "made_at")
    search_fields = ("=sha256", "=looks", "=number", "=ad")
    search_help_text = "A whole SHA-256, perceptual hash or number of a watermark, or the id of an ad."
    date_hierarchy = "made_at"
    fields = ("sha256", "looks", "number", "source_type", "ad", "made_at")


@admin.register(Breaker)
class Breakers(LookOnly):
    """Engines, and the store of files, that failed lately, and whether they are left in peace. Writers: see language servers."""

    list_display = ("name", "works", "failures", "reason", "changed_at")
    fields = ("name", "works", "failures", "reason", "changed_at")
    actions = ("try_again",)

    @admin.display(description="works", boolean=True)
    def works(self, breaker: Breaker) -> bool:
        """Whether it is asked at all."""
        return breaker.open_until == 0

    @admin.action(description="Try them again now", permissions=["close"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Breaker]) -> None:
        """Close these breakers: the next picture asks the engine again."""
        for breaker in chosen:
            breakers.worked(breaker.name)
        messages.success(request, "They are asked again from now on.")

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Whoever could change breakers, if anybody changed rows that the machine writes."""
        return bool(request.user.has_perm("generations.change_breaker"))
