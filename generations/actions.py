"""What a person may do with photos, orders and words. Pages, API and the command line call the same functions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts import ledger
from accounts.models import Brand, IdempotencyKey, PriceVersion, Product, User
from accounts.prices import price_of
from finishing.cutout import METHOD, CutOut, NothingFound, Stroke, cut_out, cut_out_marked
from finishing.examine import credentials_of
from finishing.photo import PhotoRefused, make_safe
from finishing.specs import Box
from generations import spending, states, steps
from generations.captions import write_captions
from generations.models import SEED_MAX, Ad, Copy, Generation, GenerationPhoto, Photo, Picture, Step
from generations.tasks import finish_ad, stop_picture, write_generation
from keeping import room, store
from keeping.bell import ring
from keeping.crashpoints import crashpoint
from keeping.versions import hash_of
from painting.engine import EngineError
from painting.engines import choose
from prompting.brief import Brief, BriefError
from prompting.writer import OverBudget
from templates_app.models import AdTemplate, Placement

__all__ = [
    "BriefError",
    "CreditsMissing",
    "KeyReused",
    "OrderRefused",
    "PhotoRefused",
    "add_photo",
    "cancel_generation",
    "check_order",
    "change_copy",
    "make_files_again",
    "mark_product",
    "order_generation",
    "undo_copy",
]

VARIATIONS_AT_MOST, PLACEMENTS_AT_MOST = 8, 40  # there are seven shapes, so eight at most hold by themselves
SEED_MOST = SEED_MAX - VARIATIONS_AT_MOST  # variations take the seeds that follow
ORDER_ROUTE = "generations"
ANGLE_LENGTH = 20
CREDENTIALS_AT_MOST = 500_000  # bytes of a photo's signed credentials: more would weigh on each ad
NO_ROOM = "There is no room left on this machine for new pictures. Ask whoever runs it to free some space, then try again."
KEPT = timedelta(hours=24)  # how long a key gives its first answer again


class OrderRefused(ValueError):
    """An order that cannot be taken. `errors` maps a field to one sentence that says what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class CreditsMissing(OrderRefused):
    """An order that the brand cannot pay for."""


class KeyReused(ValueError):
    """The idempotency key came before, with another order."""


def add_photo(*, by: User | None, brand: Brand, data: bytes, name: str = "", product: Product | None = None) -> Photo:
    """Make an uploaded picture safe, cut the product out, and keep both. Raises PhotoRefused with one sentence; nothing is kept then."""
    if not room.enough_room():
        raise PhotoRefused(NO_ROOM, code="no_room")
    safe = make_safe(data, name)
    started = time.monotonic()
    try:
        file = store.keep(safe.data, type=safe.type, width=safe.width, height=safe.height)
    except store.StoreUnavailable as trouble:
        raise PhotoRefused("The photo could not be kept just now. Try again in a minute.", code="not_kept") from trouble
    photo = Photo(brand=brand, created_by=by, product=product, name=name[:200], file=file)
    # The safe file is drawn anew, so whoever signed the upload would be forgotten otherwise (RELIABILITY: Measure 1.2 of the code of practice).
    if 0 < len(archive := credentials_of(data)) <= CREDENTIALS_AT_MOST:
        photo.credentials = store.keep(archive, type="application/c2pa")
    input_hash = steps.hash_of_inputs(file.sha256, str(settings.CUTOUT_MODEL_PATH or ""), METHOD)
    if not _cut_out_before(photo, input_hash):
        found, photo.advice = _cut_out(safe.data)
        _take_cutout(photo, found)
    with transaction.atomic():
        photo.save()
        facts = {"photo": photo, "who": photo.cutout_method or "none", "output": photo.cutout}
        steps.record(Step.Kind.CUT_OUT, subject=photo.pk, input_hash=input_hash, seconds=time.monotonic() - started, **facts)
    return photo


