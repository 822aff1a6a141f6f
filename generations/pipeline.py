"""The making of one order, step by step, from wherever it stands. Tasks ring here; `make_ad` runs it in its own process."""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from PIL import Image

from finishing.pixels import rgb_of
from generations import alone, breakers, finish, marks, previews, queries, spending, states, steps, tries, twins, writing
from generations.models import Ad, Generation, Picture, Step
from keeping import claims, room, store
from keeping.crashpoints import crashpoint
from painting.builtin import Builtin
from painting.engine import NOTHING, EngineError, EngineUnavailable, PictureOrder, ProductShot, Progress, Spent
from painting.engines import engine as engine_named

log = logging.getLogger(__name__)

PROGRESS_EVERY = 0.5  # seconds between two writes of a picture's progress
BUSY = "engine_busy"
SUSPECT = frozenset({"wrong_size", "flat_picture", "not_ours"})  # seen twice on one picture, it is no accident
FENCED = "Another worker had it by then; this result was dropped."
PICTURE_JOINS = ("generation__template_version__template", "generation__brand")
AD_JOINS = ("picture__generation", "copy", "placement__placement")


def make_next() -> bool:
    """Make the picture that is next in fair order. False when there is nothing to make now."""
    if not _can_keep():
        return False
    return any(make(pk) for pk in queries.next_pictures(states.db_now()).values_list("pk", flat=True)[:8])


def _can_keep() -> bool:
    """Whether files may be written: there is room, and the store works as far as we know."""
    return room.enough_room() and breakers.may_try(breakers.STORE)


def make(picture_id: UUID) -> bool:
    """Take one picture all the way to its files, from wherever it stands. False when another hand has it, or nobody can paint it now."""
    picture = Picture.objects.select_related(*PICTURE_JOINS).get(pk=picture_id)
    if picture.status in Picture.FINAL or not breakers.may_try(picture.engine) or not states.claim(picture):
        return False
    crashpoint("K1")
    if tries.given_up(picture):
        sentence = "This picture could not be made after several tries. No credit used. Try again with another photo or template."
        _fail(picture, "gave_up", sentence)
    elif picture.deaths:
        alone.make_alone(picture, seconds=tries.STEP_SECONDS)
    else:
        _work(picture)
    crashpoint("K17")
    return True


def work_claimed(kind: str, row_id: UUID, attempt: int) -> None:
    """The work of a child process: a picture or an ad that its parent has claimed under this number."""
    if kind == "picture":
        picture = Picture.objects.select_related(*PICTURE_JOINS).filter(pk=row_id, attempt=attempt).first()
        if picture and picture.status not in Picture.FINAL:
            _work(picture)
    else:
        ad = Ad.objects.select_related(*AD_JOINS).filter(pk=row_id, attempt=attempt).first()
        if ad and ad.status not in Ad.FINAL:
            _work_ad(ad, finish.Raw.of(ad.picture))


def _work(picture: Picture) -> None:
    """Every step that a claimed picture still needs, with a reason in the row when one does not work."""
    with states.held(picture, at_most_seconds=tries.STEP_SECONDS) as hold:
        try:
            if picture.status == Picture.Status.WAITING:
                states.move(picture, Picture.Status.PAINTING)
            if picture.status == Picture.Status.PAINTING:
                _paint(picture, hold)
            if picture.status == Picture.Status.FINISHING and not hold.lost.is_set():
                _finish_ads(picture)
        except EngineUnavailable as outage:
            if outage.code != BUSY:  # a full pool is well: the next free seat is ours
                breakers.failed(picture.engine, outage.for_staff())
            states.release(picture, after_seconds=tries.PAUSE, pauses=F("pauses") + 1)
        except store.StoreUnavailable as trouble:
            tries.wait_for_the_store(picture, trouble)
        except claims.AWAY:
            raise  # no try of ours: `held` puts the row down
        except EngineError as error:
            _after_error(picture, error.code, str(error), permanent=error.permanent, spent=error.spent, for_staff=error.for_staff())
        except Exception as error:
            log.exception("Picture %s could not be made", picture.pk)
            steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=f"{type(error).__name__}: {error}"[:400])
            _after_error(picture, "internal", "Something went wrong on our side while making this picture. No credit used.")
    states.settle(picture.generation)


def _paint(picture: Picture, hold: states.Hold) -> None:
    """Ask the engine for the raw picture, keep it, remember it, and only then say so in the row."""
    order = picture_order(picture)
    input_hash = steps.hash_of_inputs(picture.engine, order)
    step = steps.remembered(Step.Kind.PAINT, picture.pk, input_hash)
    if step is None or step.output is None:
        step = _painted(picture, order, input_hash, hold)
    breakers.worked(picture.engine)
    fields = {"geometry_data": step.output_data["geometry"], "facts": step.output_data["facts"], "pixels": step.output_data["pixels"]}
    won = states.move(picture, Picture.Status.FINISHING, raw=step.output, server_name=step.output_data["server"], progress=1.0, **fields)
    if not won:
        steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=FENCED)


