"""The page where an ad is ordered: photo, words, places, variations."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.models import Brand
from accounts.queries import brands_of
from generations import actions
from generations.models import Photo
from generations.queries import photos_of
from prompting.brief import LIMITS, Brief, BriefError
from templates_app.models import AdTemplate, Placement
from templates_app.queries import image_placements, published

WORDS = ("product", "headline", "subline", "cta", "badge", "legal", "audience", "tone", "language", "avoid")
USUAL = ("meta_ig_feed_square", "meta_ig_feed_portrait", "meta_ig_stories", "linkedin_single_landscape")
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
SHAPE_NAMES = {
    "1:1": "Square",
    "4:5": "Portrait",
    "9:16": "Story",
    "1.91:1": "Landscape",
    "2:3": "Pin",
    "4:3": "Classic",
    "16:9": "Wide",
}
EARLIER_PHOTOS = 8


@dataclass
class Draft:
    """What is in the form: as it was typed, whatever is wrong with it."""

    words: dict[str, str] = field(default_factory=dict)
    keywords: str = ""
    chosen: tuple[str, ...] = USUAL
    variations: str = "2"
    engine: str = "auto"
    seed: str = ""
    use_cutout: bool = True
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    photo: Photo | None = None
    brand: Brand | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Draft:
        """What a person sent."""
        sent = request.POST
        return cls(
            words={name: sent.get(name, "") for name in WORDS},
            keywords=sent.get("keywords", ""),
            chosen=tuple(sent.getlist("placement")),
            variations=sent.get("variations", "1"),
            engine=sent.get("engine", "auto"),
            seed=sent.get("seed", "").strip(),
            use_cutout="cutout" in sent or "cutout-shown" not in sent,
            key=sent.get("key", "")[:64] or uuid.uuid4().hex,
        )


@login_required
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or take the order. What is wrong comes back with a sentence at its field; nothing typed or uploaded is lost."""
    template = get_object_or_404(published(), slug=slug)
    if request.method != "POST":
        return _page(request, template, _first_draft(request))
    draft, errors = Draft.of(request), dict[str, str]()
    draft.brand = _brand(request)
    if draft.brand is None:
        errors["brand"] = "You are in no brand yet. Ask for an invitation to one."
    else:
        draft.photo = _photo(request, draft.brand, errors)
    placements = list(image_placements().filter(slug__in=draft.chosen))
    order = _read(draft, errors)
    if template.needs_photo and draft.photo is None and "photo" not in errors:
        errors["photo"] = "This template needs a product photo. Add one."
    if not placements:
        errors["placements"] = "Choose at least one place where the ad runs."
    if not errors and draft.brand:
        try:
            generation = actions.order_generation(
                by=request.user,  # type: ignore[arg-type]
                brand=draft.brand,
                template=template,
                placements=placements,
                photos=[draft.photo] if draft.photo else [],
                use_cutout=draft.use_cutout,
                engine=draft.engine,
                idempotency_key=draft.key,
                **order,
            )
            return redirect("generation", pk=generation.pk)
        except actions.OrderRefused as refusal:
            errors.update(refusal.errors)
        except actions.KeyReused:
            draft.key = uuid.uuid4().hex  # the form was changed after it had been sent: this is another order
            errors["form"] = "This form was sent before with other words. Send it once more to make these ads, too."
    return _page(request, template, draft, errors, status=422)


def _first_draft(request: HttpRequest) -> Draft:
    photo = photos_of(request.user).filter(pk=_uuid(request.GET.get("photo"))).first()
    return Draft(photo=photo, brand=_brand(request))


def _brand(request: HttpRequest) -> Brand | None:
    brands = brands_of(request.user)
    return brands.filter(pk=_uuid(request.POST.get("brand"))).first() or brands.first()


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def _photo(request: HttpRequest, brand: Brand, errors: dict[str, str]) -> Photo | None:
    """A new photo is kept before anything else is looked at, so that it comes back with the form."""
    upload = request.FILES.get("photo")
    if upload is not None:
        try:
            return actions.add_photo(by=request.user, brand=brand, data=upload.read(), name=upload.name or "")  # type: ignore[arg-type]
        except actions.PhotoRefused as refusal:
            errors["photo"] = str(refusal)
    return photos_of(request.user).filter(brand=brand, pk=_uuid(request.POST.get("photo_id"))).first()


def _read(draft: Draft, errors: dict[str, str]) -> dict[str, Any]:
    """The typed parts of an order; what cannot be read goes to `errors`."""
    order: dict[str, Any] = {}
    try:
        words = [word for word in draft.keywords.split(",") if word.strip()]
        order["brief"] = Brief.read({**draft.words, "keywords": words})
    except BriefError as error:
        errors.update(error.errors)
    try:
        order["variations"] = int(draft.variations)
        order["seed"] = int(draft.seed) if draft.seed else None
    except ValueError:
        errors["seed"] = "The seed must be a whole number. Leave it empty for a random one."
    return order


def _page(
    request: HttpRequest, template: AdTemplate, draft: Draft, errors: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    shapes = _by_shape(image_placements(), set(draft.chosen))
    chosen = sum(shape["number"] for shape in shapes)
    pictures = sum(1 for shape in shapes if shape["number"])
    variations = int(draft.variations) if draft.variations.isdigit() else 1
    context = {
        "template": template,
        "draft": draft,
        "errors": errors or {},
        "fields": _fields(draft, errors or {}),
        "shapes": shapes,
        "placements_in_all": sum(len(shape["placements"]) for shape in shapes),
        "brands": list(brands_of(request.user)),
        "earlier": list(photos_of(request.user)[:EARLIER_PHOTOS]),
        "languages": LANGUAGES,
        "sum": {"variations": variations, "shapes": pictures, "pictures": variations * pictures, "ads": variations * chosen},
        "chosen_number": chosen,
    }
    return render(request, "studio/create.html", context, status=status)


def _fields(draft: Draft, errors: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Each text field with its value, limit, length and what is wrong with it."""
    return {
        name: {"value": draft.words.get(name, ""), "limit": LIMITS[name], "length": len(draft.words.get(name, "")), "error": errors.get(name)}
        for name in WORDS
    }


def _by_shape(placements: Iterable[Placement], chosen: set[str]) -> list[dict[str, Any]]:
    """The placements under the shape whose picture they take, in the order that marketers know."""
    rows = {shape: {"id": shape, "name": name, "placements": [], "number": 0} for shape, name in SHAPE_NAMES.items()}
    for placement in placements:
        version = placement.current
        assert version is not None
        row: dict[str, Any] = rows[version.shape.id]
        row["ratio"] = round(version.shape.ratio, 4)
        ticked = placement.slug in chosen
        row["number"] += ticked
        row["placements"].append({"row": placement, "version": version, "chosen": ticked, "usual": placement.slug in USUAL})
    return [row for row in rows.values() if row["placements"]]