def _cut_out_before(photo: Photo, input_hash: str) -> bool:
    """Take over the cut-out of the same picture in the same brand, unless a person has marked the product there since."""
    earlier = Photo.objects.filter(
        brand=photo.brand, steps__kind=Step.Kind.CUT_OUT, steps__input_hash=input_hash, steps__error="", cutout=F("steps__output")
    )
    same = earlier.exclude(cutout=None).select_related("cutout").order_by("-created_at").first()
    if same is None or same.cutout is None or store.size(same.cutout) is None:
        return False
    photo.cutout, photo.cutout_box, photo.cutout_method = same.cutout, same.cutout_box, same.cutout_method
    photo.confidence, photo.advice = same.confidence, same.advice
    return True


def _cut_out(data: bytes) -> tuple[CutOut | None, str]:
    try:
        found = cut_out(data, model_path=str(settings.CUTOUT_MODEL_PATH or ""))
    except NothingFound as nothing:
        return None, str(nothing)[:300]
    return found, found.advice[:300]


def _take_cutout(photo: Photo, found: CutOut | None) -> None:
    if found is None:
        return
    photo.cutout = store.keep(found.data, type=found.type, width=found.width, height=found.height)
    photo.cutout_box = list(found.box)
    photo.cutout_method, photo.confidence, photo.advice = found.method, found.confidence, found.advice[:300]


def mark_product(
    *,
    by: User | None,
    photo: Photo,
    box: Sequence[float],
    keep: Sequence[Sequence[Sequence[float]]] = (),
    drop: Sequence[Sequence[Sequence[float]]] = (),
) -> Photo:
    """Cut out again, from a box (left, top, right, bottom) and strokes that a person drew; all in fractions of the photo.

    Raises PhotoRefused when the box or what is in it cannot be used.
    """
    if len(box) != 4 or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        raise PhotoRefused("Draw the box round the product, inside the photo.", code="box")
    started = time.monotonic()
    try:
        found = cut_out_marked(store.read(photo.file), Box(*box), _strokes(keep), _strokes(drop))
    except NothingFound as nothing:
        raise PhotoRefused(str(nothing), code="nothing_found") from nothing
    _take_cutout(photo, found)
    with transaction.atomic():
        photo.save(update_fields=["cutout", "cutout_box", "cutout_method", "confidence", "advice"])
        facts = {"photo": photo, "who": "marked", "output": photo.cutout}
        steps.record(Step.Kind.CUT_OUT, subject=photo.pk, seconds=time.monotonic() - started, **facts)
    return photo


def _strokes(lines: Sequence[Sequence[Sequence[float]]]) -> tuple[Stroke, ...]:
    return tuple(Stroke(tuple((float(x), float(y)) for x, y in line)) for line in lines)


