"""The page where an ad is ordered: photo, words, places, variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Brand, IdempotencyKey
from accounts.queries import brands_of
from generations import actions
from generations.fixing import mended
from generations.models import Copy, Generation, Photo
from generations.queries import Preflight, photos_of, preflight
from prompting.brief import LIMITS, clean
from studio import forms
from studio.forms import Draft
from studio.pages.places import extras_of, places
from studio.pages.shapes import SHAPE_NAMES
from templates_app.models import AdTemplate, Placement
from templates_app.queries import extra_placements, image_placements, placements, published

LANGUAGES = (
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("pl", "Polski"),
    ("el", "Ελληνικά"),
    ("uk", "Українська"),
    ("ar", "العربية"),
    ("he", "עברית"),
    ("hi", "हिन्दी"),
)
SAMPLE_SHAPES = (("4:5", "9:16"), ("1:1", "1.91:1"))  # two rows beside the form
# Where the form's own fields differ from the names that the rooms below give to what is wrong.
ANCHORS = {
    "photos": "photo",
    "placement": "placements",
    "template": "template-name",
    "lora_strength": "seed",
    "credits": "variations",
    "room": "form",
}
# The order of the fields on the page, for the list of what is wrong.
ORDER = ("form", "photo", "brand", *forms.WORDS[:-1], "keywords", "markets", "placements", "variations", "engine", "seed", "avoid", "label")
NUMBERS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things", "Six things")


@login_required
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or take the order. What is wrong comes back with a sentence at its field; nothing typed or uploaded is lost."""
    template = get_object_or_404(published(), slug=slug)
    if request.method != "POST":
        return _show(request, template)
    draft, upload, errors = Draft.of(request.POST), forms.upload_of(request), dict[str, str]()
    key = draft.key_with(upload)
    brand = forms.brand_for(request, draft)
    photo = forms.photo_for(request, draft, brand, upload, errors) if brand else None
    if photo and "mark" in request.POST:
        forms.keep(request, slug, draft)
        return redirect(f"{reverse('photo-mark', args=[photo.pk])}?{urlencode({'next': request.path})}")
    if "fix" in request.POST and brand is not None:
        _mend(draft, brand, photo, request.POST["fix"])
        return _page(request, template, draft, photo, {}, asked=True)
    if "check" in request.POST:
        return _page(request, template, draft, photo, errors, asked=True)
    if {"look", "mark", "remove"} & set(request.POST):
        return _page(request, template, draft, photo, errors, status=422 if errors else 200)
    if brand is None:
        errors["brand"] = "You are in no brand yet. Ask for an invitation to one."
    chosen = list(placements().filter(slug__in=draft.chosen))
    order = forms.read(draft, errors)
    errors.update(_missing(brand, template, chosen, photo, order, draft, errors))
    if brand is None or errors:
        return _page(request, template, draft, photo, errors, status=422)
    try:
        generation = actions.order_generation(
            by=request.user,  # type: ignore[arg-type]
            brand=brand,
            template=template,
            placements=chosen,
            photos=[photo] if photo else [],
            use_cutout=draft.use_cutout,
            engine=draft.engine,
            idempotency_key=key,
            **order,
        )
    except actions.OrderRefused as refusal:
        return _page(request, template, draft, photo, refusal.errors, status=422)
    except actions.KeyReused:
        # The same form with the same file came twice at once, and the file became two photos.
        earlier = IdempotencyKey.objects.get(caller_id=request.user.pk, route=actions.ORDER_ROUTE, key=key)
        generation = Generation.objects.get(pk=earlier.answer["generation"])
    forms.forget(request, slug)
    return redirect("generation", pk=generation.pk)


def _preflight(draft: Draft, brand: Brand, photo: Photo | None) -> list[Preflight]:
    """What the chosen placements say of the form as it is."""
    words = {name: clean(draft.words.get(name, "")) for name in Copy.WORDS}
    versions = [placement.current for placement in placements().filter(slug__in=draft.chosen) if placement.current]
    return preflight(brand=brand, placements=versions, words=words, photo=photo)


