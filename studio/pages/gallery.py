"""The front page: a welcome for strangers, the gallery of templates for those who are signed in; and one template's own page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.vary import vary_on_headers

from generations.models import Generation
from generations.queries import generations_of
from prompting.brief import LIMITS
from studio.pages.shapes import SHAPE_NAMES
from templates_app.models import AdTemplate, Category, TemplatePreview
from templates_app.queries import image_placements, published

SHAPES_TO_PICK = ("1:1", "4:5", "9:16", "1.91:1")
# Which shape each template shows in turn, so that the wall has a rhythm.
RHYTHM = ("4:5", "1:1", "1.91:1", "9:16", "4:5", "1:1", "4:5", "1.91:1", "1:1")
LONGEST_SEARCH = 80
WELCOME_WALL, CLOSE_ONES = 8, 5


class Tile(NamedTuple):
    """One template on the wall, and the preview that stands for it."""

    template: AdTemplate
    preview: TemplatePreview | None

    @property
    def name(self) -> str:
        """The shape's name, where there is a preview."""
        return SHAPE_NAMES.get(self.preview.shape, "") if self.preview else ""


@vary_on_headers("HX-Request")
def home(request: HttpRequest) -> HttpResponse:
    """The welcome or the gallery, by who asks."""
    if request.user.is_authenticated:
        return gallery(request)
    if request.htmx:  # type: ignore[attr-defined] # the gallery asks for its wall, and the session has run out
        return HttpResponse(status=401)
    return welcome(request)


def welcome(request: HttpRequest) -> HttpResponse:
    """What AdsGem is, in pictures that it made itself."""
    templates = list(published())
    hero = next((template for template in templates if template.needs_photo and len(template.previews.all()) > 2), None)
    others = [template for template in templates if template != hero]
    context = {
        "hero": hero,
        "hero_previews": _previews_by_shape(hero, ("9:16", "4:5", "1:1")) if hero else [],
        "tiles": _tiles(others[:WELCOME_WALL], ""),
        "number": len(templates),
        "placements": image_placements().count(),
    }
    return render(request, "studio/welcome.html", context)


def gallery(request: HttpRequest) -> HttpResponse:
    """The wall of templates: one category or all, found by a word, shown in one shape or mixed. htmx gets the wall alone."""
    words = " ".join(request.GET.get("q", "").split())[:LONGEST_SEARCH]
    category, shape = request.GET.get("category", ""), request.GET.get("shape", "")
    shape = shape if shape in SHAPES_TO_PICK else ""
    found = _found(words)
    if category:
        found = found.filter(category__slug=category)
    categories = Category.objects.filter(templates__published=True).annotate(number=Count("templates"))
    context = {
        "words": words,
        "category": category,
        "shape": shape,
        "shapes": [{"id": each, "name": SHAPE_NAMES[each]} for each in SHAPES_TO_PICK],
        "tiles": _tiles(list(found), shape),
        "chips": _chips(list(categories), category, {"q": words, "shape": shape}),
    }
    whole = not request.htmx or request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "studio/gallery.html" if whole else "studio/_gallery.html", context)


def template(request: HttpRequest, slug: str) -> HttpResponse:
    """One template: what it makes in every shape, what fits in it, and the button."""
    found = get_object_or_404(published(), slug=slug)
    close = [other for other in published().filter(category=found.category)[: CLOSE_ONES + 1] if other != found][:CLOSE_ONES]
    context = {
        "template": found,
        "previews": _previews_by_shape(found, tuple(SHAPE_NAMES)),
        "limits": LIMITS,
        "close": _tiles(close, ""),
    }
    return render(request, "studio/template.html", context)


@login_required
def new_ad(request: HttpRequest) -> HttpResponse:
    """Begin an ad with the template used last, or with the first one on the shelf."""
    newest: Generation | None = generations_of(request.user).prefetch_related(None).order_by("-created_at").first()
    templates = published()
    last = templates.filter(pk=newest.template_version.template_id).first() if newest else None
    chosen = last or templates.first()
    return redirect("create", slug=chosen.slug) if chosen else redirect("home")


def _found(words: str) -> QuerySet[AdTemplate]:
    """Published templates that have every word somewhere in what is said of them."""
    found = published()
    for word in words.split():
        found = found.filter(Q(title__icontains=word) | Q(summary__icontains=word) | Q(category__title__icontains=word))
    return found


def _chips(categories: Sequence[Any], chosen: str, others: dict[str, str]) -> list[dict[str, Any]]:
    """A link for each category, and one for all; the search and the shape stay as they are."""
    rows = [("", "All", sum(category.number for category in categories))]
    rows += [(category.slug, category.title, category.number) for category in categories]
    return [
        {
            "title": title,
            "number": number,
            "address": "?" + urlencode({name: value for name, value in {"category": slug, **others}.items() if value}),
            "current": slug == chosen,
        }
        for slug, title, number in rows
    ]


def _tiles(templates: Sequence[AdTemplate], shape: str) -> list[Tile]:
    return [Tile(template, _preview(template, shape or RHYTHM[place % len(RHYTHM)])) for place, template in enumerate(templates)]


def _preview(template: AdTemplate, shape: str) -> TemplatePreview | None:
    """The preview in this shape, or any."""
    previews = list(template.previews.all())
    return next((preview for preview in previews if preview.shape == shape), previews[0] if previews else None)


def _previews_by_shape(template: AdTemplate, shapes: Sequence[str]) -> list[dict[str, Any]]:
    by_shape = {preview.shape: preview for preview in template.previews.all()}
    return [{"preview": by_shape[shape], "name": SHAPE_NAMES[shape]} for shape in shapes if shape in by_shape]