def order_generation(
    *,
    by: User | None,
    brand: Brand,
    template: AdTemplate,
    brief: Brief,
    placements: Sequence[Placement],
    photos: Sequence[Photo] = (),
    variations: int = 1,
    engine: str = "auto",
    seed: int | None = None,
    lora_strength: float | None = None,
    use_cutout: bool = True,
    client_ref: str = "",
    label: str = Generation.Label.AUTO,
    idempotency_key: str = "",
) -> Generation:
    """Write the order down whole, in one transaction, then ring the workers once the rows are really there.

    The same `idempotency_key` from the same person gives the same order again. Raises OrderRefused, or KeyReused when the key came
    with another order.
    """
    chosen = check_order(brand, template, placements, variations=variations, seed=seed, engine=engine)
    if label not in Generation.Label.values:
        raise OrderRefused({"label": f"A label is one of {', '.join(Generation.Label.values)}."})
    price = price_of(chosen)
    _check_photos(brand, template, photos)
    body_hash = hash_of(
        [str(brand.pk), template.slug, brief.as_data(), [p.slug for p in placements], [str(p.pk) for p in photos]]
        + [variations, engine, seed, lora_strength, use_cutout, client_ref]
        + ([] if label == Generation.Label.AUTO else [label])
    )
    if by and idempotency_key and (earlier := _earlier(by, idempotency_key, body_hash)):
        return earlier
    try:
        with transaction.atomic():
            generation = Generation.objects.create(
                brand=brand,
                created_by=by,
                template_version=template.current,  # type: ignore[misc] # check_order refused a template without one
                brief_data=brief.as_data(),
                variations=variations,
                engine=engine,
                price=price,
                deadline=states.db_now() + round(settings.DEADLINE_SECONDS * 1000),
                seed=secrets.randbelow(SEED_MOST) if seed is None else seed,
                lora_strength=lora_strength,
                use_cutout=use_cutout,
                client_ref=client_ref[:100],
                facts={"texts": texts} if (texts := [p.slug for p in placements if p.kind == Placement.Kind.TEXT]) else {},
                label=label,
            )
            pictures = _write_rows(generation, chosen, price, placements, photos)
            if by and idempotency_key:
                IdempotencyKey.objects.create(
                    caller=by, route=ORDER_ROUTE, key=idempotency_key[:200], body_hash=body_hash, answer={"generation": str(generation.pk)}
                )
            states.note(generation, [("generation.waiting", generation.pk)])
            ledger.hold(brand.pk, {picture.pk: picture.credits for picture in pictures}, note=f"Order {generation.pk.hex[:8]}")
            ring(write_generation, generation.pk)
            crashpoint("W1")
    except ledger.NotEnoughCredits as missing:
        raise CreditsMissing({"credits": str(missing)}) from missing
    except IntegrityError:
        # Two requests with one key met; the first one's order is the answer to both.
        if by and idempotency_key and (earlier := _earlier(by, idempotency_key, body_hash)):
            return earlier
        raise
    return generation


def check_order(
    brand: Brand, template: AdTemplate, placements: Sequence[Placement], *, variations: int, seed: int | None, engine: str
) -> str:
    """The engine that would paint this order. Raises OrderRefused with a sentence for each field that is wrong; photos come later."""
    errors: dict[str, str] = {}
    if not room.enough_room():
        errors["room"] = NO_ROOM
    if not template.published or template.current is None:
        errors["template"] = f"The template '{template.slug}' is not offered any more. Pick another one."
    if brand.deleted_at:
        errors["brand"] = "This brand was deleted. Choose another one."
    if not placements:
        errors["placements"] = "Choose at least one place where the ad runs."
    elif len(placements) > PLACEMENTS_AT_MOST:
        errors["placements"] = f"{len(placements)} placements are too many for one order. Choose at most {PLACEMENTS_AT_MOST}."
    elif all(placement.kind != Placement.Kind.IMAGE for placement in placements):
        sentence = f"'{placements[0].slug}' does not take a picture. Choose one place at least that does; logos and texts go along with it."
        errors["placements"] = sentence
    elif any(placement.kind == Placement.Kind.LOGO for placement in placements) and not (brand.logo_id or brand.logo_on_dark_id):
        errors["placements"] = "The brand has no logo yet. Add one to the brand, or leave the logo placements out."
    if not 1 <= variations <= VARIATIONS_AT_MOST:
        errors["variations"] = f"{variations} variations are not possible. Choose 1 to {VARIATIONS_AT_MOST}."
    if seed is not None and not 0 <= seed <= SEED_MOST:
        errors["seed"] = f"The seed must be a whole number from 0 to {SEED_MOST}."
    chosen = ""
    try:
        chosen = _engine_for(brand, engine, template.current.engines() if template.current else None)
    except EngineError as error:
        errors["engine"] = str(error)
    if errors:
        raise OrderRefused(errors)
    return chosen