def _painted(picture: Picture, order: PictureOrder, input_hash: str, hold: states.Hold) -> Step:
    """Paint, check, keep; the step that says so stands before the picture's row moves, so that no crash makes us paint twice."""
    started = time.monotonic()
    engine = engine_named(picture.engine)
    spending.may_buy(picture)
    follow = _progress_writer(picture, hold)
    painted = engine.resume(order) or engine.paint(order, follow)
    shape = picture.shape_spec
    try:
        pixels = _check_picture(painted.image, shape.size)
        _check_new(picture, pixels)
        if picture.generation.variations > 1:
            painted = twins.told_apart(picture, order, painted, engine, follow)
            pixels = _check_picture(painted.image, shape.size)
        raw = store.keep(painted.image, type="image/png", width=shape.width, height=shape.height)
    except EngineError as useless:
        useless.spent = painted.spent
        raise
    except store.StoreUnavailable as trouble:
        _count_lost(picture, painted.spent, str(trouble))
        raise
    crashpoint("K13")
    output = {"geometry": painted.geometry.as_data(), "facts": dict(painted.facts), "server": painted.server, "pixels": pixels}
    spent = {"seconds": time.monotonic() - started, "gpu_seconds": painted.gpu_seconds, **spending.money(painted.spent)}
    facts = {"who": picture.engine, "input_hash": input_hash, "output": raw, "output_data": output, **spent}
    return steps.record_of(Step.Kind.PAINT, picture, **facts) or steps.remembered(Step.Kind.PAINT, picture.pk, input_hash)  # type: ignore[return-value] # one of the two stands


def _count_lost(picture: Picture, spent: Spent, why: str) -> None:
    """Write down what was paid for a picture of which nothing came."""
    if spent.tokens:
        steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=why[:400], **spending.money(spent))


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
        needs=version.needs(picture.engine, lora_strength=generation.lora_strength),
        palette=generation.brand.colours,
        scene=generation.facts.get("like", {}).get("scene", ""),
    )


def _product_shot(generation: Generation) -> ProductShot | None:
    photo = queries.first_photo(generation)
    if photo is None:
        return None
    cutout = store.read(photo.cutout) if generation.use_cutout and photo.cutout and photo.cutout_usable else None
    return ProductShot(photo=store.read(photo.file), cutout=cutout)


def _check_picture(image: bytes, size: tuple[int, int]) -> str:
    """SHA-256 of the picture's RGB bytes. Raises EngineError when it is not the picture that was ordered."""
    with Image.open(io.BytesIO(image)) as opened:  # reads no more than the head
        if opened.size != size:
            raise EngineError("The engine gave a picture of the wrong size.", code="wrong_size")
    rgb = rgb_of(image)
    if rgb.resize((64, 64)).getcolors(1) is not None:
        raise EngineError("The engine gave an empty picture.", code="flat_picture")
    return hashlib.sha256(rgb.tobytes()).hexdigest()


def _check_new(picture: Picture, pixels: str) -> None:
    """A server that gives another order's picture is found out: two seeds never give the same pixels. The built-in engine gives none away."""
    if picture.engine == Builtin.name:
        return
    if Picture.objects.filter(pixels=pixels).exclude(seed=picture.seed).exists():
        raise EngineError("The engine gave a picture that belongs to another order.", code="not_ours")


def _progress_writer(picture: Picture, hold: states.Hold) -> Callable[[Progress], None]:
    """Writes progress at most twice a second, and stops the engine when the picture is somebody else's or was cancelled."""
    last = 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if hold.lost.is_set():
            raise EngineError("Another worker has this picture.", code="lost")
        if progress.preview is not None:
            previews.keep(picture.pk, progress.preview)
        elif progress.fraction >= 1:
            previews.drop(picture.pk)
        if now - last >= PROGRESS_EVERY:
            last = now
            if not states.tell_progress(picture, min(progress.fraction, 0.99)):
                raise EngineError("This picture was cancelled.", code="lost")

    return on_progress


def _finish_ads(picture: Picture) -> None:
    """Finish every ad of this picture, in the same task: queued behind the other pictures, the first ready ad would come last."""
    raw = finish.Raw.of(picture)
    for ad in picture.ads.select_related(*AD_JOINS).order_by("created_at", "id"):
        if ad.status not in Ad.FINAL:
            _finish_ad(ad, raw)
    statuses = set(picture.ads.values_list("status", flat=True))
    if not statuses <= Ad.FINAL:
        # Each ad counts its own tries; the picture only comes back for them.
        states.release(picture, after_seconds=tries.PAUSE, pauses=F("pauses") + 1)
    elif Ad.Status.READY in statuses:
        states.move(picture, Picture.Status.READY, error_code="", error_message="")
    elif Ad.Status.FAILED in statuses:
        first = picture.ads.filter(status=Ad.Status.FAILED).first()
        _fail(picture, "no_ad_finished", first.error_message if first else "")


