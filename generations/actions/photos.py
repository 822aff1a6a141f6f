"""What a person may do with photos: add one, and show where the product is on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import Brand, Product, User
from finishing.cutout import METHOD, CutOut, NothingFound, Stroke, cut_out, cut_out_marked
from finishing.examine import credentials_of
from finishing.photo import PhotoRefused, make_safe
from finishing.specs import Box
from generations import steps
from generations.models import Photo, Step
from keeping import room, store
from keeping.fetch import FetchRefused, safe_fetch

REDIRECTS, FETCH_AT_MOST, FETCH_SECONDS = 3, 15_000_000, 15.0
PICTURES = ("image/jpeg", "image/png", "image/webp")
CREDENTIALS_AT_MOST = 500_000  # bytes of a photo's signed credentials: more would weigh on each ad


def add_photo(*, by: User | None, brand: Brand, data: bytes, name: str = "", product: Product | None = None) -> Photo:
    """Make an uploaded picture safe, cut the product out, and keep both. Raises PhotoRefused with one sentence; nothing is kept then."""
    if not room.enough_room():
        raise PhotoRefused(room.NO_ROOM, code="no_room")
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


def fetch_photo(*, by: User | None, brand: Brand, url: str) -> Photo:
    """Fetch a picture from an address that a person typed, by the rules of `keeping.fetch`, and take it in as an upload. Raises PhotoRefused."""
    try:
        got = safe_fetch(url.strip(), redirects=REDIRECTS, at_most_bytes=FETCH_AT_MOST, at_most_seconds=FETCH_SECONDS, types=PICTURES)
    except FetchRefused as refusal:
        raise PhotoRefused(str(refusal), code="url") from refusal
    if got.status != HTTPStatus.OK:
        sentence = f"There is no picture at this address: the server answered {got.status}. Open it in a browser and copy the picture's own address."
        raise PhotoRefused(sentence, code="url")
    return add_photo(by=by, brand=brand, data=got.body, name=unquote(urlsplit(got.url).path).rpartition("/")[2])


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