def _mend(draft: Draft, brand: Brand, photo: Photo | None, wanted: str) -> None:
    """Do to the form what a finding's button says; `wanted` is its placement and rule."""
    for each in _preflight(draft, brand, photo):
        for finding in each.open:
            if finding.fix and f"{finding.placement}:{finding.rule}" == wanted:
                draft.words = mended(brand, finding.fix, draft.words, draft.words.get("language") or "en")
                left = [slug for slug in draft.chosen if slug != finding.fix.leave_out]
                draft.chosen = tuple(dict.fromkeys([*left, *filter(None, [finding.fix.take])]))
                return


def _missing(
    brand: Brand | None,
    template: AdTemplate,
    placements: Sequence[Placement],
    photo: Photo | None,
    order: Mapping[str, Any],
    draft: Draft,
    known: Mapping[str, str],
) -> dict[str, str]:
    """What the order would be refused for: asked beforehand, so that one answer names all that is wrong."""
    missing: dict[str, str] = {}
    if template.needs_photo and photo is None:
        missing["photo"] = "This template needs a product photo. Add one."
    if brand is not None:
        try:
            variations = order["variations"] if order["variations"] is not None else 1
            actions.check_order(brand, template, placements, variations=variations, seed=order["seed"], engine=draft.engine)
        except actions.OrderRefused as refusal:
            missing.update(refusal.errors)
    return {name: sentence for name, sentence in missing.items() if name not in known}


def _show(request: HttpRequest, template: AdTemplate) -> HttpResponse:
    draft = forms.again(request) or forms.kept(request, template.slug) or Draft.fresh(request)
    brand, errors = forms.brand_for(request, draft), dict[str, str]()
    photo = forms.photo_for(request, draft, brand, None, errors) if brand else None
    return _page(request, template, draft, photo, {})


def _in_order(errors: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by the anchor of its field, from the top of the page to its end."""
    by_anchor = {ANCHORS.get(name, name): sentence for name, sentence in errors.items()}
    return {name: by_anchor[name] for name in sorted(by_anchor, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))}


def _page(
    request: HttpRequest,
    template: AdTemplate,
    draft: Draft,
    photo: Photo | None,
    errors: Mapping[str, str],
    status: int = 200,
    *,
    asked: bool = False,
) -> HttpResponse:
    extras = extras_of(extra_placements(), set(draft.chosen))
    where, brand = places(image_placements(), set(draft.chosen)), forms.brand_for(request, draft)
    variations = int(draft.variations) if draft.variations in map(str, range(1, actions.VARIATIONS_AT_MOST + 1)) else 1
    previews = {preview.shape: preview for preview in template.previews.all()}
    rows = [[{"preview": previews[shape], "name": SHAPE_NAMES[shape]} for shape in row if shape in previews] for row in SAMPLE_SHAPES]
    context = {
        "template": template,
        "draft": draft,
        "photo": photo,
        "brand": brand,
        "brands": list(brands_of(request.user)),
        "earlier": list(photos_of(request.user).filter(brand=brand)[: forms.EARLIER_PHOTOS]) if photo is None else [],
        "errors": _in_order(errors),
        "errors_number": NUMBERS[len(errors)] if len(errors) < len(NUMBERS) else f"{len(errors)} things",
        "fields": forms.lengths(draft.words, LIMITS, errors),
        "where": where,
        "extras": extras,
        "asked": asked,
        "preflight": [each for each in _preflight(draft, brand, photo) if each.open] if asked and brand else [],
        "languages": LANGUAGES,
        "labels": Generation.Label.choices,
        "sample": [row for row in rows if row],
        "variations": variations,
        "pictures": variations * where["painted"],
        "ads": variations * where["chosen"],
    }
    return render(request, "studio/create.html", context, status=status)
