"""The order form as data: what a person typed, chose and uploaded, whatever is wrong with it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from accounts.models import Brand
from accounts.queries import brands_of
from generations import actions
from generations.models import Generation, Photo
from generations.queries import generations_of, photos_of
from prompting.brief import Brief, BriefError
from studio.current import brand_of, require_editor

WORDS = ("product", "headline", "subline", "cta", "badge", "legal", "audience", "tone", "language", "avoid")
# What is ticked on a fresh form: the four shapes that most campaigns need.
FIRST_CHOICE = ("meta_ig_feed_square", "meta_ig_feed_portrait", "meta_ig_stories", "meta_fb_feed_landscape")
KEY_LENGTH = 64
EARLIER_PHOTOS = 8  # how many are offered again
KEPT = "drafts"  # where a session keeps forms that were left half-way
KEPT_AT_MOST = 5


@dataclass
class Draft:
    """What is in the form, as it was typed."""

    words: dict[str, str] = field(default_factory=dict)
    keywords: str = ""
    markets: str = ""
    label: str = "auto"
    chosen: tuple[str, ...] = FIRST_CHOICE
    variations: str = "2"
    engine: str = "auto"
    seed: str = ""
    use_cutout: bool = True
    photo_id: str = ""
    brand_id: str = ""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, sent: QueryDict) -> Draft:
        """What a person sent."""
        return cls(
            words={name: sent.get(name, "") for name in WORDS},
            keywords=sent.get("keywords", ""),
            markets=sent.get("markets", ""),
            label=sent.get("label", "auto"),
            chosen=tuple(sent.getlist("placement")),
            variations=sent.get("variations", "1").strip(),
            engine=sent.get("engine", "auto"),
            seed=sent.get("seed", "").strip(),
            use_cutout="cutout" in sent or "cutout-shown" not in sent,
            photo_id="" if "remove" in sent else sent.get("photo_id", ""),
            brand_id=sent.get("brand", ""),
            key=sent.get("key", "")[:KEY_LENGTH] or uuid.uuid4().hex,
        )

    @classmethod
    def fresh(cls, request: HttpRequest) -> Draft:
        """An empty form, in the language that this person writes ads in."""
        return cls(words={"language": getattr(request.user, "language", "en")})

    @classmethod
    def again(cls, order: Generation) -> Draft:
        """The form as it was for an order that is there: to make it once more, or a little different."""
        brief, photo = order.brief, order.photos.first()
        ads = [ad for picture in order.pictures.all() for ad in picture.ads.all()]
        return cls(
            words={name: getattr(brief, name) for name in WORDS},
            keywords=", ".join(brief.keywords),
            markets=", ".join(brief.markets),
            label=order.label,
            chosen=tuple(dict.fromkeys(ad.placement.placement.slug for ad in ads)),
            variations=str(order.variations),
            engine=order.engine,
            seed=str(order.seed),
            use_cutout=order.use_cutout,
            photo_id=str(photo.pk) if photo else "",
            brand_id=str(order.brand_id),
        )

    def key_with(self, upload: bytes | None) -> str:
        """The one-time key of this form with this content: sent twice it is one order, changed in between it is another."""
        content = {**asdict(self), "photo_id": self.photo_id if upload is None else ""}
        return f"{self.key}-{hashlib.sha256(repr(content).encode() + (upload or b'')).hexdigest()[:32]}"


def keep(request: HttpRequest, slug: str, draft: Draft) -> None:
    """Keep a form while its person is on another page."""
    kept = {name: value for name, value in request.session.get(KEPT, {}).items() if name != slug}
    newest = dict(list(kept.items())[1 - KEPT_AT_MOST :])
    request.session[KEPT] = {**newest, slug: {name: value for name, value in asdict(draft).items() if name != "key"}}


def kept(request: HttpRequest, slug: str) -> Draft | None:
    """The form that was kept for this template, in the brand that this person works in."""
    data, brand = request.session.get(KEPT, {}).get(slug), brand_of(request)
    if not data or data["brand_id"] not in ("", str(brand.pk) if brand else ""):
        return None
    return Draft(**{**data, "chosen": tuple(data["chosen"])})


def again(request: HttpRequest) -> Draft | None:
    """The form of the order that the address names (`?from=<id>`), when it is one of this person's."""
    order = generations_of(request.user).filter(pk__in=ids(request.GET.get("from", ""))).first()
    return Draft.again(order) if order else None


