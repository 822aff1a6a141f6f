"""What a person may do with orders: give one, and stop it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import ledger
from accounts.models import Brand, IdempotencyKey, PriceVersion, User
from accounts.prices import price_of
from generations import spending, states
from generations.models import SEED_MAX, Ad, Copy, Generation, GenerationPhoto, Photo, Picture
from generations.tasks import stop_picture, write_generation
from keeping import room
from keeping.bell import ring
from keeping.crashpoints import crashpoint
from keeping.versions import hash_of
from painting.engine import EngineError
from painting.engines import choose
from prompting.brief import Brief
from prompting.writer import OverBudget
from templates_app.models import AdTemplate, AdTemplateVersion, Placement

VARIATIONS_AT_MOST, PLACEMENTS_AT_MOST = 8, 40  # there are seven shapes, so eight at most hold by themselves
SEED_MOST = SEED_MAX - VARIATIONS_AT_MOST  # variations take the seeds that follow
ORDER_ROUTE = "generations"
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
    generation = Generation(
        brand=brand,
        created_by=by,
        template_version=template.current,
        brief_data=brief.as_data(),
        variations=variations,
        engine=engine,
        seed=secrets.randbelow(SEED_MOST) if seed is None else seed,
        lora_strength=lora_strength,
        use_cutout=use_cutout,
        client_ref=client_ref[:100],
        facts={"texts": texts} if (texts := [p.slug for p in placements if p.kind == Placement.Kind.TEXT]) else {},
        label=label,
    )
    return taken_once(by, idempotency_key, body_hash, generation, lambda: write_order(generation, chosen, price, placements, photos))


def taken_once(by: User | None, key: str, body_hash: str, generation: Generation, write: Callable[[], object]) -> Generation:
    """Write an order by calling `write`, unless this person gave one with this key before: then that one is given again.

    Without a key it is always written. Raises KeyReused when the key came with another order.
    """
    if not by or not key:
        write()
        return generation
    if earlier := _earlier(by, key, body_hash):
        return earlier
    try:
        with transaction.atomic():
            write()
            answer = {"generation": str(generation.pk)}
            IdempotencyKey.objects.create(caller=by, route=ORDER_ROUTE, key=key[:200], body_hash=body_hash, answer=answer)
    except IntegrityError:
        # Two requests with one key met; the first one's order is the answer to both.
        if earlier := _earlier(by, key, body_hash):
            return earlier
        raise
    return generation


def write_order(
    generation: Generation, engine: str, price: PriceVersion, placements: Sequence[Placement], photos: Sequence[Photo]
) -> list[Picture]:
    """Write a checked order and all its rows, hold what it costs, and ring for it after the commit. Gives its pictures.

    `engine` is the name of the one that paints. Raises CreditsMissing.
    """
    try:
        with transaction.atomic():
            generation.price = price
            generation.deadline = new_deadline()
            generation.save(force_insert=True)
            pictures = _write_rows(generation, engine, price, placements, photos)
            states.note(generation, [("generation.waiting", generation.pk)])
            ledger.hold(generation.brand_id, {picture.pk: picture.credits for picture in pictures}, note=f"Order {generation.pk.hex[:8]}")
            ring(write_generation, generation.pk)
            crashpoint("W1")
    except ledger.NotEnoughCredits as missing:
        raise CreditsMissing({"credits": str(missing)}) from missing
    return pictures


def new_deadline() -> int:
    """When an order of now has failed if it is still open, in epoch milliseconds of the database's clock."""
    return states.db_now() + round(settings.DEADLINE_SECONDS * 1000)


def check_order(
    brand: Brand,
    template: AdTemplate,
    placements: Sequence[Placement],
    *,
    variations: int,
    seed: int | None,
    engine: str,
    version: AdTemplateVersion | None = None,
) -> str:
    """The engine that would paint this order. Raises OrderRefused with a sentence for each field that is wrong; photos come later.

    With `version` an earlier order goes on by the template as it was then, whether or not it is still offered.
    """
    errors: dict[str, str] = {}
    if not room.enough_room():
        errors["room"] = room.NO_ROOM
    if (not template.published and version is None) or template.current is None:
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
        asked = version or template.current
        chosen = _engine_for(brand, engine, asked.engines() if asked else None)
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


def cancel_generation(*, by: User | None, generation: Generation) -> bool:
    """Stop an order: what is ready stays, the rest is dropped and costs nothing. False when it had ended already."""
    painting = list(generation.pictures.filter(status=Picture.Status.PAINTING).values_list("pk", flat=True))
    stopped = states.cancel(generation)
    crashpoint("K20")
    for pk in painting:
        ring(stop_picture, pk)
    return stopped
