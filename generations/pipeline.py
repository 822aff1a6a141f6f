"""The making of one order, step by step, from wherever it stands. Tasks ring here; `make_ad` runs it in its own process."""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from PIL import Image

from generations import finish, queries, states
from generations.models import Ad, Generation, Picture, Step
from keeping import store
from painting.engine import EngineError, PictureOrder, ProductShot, Progress
from painting.engines import engine as engine_named
from prompting.offline import Offline

log = logging.getLogger(__name__)

DEATHS_AT_MOST, ATTEMPTS_AT_MOST = 3, 5
STEP_SECONDS = 15 * 60.0  # longer than this nothing is held by one worker
PAUSE = 2.0  # seconds before a failed try is tried again; doubled each time
PROGRESS_EVERY = 0.5  # seconds between two writes of a picture's progress


def write(generation_id: UUID) -> list[UUID]:
    """Ask the writer for a plan and save it. Gives the ids of the pictures that may now be painted."""
    generation = Generation.objects.select_related("template_version__template", "brand").get(pk=generation_id)
    if generation.status not in (Generation.Status.WAITING, Generation.Status.WRITING) or not states.claim(generation):
        return []
    if generation.status == Generation.Status.WAITING and not states.move(generation, Generation.Status.WRITING):
        return []
    started = time.monotonic()
    writer = Offline()
    with states.held(generation, at_most_seconds=STEP_SECONDS):
        plan = writer.plan(generation.template_version.words(), generation.brief)
    with transaction.atomic():
        if not states.move(generation, Generation.Status.MAKING, plan_data=plan.as_data(), lease_until=None):
            return []
        Step.objects.create(
            kind=Step.Kind.WRITE, generation=generation, attempt=generation.attempt, who=writer.name, seconds=time.monotonic() - started
        )
    return list(generation.pictures.values_list("pk", flat=True))


def make_next(picture_id: UUID | None = None) -> bool:
    """Make the picture that is next in fair order; the id is only what rang. False when there is nothing to make."""
    for picture in queries.next_pictures(states.db_now()).values_list("pk", flat=True)[:8]:
        if make(picture):
            return True
    return False


def make(picture_id: UUID) -> bool:
    """Take one picture all the way to its files, from wherever it stands. False when another hand has it."""
    picture = Picture.objects.select_related("generation__template_version__template", "generation__brand").get(pk=picture_id)
    if picture.status in Picture.FINAL or not states.claim(picture):
        return False
    if picture.deaths >= DEATHS_AT_MOST or picture.attempt > ATTEMPTS_AT_MOST:
        _fail(
            picture,
            "gave_up",
            "This picture could not be made after several tries. No credit used. Try again with another photo or template.",
        )
        return True
    with states.held(picture, at_most_seconds=STEP_SECONDS) as hold:
        try:
            if picture.status == Picture.Status.WAITING:
                states.move(picture, Picture.Status.PAINTING)
            if picture.status == Picture.Status.PAINTING:
                _paint(picture, hold)
            if picture.status == Picture.Status.FINISHING and not hold.lost.is_set():
                _finish_ads(picture)
        except EngineError as error:
            _after_error(picture, error.code, str(error), permanent=error.permanent)
        except Exception:
            log.exception("Picture %s could not be made", picture.pk)
            _after_error(
                picture, "internal", "Something went wrong on our side while making this picture. No credit used.", permanent=False
            )
    states.settle(picture.generation)
    return True


def _paint(picture: Picture, hold: states.Hold) -> None:
    """Ask the engine for the raw picture, keep it, and only then say so in the row."""
    started = time.monotonic()
    order = picture_order(picture)
    engine = engine_named(picture.engine)
    painted = engine.resume(order) or engine.paint(order, _progress_writer(picture, hold))
    shape = picture.shape_spec
    pixels = _check_picture(painted.image, shape.size)
    raw = store.keep(painted.image, type="image/png", width=shape.width, height=shape.height)
    with transaction.atomic():
        if states.move(
            picture,
            Picture.Status.FINISHING,
            raw=raw,
            pixels=pixels,
            geometry_data=painted.geometry.as_data(),
            facts=dict(painted.facts),
            server_name=painted.server,
            progress=1.0,
        ):
            seconds = time.monotonic() - started
            _record_paint(picture, seconds=seconds, gpu_seconds=painted.gpu_seconds, micro_usd=painted.micro_usd)


def picture_order(picture: Picture) -> PictureOrder:
    """Everything that decides how this picture looks, as an engine takes it."""
    generation = picture.generation
    version = generation.template_version
    plan = generation.plan
    layout = version.layout.spec()
    shot = _product_shot(generation)
    stage = layout.stage(picture.shape_spec)
    if plan is None or stage is None:
        raise EngineError("This order has no plan for its pictures.", code="no_plan", permanent=True)
    return PictureOrder(
        picture_id=picture.pk,
        job_id=picture.job_id,
        shape=picture.shape_spec,
        seed=picture.seed,
        variation=picture.variation,
        stage=stage,
        product=shot,
        scene_prompt=plan.scene_prompt,
        negative_prompt=plan.negative_prompt,
        needs=version.needs(picture.engine),
        palette=generation.brand.colours,
    )


def _product_shot(generation: Generation) -> ProductShot | None:
    photo = generation.photos.select_related("file", "cutout").order_by("generationphoto__position").first()
    if photo is None:
        return None
    cutout = store.read(photo.cutout) if generation.use_cutout and photo.cutout and photo.cutout_usable else None
    return ProductShot(photo=store.read(photo.file), cutout=cutout)


