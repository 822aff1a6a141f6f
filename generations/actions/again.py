"""What a person may do with an order that has ended: have the missing part made, order more like one picture, raise a draft."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import ledger
from accounts.models import User
from accounts.prices import price_of
from generations import queries, states
from generations.actions.orders import (
    SEED_MOST,
    VARIATIONS_AT_MOST,
    CreditsMissing,
    OrderRefused,
    check_order,
    new_deadline,
    taken_once,
    write_order,
)
from generations.models import Ad, Copy, Generation, Photo, Picture
from generations.tasks import finish_ad, make_picture, write_generation
from keeping import room
from keeping.bell import ring
from keeping.versions import hash_of
from templates_app.models import Placement

MORE = 4  # variations of an order for more like one picture, unless somebody says how many
NOT_YET = "This order is still being made. Wait until it has ended, or stop it first."


def retry_generation(*, by: User | None, generation: Generation, pictures: Collection[UUID] | None = None) -> list[UUID]:
    """Have those pictures and files made that failed, were refused or stopped: all of them, or these pictures only.

    The same seed, words and places; they cost what they did, which had been given back. Files that were damaged on our disk are made
    again, too, for nothing. Gives the ids of what is open again, pictures and ads; none when nothing is missing. Raises OrderRefused.
    """
    if not room.enough_room():
        raise OrderRefused({"room": room.NO_ROOM})
    own = set(generation.pictures.values_list("pk", flat=True))
    if unknown := [pk for pk in pictures or () if pk not in own]:
        raise OrderRefused({"pictures": f"No picture with this id: {unknown[0]}."})
    wanted = own if pictures is None else set(pictures)
    try:
        with transaction.atomic():
            again = states.reopen(generation, wanted, deadline=new_deadline())
            generation.refresh_from_db()
            if generation.status == Generation.Status.WAITING:
                ring(write_generation, generation.pk)
            else:
                for pk in again:
                    ring(make_picture if pk in own else finish_ad, pk)
    except ledger.NotEnoughCredits as missing:
        raise CreditsMissing({"credits": str(missing)}) from missing
    return [*again, *_damaged_again(generation, wanted)]


def _damaged_again(generation: Generation, pictures: Collection[UUID]) -> list[UUID]:
    """Finish those files once more that were damaged on our disk, also where all the rest is ready."""
    damaged = Ad.objects.filter(picture__generation=generation, picture__in=pictures, status=Ad.Status.FAILED, error_code=states.DAMAGED)
    again = [ad for ad in damaged.filter(deleted_at=None).select_related("picture__generation") if states.reopen_damaged(ad)]
    for ad in again:
        ring(finish_ad, ad.pk)
    return [ad.pk for ad in again]


def more_like(
    *, by: User | None, picture: Picture, variations: int = MORE, engine: str = "", client_ref: str = "", idempotency_key: str = ""
) -> Generation:
    """Order more variations like one picture: the same template, photos, words and places, in its scene, with new seeds.

    `engine` as in an order; left out, the one that painted it. Raises OrderRefused, and KeyReused as `order_generation` does.
    """
    parent = picture.generation
    if not 1 <= variations <= VARIATIONS_AT_MOST:
        raise OrderRefused({"variations": f"{variations} variations are not possible. Choose 1 to {VARIATIONS_AT_MOST}."})
    if picture.status != Picture.Status.READY:
        raise OrderRefused({"picture": "This picture is not ready, so there is nothing yet that others could be like."})
    facts = {"scene": picture.facts["scene"]} if picture.facts.get("scene") else {}
    return _child(
        by,
        parent,
        Generation.Origin.MORE,
        engine=engine or _again(picture),
        variations=variations,
        seed=secrets.randbelow(SEED_MOST),
        like={"picture": str(picture.pk), **facts},
        client_ref=client_ref,
        idempotency_key=idempotency_key,
    )


def raise_draft(
    *, by: User | None, generation: Generation, engine: str = "auto", client_ref: str = "", idempotency_key: str = ""
) -> Generation:
    """Order what a draft shows once more from another engine: same seed, layout, words and places.

    Raises OrderRefused, and KeyReused as `order_generation` does.
    """
    if any(picture.engine != "builtin" for picture in generation.pictures.all()):
        raise OrderRefused({"engine": "This order is no draft: it was not painted by the built-in engine."})
    if engine in ("draft", "builtin"):
        raise OrderRefused({"engine": "The built-in engine painted this draft. Choose another one to raise it to, or auto."})
    return _child(
        by,
        generation,
        Generation.Origin.RAISE,
        engine=engine,
        variations=generation.variations,
        seed=generation.seed,
        client_ref=client_ref,
        idempotency_key=idempotency_key,
    )


def _again(picture: Picture) -> str:
    """The engine that painted it, as an order asks for it."""
    return "draft" if picture.engine == "builtin" else picture.engine


def _child(
    by: User | None,
    parent: Generation,
    origin: Generation.Origin,
    *,
    engine: str,
    variations: int,
    seed: int,
    like: Mapping[str, Any] | None = None,
    client_ref: str = "",
    idempotency_key: str = "",
) -> Generation:
    """An order that comes from an ended one: its template version, photos, current words and places."""
    parent.refresh_from_db(fields=["status"])
    if not parent.is_final:
        raise OrderRefused({"generation": NOT_YET})
    version, photos, placements = parent.template_version, _photos_of(parent), _placements_of(parent)
    chosen = check_order(parent.brand, version.template, placements, variations=variations, seed=seed, engine=engine, version=version)
    if origin == Generation.Origin.RAISE and chosen == "builtin":
        sentence = "No engine is at hand that could paint this draft anew. Ask your staff for a ComfyUI server or a key for image models."
        raise OrderRefused({"engine": sentence})
    copies = queries.current_copies(parent)
    brief = {**parent.brief_data, **copies[0].words, "language": copies[0].language}
    child = Generation(
        brand=parent.brand,
        created_by=by,
        template_version=version,
        brief_data={name: value for name, value in brief.items() if value not in ("", None)},
        variations=variations,
        engine=engine,
        seed=seed,
        lora_strength=parent.lora_strength,
        use_cutout=parent.use_cutout,
        label=parent.label,
        client_ref=client_ref[:100],
        parent=parent,
        origin=origin,
        facts={name: parent.facts[name] for name in ("texts",) if name in parent.facts} | ({"like": dict(like)} if like else {}),
    )

    def write() -> None:
        with transaction.atomic():
            pictures = write_order(child, chosen, price_of(chosen), placements, photos)
            _other_words(child, pictures, copies[1:])

    # By what was asked for: the seed is drawn anew each time.
    body_hash = hash_of([origin.value, str(parent.pk), (like or {}).get("picture", ""), engine, variations, client_ref])
    return taken_once(by, idempotency_key, body_hash, child, write)


def _other_words(child: Generation, pictures: Sequence[Picture], copies: Sequence[Copy]) -> None:
    """The other languages and angles of an order go along to the one that comes from it."""
    first = list(Ad.objects.filter(picture__in=pictures, placement__placement__kind=Placement.Kind.IMAGE))
    for copy in copies:
        own = Copy.objects.create(
            generation=child, language=copy.language, angle=copy.angle, author=copy.author, created_by=child.created_by, words=copy.words
        )
        Ad.objects.bulk_create(Ad(picture_id=ad.picture_id, copy=own, placement_id=ad.placement_id) for ad in first)


def _photos_of(parent: Generation) -> list[Photo]:
    photos = list(parent.photos.order_by("generationphoto__position"))
    if any(photo.deleted_at for photo in photos):
        raise OrderRefused({"photos": "The photo of this order was deleted. Bring it back, or order with another one."})
    return photos


def _placements_of(parent: Generation) -> list[Placement]:
    """The places of an order, in the order in which they were given; pictures, logos and texts."""
    ads = Ad.objects.filter(picture__generation=parent, deleted_at=None).order_by("created_at", "id")
    slugs = [*ads.values_list("placement__placement__slug", flat=True), *parent.facts.get("texts", ())]
    found = {placement.slug: placement for placement in Placement.objects.filter(slug__in=set(slugs)).select_related("current")}
    return [found[slug] for slug in dict.fromkeys(slugs)]