def finish_ad(ad_id: UUID) -> bool:
    """Finish one ad whose picture is painted already: new words come this way. False when another hand has it."""
    ad = Ad.objects.select_related(*AD_JOINS).get(pk=ad_id)
    if ad.status in Ad.FINAL or ad.picture.raw_id is None or not _can_keep():
        return False
    return _finish_ad(ad, finish.Raw.of(ad.picture))


def _finish_ad(ad: Ad, raw: finish.Raw) -> bool:
    if not states.claim(ad):
        return False
    if tries.given_up(ad):
        states.move(ad, Ad.Status.FAILED, error_code="gave_up", error_message="This file could not be finished after several tries.")
    elif ad.deaths and not ad.picture.deaths:  # a picture with deaths is being made alone already
        alone.make_alone(ad, seconds=tries.STEP_SECONDS)
    else:
        _work_ad(ad, raw)
    return True


def _work_ad(ad: Ad, raw: finish.Raw) -> None:
    """Lay out, draw and encode one claimed ad; write down how it went."""
    started = time.monotonic()
    if ad.status == Ad.Status.WAITING and not states.move(ad, Ad.Status.FINISHING):
        return
    with states.held(ad, at_most_seconds=tries.STEP_SECONDS):
        error, made = "", None
        try:
            crashpoint("K14")
            made = finish.finish_ad(ad, raw)
            crashpoint("K15")
            with transaction.atomic():
                if states.move(ad, Ad.Status.READY, **made):
                    facts = {
                        "input_hash": steps.hash_of_inputs(made["recipe"]),
                        "output": made["file"],
                        "seconds": time.monotonic() - started,
                    }
                    marks.register(ad)
                    steps.record_of(Step.Kind.FINISH, ad, who="finishing", **facts)
                    breakers.worked(breakers.STORE)
                    return
            error = FENCED
        except finish.FinishError as refused:
            error = str(refused)
            states.move(ad, Ad.Status.FAILED, error_code="finish", error_message=error[:400])
        except claims.AWAY:
            raise  # no try of ours: `held` puts the row down
        except store.StoreUnavailable as trouble:
            error = str(trouble)
            tries.wait_for_the_store(ad, trouble)
        except Exception as fault:
            log.exception("Ad %s could not be finished", ad.pk)
            error = f"{type(fault).__name__}: {fault}"
            states.release(ad, after_seconds=tries.PAUSE * 2 ** (ad.tries - 1))
        steps.record_of(Step.Kind.FINISH, ad, who="finishing", seconds=time.monotonic() - started, error=error[:400])


def _after_error(
    picture: Picture, code: str, sentence: str, *, permanent: bool = False, spent: Spent = NOTHING, for_staff: str = ""
) -> None:
    """Try again later, or say why there will be no picture; what was paid all the same is counted."""
    if code == "lost":
        steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=FENCED)
        return
    steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=(for_staff or sentence)[:400], **spending.money(spent))
    suspect_again = code in SUSPECT and picture.error_code == code
    if permanent or suspect_again or picture.tries >= tries.TRIES_AT_MOST:
        _fail(picture, code, sentence)
    else:
        states.release(picture, after_seconds=tries.PAUSE * 2 ** (picture.tries - 1), error_code=code)


def _fail(picture: Picture, code: str, sentence: str) -> None:
    ours = Picture.objects.filter(pk=picture.pk, attempt=picture.attempt)
    states.end_pictures(ours, Picture.Status.FAILED, code=code, sentence=sentence)
    picture.refresh_from_db()
    states.settle(picture.generation)


def end_overdue(now: int) -> None:
    """Nothing waits for ever: what is open beyond its deadline fails with a sentence, and its credits go back. `now` as in `db_now`."""
    for generation in queries.overdue_generations(now):
        sentence = "This was not ready in time, so we stopped it. No credit used. Order it again; if it happens twice, ask for help."
        states.fail(generation, code="deadline", sentence=sentence)
    for ad in queries.overdue_ads(settings.DEADLINE_SECONDS):
        states.move(ad, Ad.Status.FAILED, error_code="deadline", error_message="These words were not ready in time. Save them once more.")


def run(generation_id: UUID, on_change: Callable[[Generation], None] | None = None) -> Generation:
    """Work one order to its end in this process, together with whatever workers there are. Gives the ended order.

    `on_change` is called with the fresh order after each step.
    """
    while True:
        writing.write(generation_id)
        generation = Generation.objects.get(pk=generation_id)
        if on_change:
            on_change(generation)
        if generation.is_final:
            return generation
        now = states.db_now()
        mine = queries.next_pictures(now).filter(generation=generation).values_list("pk", flat=True)
        if not any(make(pk) for pk in mine[:1]):
            states.settle(generation)
            if now > generation.deadline:
                end_overdue(now)
            time.sleep(min(0.2, settings.HEARTBEAT_SECONDS))