def _check_picture(image: bytes, size: tuple[int, int]) -> str:
    """SHA-256 of the picture's RGB bytes. Raises EngineError when it is not the picture that was ordered."""
    with Image.open(io.BytesIO(image)) as opened:
        if opened.size != size:
            raise EngineError("The engine gave a picture of the wrong size.", code="wrong_size")
        rgb = opened.convert("RGB")
    if rgb.resize((64, 64)).getcolors(1) is not None:
        raise EngineError("The engine gave an empty picture.", code="flat_picture")
    return hashlib.sha256(rgb.tobytes()).hexdigest()


def _progress_writer(picture: Picture, hold: states.Hold) -> Callable[[Progress], None]:
    """Writes progress at most twice a second, and stops the engine when the picture is somebody else's or was cancelled."""
    last = 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if hold.lost.is_set():
            raise EngineError("Another worker has this picture.", code="lost")
        if now - last >= PROGRESS_EVERY:
            last = now
            if not states.tell_progress(picture, min(progress.fraction, 0.99)):
                raise EngineError("This picture was cancelled.", code="lost")

    return on_progress


def _record_paint(picture: Picture, **facts: Any) -> None:
    Step.objects.create(
        kind=Step.Kind.PAINT, generation=picture.generation, picture=picture, attempt=picture.attempt, who=picture.engine, **facts
    )


def _finish_ads(picture: Picture) -> None:
    """Finish every ad of this picture, in the same task: queued behind the other pictures, the first ready ad would come last."""
    raw = finish.Raw.of(picture)
    for ad in _ads_of(picture):
        if ad.status not in Ad.FINAL:
            _finish_ad(ad, raw)
    statuses = set(picture.ads.values_list("status", flat=True))
    if not statuses <= Ad.FINAL:
        states.release(picture, after_seconds=PAUSE)
    elif Ad.Status.READY in statuses:
        states.move(picture, Picture.Status.READY)
    elif Ad.Status.FAILED in statuses:
        first = picture.ads.filter(status=Ad.Status.FAILED).first()
        _fail(picture, "no_ad_finished", first.error_message if first else "")


def _ads_of(picture: Picture) -> list[Ad]:
    return list(picture.ads.select_related("copy", "placement__placement").order_by("created_at", "id"))


def finish_ad(ad_id: UUID) -> bool:
    """Finish one ad whose picture is painted already: new words come this way. False when another hand has it."""
    ad = Ad.objects.select_related("picture__generation", "copy", "placement__placement").get(pk=ad_id)
    if ad.status in Ad.FINAL or ad.picture.raw_id is None:
        return False
    return _finish_ad(ad, finish.Raw.of(ad.picture))


def _finish_ad(ad: Ad, raw: finish.Raw) -> bool:
    if not states.claim(ad):
        return False
    if ad.deaths >= DEATHS_AT_MOST or ad.attempt > ATTEMPTS_AT_MOST:
        states.move(ad, Ad.Status.FAILED, error_code="gave_up", error_message="This file could not be finished after several tries.")
        return True
    started = time.monotonic()
    if ad.status == Ad.Status.WAITING and not states.move(ad, Ad.Status.FINISHING):
        return False
    with states.held(ad, at_most_seconds=STEP_SECONDS):
        try:
            finish.finish_ad(ad, raw)
        except finish.FinishError as error:
            states.move(ad, Ad.Status.FAILED, error_code="finish", error_message=str(error)[:400])
        except Exception:
            log.exception("Ad %s could not be finished", ad.pk)
            states.release(ad, after_seconds=PAUSE)
    Step.objects.create(
        kind=Step.Kind.FINISH,
        generation=ad.picture.generation,
        picture=ad.picture,
        ad=ad,
        attempt=ad.attempt,
        who="finishing",
        seconds=time.monotonic() - started,
        error=ad.error_message,
    )
    return True


def _after_error(picture: Picture, code: str, sentence: str, *, permanent: bool) -> None:
    """Try again later, or say why there will be no picture."""
    if code == "lost":
        return
    _record_paint(picture, error=sentence[:400])
    if permanent or picture.attempt >= ATTEMPTS_AT_MOST:
        _fail(picture, code, sentence)
    else:
        states.release(picture, after_seconds=PAUSE * 2 ** (picture.attempt - 1))


def _fail(picture: Picture, code: str, sentence: str) -> None:
    with transaction.atomic():
        if states.move(picture, Picture.Status.FAILED, error_code=code, error_message=sentence[:400]):
            for ad in _ads_of(picture):
                if ad.status not in Ad.FINAL:
                    states.move(ad, Ad.Status.FAILED, error_code=code, error_message=sentence[:400])
    states.settle(picture.generation)


def run(generation_id: UUID, on_change: Callable[[Generation], None] | None = None) -> Generation:
    """Work one order to its end in this process, together with whatever workers there are. Gives the ended order.

    `on_change` is called with the fresh order after each step.
    """
    while True:
        write(generation_id)
        generation = Generation.objects.get(pk=generation_id)
        if on_change:
            on_change(generation)
        if generation.is_final:
            return generation
        mine = queries.next_pictures(states.db_now()).filter(generation=generation).values_list("pk", flat=True)
        if not any(make(pk) for pk in mine[:1]):
            states.settle(generation)
            time.sleep(min(0.2, settings.HEARTBEAT_SECONDS))
