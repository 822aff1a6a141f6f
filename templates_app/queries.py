"""Reads about templates and placements, for every face, in a constant number of queries."""

from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from comfy import loras
from templates_app.models import AdTemplate, Placement, TemplateLora, TemplatePreview


def published() -> QuerySet[AdTemplate]:
    """The gallery: published templates with their category, current version, layout and previews.

    Where ComfyUI servers are known, a template whose LoRA none of them has is not offered: it would not look as its preview does.
    """
    offered = Q(published=True, current__isnull=False)
    if lacking := lacking_loras():
        offered &= ~Q(pk__in=lacking)
    return everything().filter(offered)


def everything() -> QuerySet[AdTemplate]:
    """Every template with the same joins, whether or not it is offered: for staff."""
    return (
        AdTemplate.objects.select_related("category", "current__layout__layout")
        .prefetch_related(Prefetch("previews", TemplatePreview.objects.select_related("file")))
        .order_by("position", "title")
    )


def lacking_loras() -> dict[int, set[str]]:
    """The LoRAs that templates name, in their recipe or as a row, and no server has, by template. Empty while no server was ever seen."""
    found = loras.found_somewhere()
    if found is None:
        return {}
    named = AdTemplate.objects.filter(published=True, current__isnull=False).values_list("pk", "current__data__engines__comfyui__loras")
    lacking = {pk: {one["lora"] for one in told or ()} - found for pk, told in named}
    for pk, slug in TemplateLora.objects.exclude(lora__slug__in=found).values_list("template_id", "lora__slug"):
        lacking.setdefault(pk, set()).add(slug)
    return {pk: slugs for pk, slugs in lacking.items() if slugs}


def placements() -> QuerySet[Placement]:
    """Every placement with its current version."""
    return Placement.objects.filter(current__isnull=False).select_related("current").order_by("position", "slug")


def image_placements() -> QuerySet[Placement]:
    """The placements that take a picture: those that an order may name."""
    return placements().filter(kind=Placement.Kind.IMAGE)


def extra_placements() -> QuerySet[Placement]:
    """What goes along with pictures: files of the brand's logo, and texts without a picture."""
    return placements().exclude(kind=Placement.Kind.IMAGE)