def _engine_for(brand: Brand, asked: str, needs: Mapping[str, Any] | None) -> str:
    """The engine that would paint, and that the brand's budget of the day allows. Raises EngineError when there is none."""
    chosen = choose(asked, needs)
    if not spending.costs_too_much(brand, chosen):
        return chosen
    if asked == "auto" and needs:
        return choose(asked, {name: told for name, told in needs.items() if name != chosen})
    raise EngineError(f"{spending.USED_UP} Choose Draft or auto, or order again tomorrow.", code=OverBudget.CODE, permanent=True)


def _check_photos(brand: Brand, template: AdTemplate, photos: Sequence[Photo]) -> None:
    if template.needs_photo and not photos:
        raise OrderRefused({"photos": "This template needs a product photo. Add one."})
    if any(photo.brand_id != brand.pk or photo.deleted_at for photo in photos):
        raise OrderRefused({"photos": "No photo with this id."})


def _earlier(by: User, key: str, body_hash: str) -> Generation | None:
    IdempotencyKey.objects.filter(caller=by, created_at__lt=timezone.now() - KEPT).delete()
    row = IdempotencyKey.objects.filter(caller=by, route=ORDER_ROUTE, key=key[:200]).first()
    if row is None:
        return None
    if row.body_hash != body_hash:
        raise KeyReused("This idempotency key was used before with another order. Use a new key.")
    earlier = Generation.objects.filter(pk=row.answer["generation"]).first()
    if earlier is None:  # purged since: the key is free again
        row.delete()
    return earlier


def _write_rows(
    generation: Generation, engine: str, price: PriceVersion, placements: Sequence[Placement], photos: Sequence[Photo]
) -> list[Picture]:
    """Pictures (variations x shapes) at today's price, the copy, and the ads that wait for them. Gives the pictures."""
    GenerationPhoto.objects.bulk_create(
        GenerationPhoto(generation=generation, photo=photo, position=position) for position, photo in enumerate(photos)
    )
    brief = generation.brief
    copy = Copy.objects.create(
        generation=generation,
        language=brief.language,
        created_by=generation.created_by,
        words={name: getattr(brief, name) for name in Copy.WORDS},
    )
    chosen = [placement for placement in dict.fromkeys(placements) if placement.current]
    versions = [placement.current for placement in chosen if placement.kind == Placement.Kind.IMAGE and placement.current]
    shapes = dict.fromkeys(version.shape.id for version in versions)
    pictures = Picture.objects.bulk_create(
        # Neighbouring seeds: the variation with seed s is the first picture of an order with seed s.
        Picture(
            generation=generation,
            variation=number,
            shape=shape,
            seed=generation.seed + number - 1,
            engine=engine,
            credits=price.credits(shape),
        )
        for number in range(1, generation.variations + 1)
        for shape in shapes
    )
    Ad.objects.bulk_create(
        Ad(picture=picture, copy=copy, placement=version)
        for picture in pictures
        for version in versions
        if version.shape.id == picture.shape
    )
    # A logo's file needs no scene: it is made once, along with the first picture.
    Ad.objects.bulk_create(
        Ad(picture=pictures[0], copy=copy, placement=placement.current)
        for placement in chosen
        if placement.kind == Placement.Kind.LOGO and placement.current
    )
    return pictures


