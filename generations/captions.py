"""The captions that a network shows beside an ad: written once for each wording, beside the pictures, and never in their way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.db.models import F

from generations import states, steps
from generations.models import Ad, Copy, Generation, Step
from generations.spending import BrandPurse
from generations.voice import in_the_voice_of
from prompting import moderation
from prompting.brief import Brief
from prompting.writer import Refused, WriterError
from prompting.writers import writer
from templates_app.models import PlacementVersion

# Facts are taken as they are or left out; nobody may make them up.
FACTS = frozenset({"business_name", "brand_name", "disclaimer", "cta", "app_name", "display_url"})
ENDED = (Generation.Status.CANCELLED, Generation.Status.REFUSED, Generation.Status.FAILED)


@shared_task
def write_captions(copy_id: str) -> None:
    """Write the captions of one wording. A lost bell costs nothing but the captions: the ads are ready without them."""
    write(UUID(copy_id))


def write(copy_id: UUID) -> bool:
    """Have the captions of this wording written, for every placement that it has ads for, and keep them with it.

    False when there is nothing to write, somebody else was quicker, or nobody could write them: then the wording has none.
    """
    copy = Copy.objects.select_related("generation__brand").get(pk=copy_id)
    order = copy.generation
    # Before its plan an order has not been judged.
    if copy.captions or copy.undone_at or order.deleted_at or order.plan_data is None or order.status in ENDED:
        return False
    asked = [*(ad.placement for ad in _ads(copy)), *text_placements(order)]
    limits = {placement.placement.slug: limits_of(placement) for placement in asked}
    spoken = {name: copy.words.get(name, "") for name in Copy.WORDS}
    brief = in_the_voice_of(order.brand, replace(order.brief, **spoken, language=copy.language))
    known = {"business_name": order.brand.name, "brand_name": order.brand.name, "disclaimer": brief.legal, "cta": brief.cta}
    captions = {
        slug: {field: known[field] for field, limit in fields.items() if 0 < len(known.get(field, "")) <= limit}
        for slug, fields in limits.items()
    }
    wanted = {slug: {field: limit for field, limit in fields.items() if field not in FACTS} for slug, fields in limits.items()}
    names = _names(wanted)
    if names:
        texts = _texts(copy, brief, {name: limit for (_, limit), name in names.items()})
        if texts is None:
            return False
        for slug, fields in wanted.items():
            captions[slug] |= {field: text for field, limit in fields.items() if (text := texts[names[field, limit]])}
    return _keep(copy, {slug: fields for slug, fields in captions.items() if fields})


def limits_of(placement: PlacementVersion) -> dict[str, int]:
    """Characters of each caption of a placement: what is shown whole where the network says so, else what it takes."""
    told: Mapping[str, Mapping[str, int | None]] = placement.data.get("text_limits") or {}
    bounds = {field: limit.get("soft") or limit.get("hard") for field, limit in told.items()}
    return {field: bound for field, bound in bounds.items() if bound}


def captions_of(ad: Ad) -> dict[str, str]:
    """The captions beside this ad, by the network's names of the fields; none while, or because, nobody has written them."""
    found: dict[str, str] = ad.copy.captions.get(ad.placement.placement.slug, {})
    return found


def text_placements(order: Generation) -> list[PlacementVersion]:
    """The places made of words alone that were ordered, such as an in-feed text: their captions are all there is of them."""
    slugs = order.facts.get("texts", [])
    return list(PlacementVersion.objects.filter(placement__slug__in=slugs, pk=F("placement__current")).select_related("placement"))


def _ads(copy: Copy) -> list[Ad]:
    return list(copy.ads.filter(deleted_at=None).select_related("placement__placement").order_by("placement__placement__position", "id"))


def _names(wanted: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, int], str]:
    """A name for each field and limit, so that one question asks for all placements: headline, and where it must be shorter headline_b."""
    pairs = sorted({pair for fields in wanted.values() for pair in fields.items()}, key=lambda pair: (pair[0], -pair[1]))
    names: dict[tuple[str, int], str] = {}
    for field, limit in pairs:
        earlier = sum(each == field for each, _ in names)
        names[field, limit] = f"{field}_{chr(ord('a') + earlier)}" if earlier else field
    return names


def _texts(copy: Copy, brief: Brief, limits: dict[str, int]) -> dict[str, str] | None:
    """What the writer says, or said before of the same; None when nobody could write it."""
    input_hash = steps.hash_of_inputs("captions", brief.as_data(), limits)
    if step := steps.remembered(Step.Kind.WRITE, copy.pk, input_hash):
        return dict(step.output_data["texts"])
    author, started = writer(BrandPurse.of_copy(copy)), time.monotonic()

    def record(**facts: Any) -> None:
        steps.record(Step.Kind.WRITE, subject=copy.pk, generation=copy.generation, seconds=time.monotonic() - started, **facts)

    try:
        verdict = moderation.check(brief, judged="words")  # changed words were never judged
        if not verdict.ok:
            raise Refused(verdict.reason, code="moderation")
        made = author.captions(brief, limits=limits, language=brief.language)
    except WriterError as error:
        record(who=author.name, error=f"Captions: {error} ({error.code})"[:400])
        return None
    told = {"texts": made.value, "fallback": made.fallback, "note": made.note, "instruction_version": made.instruction}
    record(who=made.who, input_hash=input_hash, output_data=told)
    return made.value


def _keep(copy: Copy, captions: dict[str, dict[str, str]]) -> bool:
    """Put captions into a wording that has none yet, with an event, so that whoever follows the order sees them."""
    if not captions:
        return False
    with transaction.atomic():
        won = Copy.objects.filter(pk=copy.pk, captions={}).update(captions=captions) == 1
        if won:
            states.note(copy.generation, [("copy.captioned", copy.pk)])
    return won
