"""Reads about templates and placements, for every face, in a constant number of queries."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from templates_app.models import AdTemplate, Placement, TemplatePreview


def published() -> QuerySet[AdTemplate]:
    """The gallery: published templates with their category, current version, layout and previews."""
    return (
        AdTemplate.objects.filter(published=True, current__isnull=False)
        .select_related("category", "current__layout__layout")
        .prefetch_related(Prefetch("previews", TemplatePreview.objects.select_related("file")))
        .order_by("position", "title")
    )


def placements() -> QuerySet[Placement]:
    """Every placement with its current version."""
    return Placement.objects.filter(current__isnull=False).select_related("current").order_by("position", "slug")


def image_placements() -> QuerySet[Placement]:
    """The placements that take a picture: those that an order may name."""
    return placements().filter(kind=Placement.Kind.IMAGE)
