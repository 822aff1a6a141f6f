"""Which marks an ad gets: how its picture came to be, whether a visible label is drawn, whose signature, what a file is known by."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from finishing.marking import Marking
from finishing.marks import AI_TYPES, MarkSpec
from generations import signing
from generations.models import Ad, Fingerprint, Generation, Photo, Picture
from keeping import store

GENERATOR = "AdsGem"
# IPTC digital source types by how a picture came to be (cv.iptc.org/newscodes/digitalsourcetype).
SOURCE_TYPES = {("builtin", True): "compositeSynthetic", ("builtin", False): "algorithmicMedia"}
MODEL_MADE = {True: "compositeWithTrainedAlgorithmicMedia", False: "trainedAlgorithmicMedia"}
SYSTEMS = {"comfyui": "ComfyUI", "openai": "OpenAI"}
# Codes and English names of the states where the EU's AI Act holds, and what people write for all of them. EEA states take it over.
EUROPE = frozenset({
    "eu", "eea", "europe", "at", "austria", "be", "belgium", "bg", "bulgaria", "hr", "croatia", "cy", "cyprus", "cz", "czechia", "dk",
    "denmark", "ee", "estonia", "fi", "finland", "fr", "france", "de", "germany", "gr", "greece", "hu", "hungary", "ie", "ireland",
    "it", "italy", "lv", "latvia", "lt", "lithuania", "lu", "luxembourg", "mt", "malta", "nl", "netherlands", "pl", "poland", "pt",
    "portugal", "ro", "romania", "sk", "slovakia", "si", "slovenia", "es", "spain", "se", "sweden", "is", "iceland", "li",
    "liechtenstein", "no", "norway", "european union", "czech republic",
})  # fmt: skip


def source_type(engine: str, *, with_photo: bool) -> str:
    """The IPTC digital source type of what this engine paints, with or without a product photo in it."""
    return SOURCE_TYPES.get((engine, with_photo)) or MODEL_MADE[with_photo]


def people_appear(generation: Generation) -> bool:
    """Whether a person is seen, as far as the brief, the writer or the template say."""
    return bool(generation.facts.get("people")) or bool(generation.template_version.data.get("people"))


def wants_label(generation: Generation, origin: str) -> bool:
    """Whether a visible label is drawn on ads of this order whose pictures have this source type.

    Left to us, it is drawn where the EU's rule on deep fakes may ask for it: for an audience there, on a picture by a model that could be
    taken for real, or that shows a person.
    """
    if generation.label != Generation.Label.AUTO:
        return generation.label == Generation.Label.ON
    in_europe = any(market.lower() in EUROPE for market in generation.brief.markets)
    version = generation.template_version
    looks_real = version.data.get("photorealistic", version.template.needs_photo)
    return in_europe and origin in AI_TYPES and (looks_real or people_appear(generation))


def marking_of(ad: Ad, picture: Picture, generation: Generation, photo: Photo | None) -> Marking:
    """How this ad's file is marked."""
    origin = source_type(picture.engine, with_photo=photo is not None)
    forbidden = ad.placement.spec().text_in_image == "forbidden"
    plan = generation.plan
    spec = MarkSpec(
        source_type=origin,
        generator=GENERATOR,
        version=settings.VERSION,
        ad_id=str(ad.pk),
        made_at=timezone.now(),
        ai_system=SYSTEMS.get(picture.engine, picture.engine),
        ai_version=_model_of(picture),
        prompt=plan.scene_prompt if plan and settings.MARK_PROMPT else "",
        number=number_of(ad.pk),
    )
    label = ad.copy.language if wants_label(generation, origin) and not forbidden else ""
    credentials = store.read(photo.credentials) if photo and photo.credentials else b""
    return Marking(spec, signing.identity(), credentials, label)


def number_of(ad: UUID) -> int:
    """The 64 bits by which the invisible watermark names an ad."""
    return int.from_bytes(blake2b(ad.bytes, digest_size=8).digest())


def _model_of(picture: Picture) -> str:
    """The model that painted, as the engine told."""
    return str(picture.facts.get("model") or picture.facts.get("checkpoint") or "")[:120]


def register(ad: Ad) -> None:
    """Write down what the file of a ready ad is known by. In the transaction that makes it ready: no file goes out unregistered."""
    told = ad.recipe.get("marks")
    if not told or ad.file_id is None:  # a logo's file bears no marks
        return
    looks = str(told["looks"])
    pieces = {f"piece_{index + 1}": piece for index, piece in enumerate(pieces_of(int(looks, 16)))}
    Fingerprint.objects.get_or_create(
        ad=ad.pk,
        sha256=ad.file_id,
        defaults={"looks": looks, "number": told.get("number", ""), "source_type": told["source_type"], **pieces},
    )


def pieces_of(looks: int) -> list[int]:
    """The four pieces of 16 bits by which a perceptual hash is found."""
    return [looks >> 48, looks >> 32 & 0xFFFF, looks >> 16 & 0xFFFF, looks & 0xFFFF]