def forget(request: HttpRequest, slug: str) -> None:
    """The order is made: nothing needs to be kept any more."""
    if slug in request.session.get(KEPT, {}):
        request.session[KEPT] = {name: value for name, value in request.session[KEPT].items() if name != slug}


def brand_for(request: HttpRequest, draft: Draft) -> Brand | None:
    """The brand that was chosen, or the one that this person works in."""
    return brands_of(request.user).filter(pk__in=ids(draft.brand_id)).first() or brand_of(request)


def for_editors(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, closed to forms of people who may only look at the brand that the form names."""

    @wraps(view)
    def looked_at(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and request.user.is_authenticated:
            require_editor(request, brand_for(request, Draft.of(request.POST)))
        return view(request, *args, **kwargs)

    return looked_at


def photo_for(request: HttpRequest, draft: Draft, brand: Brand, upload: bytes | None, errors: dict[str, str]) -> Photo | None:
    """The photo of the form. A new one is kept before anything else is looked at, so that it comes back with the form."""
    address = request.POST.get("photo_url", "").strip().replace("\0", "")
    if upload is not None or address:
        try:
            if upload is None:
                photo = actions.fetch_photo(by=request.user, brand=brand, url=address)  # type: ignore[arg-type]
            else:
                photo = actions.add_photo(by=request.user, brand=brand, data=upload, name=upload_name(request))  # type: ignore[arg-type]
        except actions.PhotoRefused as refusal:
            errors["photo"] = str(refusal)
        else:
            draft.photo_id = str(photo.pk)
            return photo
    earlier = photos_of(request.user).filter(pk__in=ids(draft.photo_id)).first()
    if earlier is not None and earlier.brand_id != brand.pk:
        errors["photo"] = f"This photo belongs to {earlier.brand}. Choose that brand, or add the photo for {brand}."
        return None
    return earlier


def upload_of(request: HttpRequest) -> bytes | None:
    """The bytes of the photo in this request; None when no file was chosen."""
    file = request.FILES.get("photo")
    return file.read() if file is not None else None


def upload_name(request: HttpRequest) -> str:
    """What the uploaded file was called."""
    file = request.FILES.get("photo")
    return (file.name or "") if file is not None else ""


def read(draft: Draft, errors: dict[str, str]) -> dict[str, Any]:
    """The typed parts of an order, as `order_generation` takes them; what cannot be read goes to `errors`."""
    order: dict[str, Any] = {}
    try:
        order["brief"] = Brief.read({**draft.words, "keywords": _split(draft.keywords), "markets": _split(draft.markets)})
    except BriefError as error:
        errors.update(error.errors)
    order["label"] = draft.label
    order["variations"] = _number(draft.variations, "variations", "Choose how many variations: 1 to 8.", errors)
    order["seed"] = _number(draft.seed, "seed", "The seed must be a whole number. Leave it empty for a random one.", errors)
    if order["variations"] is None:
        errors.setdefault("variations", "Choose how many variations: 1 to 8.")
    return order


def _split(text: str) -> list[str]:
    """The words between the commas."""
    return [word for word in text.split(",") if word.strip()]


def ids(text: str) -> list[uuid.UUID]:
    """The id that a person's browser sent; none when it is not one."""
    try:
        return [uuid.UUID(text)]
    except ValueError:
        return []


def _number(text: str, name: str, sentence: str, errors: dict[str, str]) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        errors[name] = sentence
        return None
    return int(text)


def lengths(words: Mapping[str, str], limits: Mapping[str, int], errors: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Each text field with its value, limit, length, and what is wrong with it."""
    return {
        name: {"value": words.get(name, ""), "limit": limit, "length": len(words.get(name, "")), "error": errors.get(name)}
        for name, limit in limits.items()
    }