def change_copy(
    *,
    by: User | None,
    generation: Generation,
    words: Mapping[str, str],
    ad: Ad | None = None,
    variation: int | None = None,
    language: str = "",
    angle: str = "",
) -> Copy:
    """Lay new words over pictures that are painted: a new Copy and new Ads, free, never a new picture.

    `words` holds headline, subline, cta, badge, legal; what is missing stays as it was. They go over one ad, over one variation, or over the
    whole order. Another `language` or `angle` than there is stands beside the words that are there; the same takes their place.
    Raises BriefError with a sentence for each wrong field.
    """
    parent = _parent(generation, ad, language, angle)
    merged = {name: words.get(name, parent.words.get(name, "")) for name in Copy.WORDS}
    checked = Brief.read({**merged, "language": language or parent.language})
    if len(angle) > ANGLE_LENGTH:
        raise BriefError({"angle": f"The angle is too long. {ANGLE_LENGTH} characters are the most."})
    with transaction.atomic():
        copy = Copy.objects.create(
            generation=generation,
            parent=parent,
            language=checked.language,
            angle=angle or (parent.angle if checked.language == parent.language else ""),
            created_by=by,
            words={name: getattr(checked, name) for name in Copy.WORDS},
        )
        ads = Ad.objects.bulk_create(
            Ad(picture_id=picture, copy=copy, placement_id=placement) for picture, placement in _places(generation, ad, variation)
        )
        if not ads:
            raise BriefError({"headline": "There is no finished picture yet to lay new words over. Wait until one is ready."})
        states.note(generation, [("copy.made", copy.pk)])
        for made in ads:
            ring(finish_ad, made.pk)
        ring(write_captions, copy.pk)
    return copy


def _parent(generation: Generation, ad: Ad | None, language: str, angle: str) -> Copy:
    """The wording that new words begin from: the ad's own, else the newest of this language and angle, else the newest of all."""
    if ad is not None and language in ("", ad.copy.language) and angle in ("", ad.copy.angle):
        return ad.copy
    found = sorted(generation.copies.filter(undone_at=None), key=lambda copy: (copy.created_at, str(copy.pk)), reverse=True)
    alike = [copy for copy in found if language in ("", copy.language) and angle in ("", copy.angle)]
    return (alike or found)[0]


def _places(generation: Generation, ad: Ad | None, variation: int | None) -> list[tuple[UUID, int]]:
    """The pictures and placements that new words go over. Logo files have no words."""
    if ad is not None:
        ready = ad.picture.raw_id is not None and ad.placement.placement.kind == Placement.Kind.IMAGE
        return [(ad.picture_id, ad.placement_id)] if ready else []
    over = (Picture.Status.CANCELLED, Picture.Status.FAILED, Picture.Status.REFUSED)
    ads = Ad.objects.filter(
        picture__generation=generation, picture__raw__isnull=False, deleted_at=None, placement__placement__kind=Placement.Kind.IMAGE
    ).exclude(picture__status__in=over)
    if variation is not None:
        ads = ads.filter(picture__variation=variation)
    return list(ads.order_by("picture__variation", "picture_id", "placement_id").values_list("picture_id", "placement_id").distinct())


def undo_copy(*, by: User | None, copy: Copy) -> None:
    """Go back to the wording before this one. The first wording of an order cannot be undone; that is a BriefError."""
    if copy.parent_id is None:
        raise BriefError({"headline": "These are the first words of this order; there is nothing to go back to."})
    with transaction.atomic():
        if Copy.objects.filter(pk=copy.pk, undone_at=None).update(undone_at=timezone.now()):
            states.note(copy.generation, [("copy.undone", copy.pk)])


def make_files_again(*, by: User | None, generation: Generation) -> int:
    """Finish those files once more that were damaged on our disk. It costs nothing. Gives how many there are."""
    damaged = Ad.objects.filter(picture__generation=generation, status=Ad.Status.FAILED, error_code=states.DAMAGED, deleted_at=None)
    again = [ad for ad in damaged.select_related("picture__generation") if states.reopen_damaged(ad)]
    for ad in again:
        ring(finish_ad, ad.pk)
    return len(again)


def cancel_generation(*, by: User | None, generation: Generation) -> bool:
    """Stop an order: what is ready stays, the rest is dropped and costs nothing. False when it had ended already."""
    painting = list(generation.pictures.filter(status=Picture.Status.PAINTING).values_list("pk", flat=True))
    stopped = states.cancel(generation)
    crashpoint("K20")
    for pk in painting:
        ring(stop_picture, pk)
    return stopped
