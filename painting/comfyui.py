"""Paints with a pool of ComfyUI servers. Work that an earlier attempt began is found again; no picture is painted twice or lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from PIL import Image

from comfy import advice, pool, references
from comfy.client import Made
from comfy.errors import ComfyError, InputGone, Lost, ModelMissing, NodeFailed, ServerDown
from comfy.models import ServerJob
from comfy.needs import Needs, NeedsRefused, Recipe, job_of
from comfy.pool import NoServer, Seat, Superseded
from comfy.watch import Hint
from finishing import frames
from finishing.compose import ComposeError
from finishing.plates import Bytes
from finishing.specs import Geometry
from painting.builtin import decoded, encoded_png
from painting.engine import EngineError, EngineUnavailable, Painted, PictureOrder, Progress
from painting.preview import small_jpeg
from painting.standing import Standing

log = logging.getLogger(__name__)

# Errors that come again on the same server, whatever is tried there.
UNABLE = ("model_missing", "model_broken", "too_large")
# How often a picture may go wrong in one way, on whichever servers, before there is no sense in another try.
TRIES = {"lost_on_server": 3, "interrupted": 3, "server_sick": 3, "input_gone": 3}
TRIES_OF_THE_REST = 2
KEEP_EVERY = 2.0  # seconds between two writes that hold the seat
SHOW_EVERY = 0.5  # seconds between two previews

# What marketers are told when there will be no picture, by what went wrong. No credit is used, so each says what to do.
SENTENCES = {
    "workflow_invalid": "This template's workflow does not run on the picture server. Choose another template while staff repair it.",
    "node_failed": "The picture server could not run this template's workflow. Choose another template while staff repair it.",
    "model_missing": "No picture server has the model that this template needs. Choose another template.",
    "model_broken": "The model that this template needs cannot be read on the picture servers. Choose another template.",
    "out_of_memory": "The picture servers have too little memory for this template. Choose another template or Draft.",
    "bad_picture": "The picture servers gave no usable picture. Try again with another template or Draft.",
    "too_large": "The photo is too large for the picture servers. Upload a smaller one.",
    "timed_out": "Painting this picture took too long. Try again later, or choose Draft.",
}
PLAIN_SENTENCE = "The picture servers could not paint this picture. Try again later, or choose Draft."


class ComfyUI:
    """The pool as an engine."""

    name = "comfyui"

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        """Paint one picture on the server that suits it best, and on another when that one fails. Raises EngineError."""
        work = _Work.of(order)
        away: set[str] = set()  # servers that did not answer: no use asking them again at once
        while True:
            seat = _seat(work, away)
            try:
                made = work.painted_on(seat, on_progress)
            except ComfyError as error:
                _after(error, seat)
                if isinstance(error, ServerDown):
                    away.add(str(seat.server.pk))
                continue
            except Superseded as error:
                raise _lost() from error
            return _ended(work, seat, made, on_progress)

    def resume(self, order: PictureOrder) -> Painted | None:
        """The picture that an earlier attempt sent for, from the server that has it; waits for it if it is still being painted."""
        try:
            found = pool.seat_of(order.job_id, uuid4())
        except ServerDown:
            return None
        if found is None or found[1].posts == 0:
            return None
        seat, job = found
        work = _Work.of(order)
        try:
            made = work.followed_on(seat, job.posts)
        except (Lost, ServerDown) as error:
            log.info("Picture %s is not on %s any more: %s", order.picture_id, seat.server, error)
            return None
        except Superseded as error:
            raise _lost() from error
        except ComfyError as error:
            _after(error, seat)
            return None
        return _ended(work, seat, made, lambda progress: None)

    def cancel(self, job_id: UUID) -> None:
        """Stop work under this job id on the server that has it. What cannot be stopped is dropped when it comes."""
        try:
            found = pool.seat_of(job_id, uuid4())  # whoever paints it is no longer its holder, and stops
            if found is None:
                return
            seat, _job = found
            if seat.client.cancel(job_id):
                seat.client.forget(job_id)
                ServerJob.objects.filter(pk=job_id).delete()
        except ServerDown as error:
            log.info("Job %s could not be cancelled: %s", job_id, error)


def _seat(work: _Work, away: set[str]) -> Seat:
    """A seat on a server that has not failed at this picture, if there is one. Raises EngineError."""
    order = work.order
    faults = _faults(order.job_id)
    unable = {server: code for server, code in faults if code in UNABLE}
    try:
        wishes = {"avoid": {server for server, _code in faults}, "unable": unable, "away": away}
        seat = pool.take_seat(work.needs, order.job_id, uuid4(), family=work.wants.family, **wishes)
    except NoServer as none:
        if none.why == "cannot":
            log.error("No ComfyUI server can paint picture %s: %s", order.picture_id, none)
            code = next(iter(unable.values()), "model_missing")
            raise _with_note(EngineError(SENTENCES[code], code=code, permanent=True), str(none)) from none
        code = "engine_busy" if none.why == "busy" else "engine_unavailable"
        outage = EngineUnavailable("No picture server is free now. The picture waits for one.", code=code)
        raise _with_note(outage, str(none)) from none
    pool.tidy(seat.server, seat.client)
    return seat


def _faults(job_id: UUID) -> list[list[str]]:
    """What went wrong with a job before: pairs of server and error code."""
    return ServerJob.objects.filter(pk=job_id).values_list("faults", flat=True).first() or []


class _Work:
    """One order as ComfyUI takes it: which workflow, what it is shown, and what becomes of the scene that comes back."""

    def __init__(self, order: PictureOrder, needs: Needs, recipe: Recipe, standing: Standing | None) -> None:
        self.order, self.wants, self.recipe, self.standing = order, needs, recipe, standing
        self.needs = recipe.filled(1)

    @classmethod
    def of(cls, order: PictureOrder) -> _Work:
        """Read what the template needs. Raises EngineError, for good."""
        try:
            needs = Needs.from_data(order.needs)
            cutout = decoded(order.product.cutout, "RGBA") if order.product and order.product.cutout else None
            slug = needs.workflow if cutout is not None else needs.scene_workflow
            ratio = order.shape.width / order.shape.height
            words = {"prompt": order.scene_prompt, "negative": order.negative_prompt}
            recipe = Recipe.of(needs, slug, job_id=order.job_id, ratio=ratio, seed=order.seed, **words)
            if recipe.kind not in ("txt2img", "img2img", "inpaint") or (cutout is None and recipe.kind != "txt2img"):
                raise NeedsRefused(f"the workflow '{slug}' does not paint scenes")
            standing = Standing.of(cutout, order.shape.size, order.stage) if cutout is not None else None
            return cls(order, needs, recipe, standing)
        except NeedsRefused as error:
            sentence = f"The template's settings for ComfyUI are wrong: {error}."
            raise EngineError(sentence, code="needs_invalid", permanent=True) from error
        except ComposeError as error:
            raise EngineError(str(error), code="cutout_unusable", permanent=True) from error

    def painted_on(self, seat: Seat, on_progress: Callable[[Progress], None]) -> Made:
        """Send the job to the seat's server, and wait. Raises ComfyError or Superseded."""
        on_progress(Progress(0.01, "A picture server was found."))
        filled = self.recipe.filled(seat.number, **self._shown(seat))
        job = job_of(self.recipe, filled, filled.respelled(seat.spelling))
        return seat.client.run(job, _Telling(seat, on_progress), before_post=seat.count_post)

    def followed_on(self, seat: Seat, number: int) -> Made:
        """Take up the job that was sent as `number`. Raises ComfyError or Superseded."""
        filled = self.recipe.filled(number)
        return seat.client.follow(job_of(self.recipe, filled, filled.graph), _Telling(seat, lambda progress: None))

    def finished(self, scene: Image.Image) -> tuple[Bytes, Geometry, dict[str, Any]]:
        """The scene at the shape's size, with the product's own pixels, or with the photograph in its frame."""
        order = self.order
        pixels = np.asarray(scene if scene.size == order.shape.size else scene.resize(order.shape.size, Image.Resampling.LANCZOS))
        if self.standing is not None:
            rgb = self.standing.put_back(pixels, shadow=self.recipe.kind == "txt2img")
            return rgb, self.standing.geometry, {"frame": None}
        if order.product is None:
            return pixels, Geometry(None, order.stage.ground), {"frame": None}
        photo, frame = decoded(order.product.photo, "RGB"), self.wants.frame
        box = frames.frame_box(frame, order.shape.size, order.stage, (photo.shape[1], photo.shape[0]))  # type: ignore[arg-type] # checked by Needs
        canvas = pixels.astype(np.float32) / np.float32(255)
        frames.framed(canvas, photo, frame, box)  # type: ignore[arg-type]
        framed = np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
        return framed, Geometry(box, order.stage.ground), {"frame": frame}

    def _shown(self, seat: Seat) -> Mapping[str, str]:
        """What the server is shown of the product, uploaded if it does not have it: at the size it paints at."""
        if self.standing is None or self.recipe.kind == "txt2img":
            return {}
        small = self.standing.at(self.recipe.size)
        two = self.recipe.kind == "inpaint" and self.recipe.takes_mask
        shown = {"reference": references.put(seat, small.reference(alpha=self.recipe.kind == "inpaint" and not two))}
        return {**shown, "mask": references.put(seat, small.mask())} if two else shown


class _Telling:
    """Hands hints on as progress, and holds the seat meanwhile."""

    def __init__(self, seat: Seat, on_progress: Callable[[Progress], None]) -> None:
        self.seat, self.on_progress, self.kept = seat, on_progress, time.monotonic()
        self.shown, self.newest = 0.0, b""

    def __call__(self, hint: Hint) -> None:
        if time.monotonic() - self.kept > KEEP_EVERY:
            self.kept = time.monotonic()
            self.seat.keep()
        self.on_progress(Progress(0.02 + 0.93 * hint.fraction, "The scene is being painted.", self._preview(hint)))

    def _preview(self, hint: Hint) -> bytes | None:
        """What is new to be seen, not more often than anybody could look at it: hints come with every step."""
        if not hint.preview or hint.preview is self.newest or time.monotonic() - self.shown < SHOW_EVERY:
            return None
        self.shown, self.newest = time.monotonic(), hint.preview
        return small_jpeg(hint.preview)


def _ended(work: _Work, seat: Seat, made: Made, on_progress: Callable[[Progress], None]) -> Painted:
    """What the engine gives back, and what is remembered of the server that made it."""
    seat.fetched()
    pool.worked(seat.server, pool.main_file(work.needs))
    on_progress(Progress(0.97, "The product is put into the scene."))
    rgb, geometry, facts = work.finished(made.picture)
    image = encoded_png(rgb)
    on_progress(Progress(1.0, "The picture is done."))
    facts = {**work.recipe.facts(), **facts, "comfyui": seat.server.version}
    return Painted(image=image, geometry=geometry, facts=facts, server=seat.server.name, gpu_seconds=made.seconds)


def _lost() -> EngineError:
    return EngineError("Another worker has this picture, or nobody wants it any more.", code="lost")


def _with_note(error: EngineError, note: str) -> EngineError:
    """The same error with something for staff alone."""
    error.add_note(note)
    return error


def _after(error: ComfyError, seat: Seat) -> None:
    """Note what went wrong, for the server and for the picture. Raises EngineError when another try has no sense, or is not ours to make."""
    log.warning("Job %s on %s: %s: %s", seat.job_id, seat.server, error.code, error)
    if isinstance(error, NodeFailed):
        log.error("Node %s of job %s:\n%s", error.node_id, seat.job_id, error.trace)
    try:
        seat.fault(error)
    except Superseded:
        raise _lost() from error
    if error.sick:
        pool.failed(seat.server, error)
    elif isinstance(error, ModelMissing):
        pool.look(seat.server)
    elif isinstance(error, InputGone):
        references.forget(seat.server)
    sentence = SENTENCES.get(error.code, PLAIN_SENTENCE)
    no_picture = _with_note(EngineError(sentence, code=error.code, permanent=True), f"{seat.server}: {advice.told(error)}")
    if error.then == "fail":
        raise no_picture from error
    if error.then == "again":
        if [code for _server, code in _faults(seat.job_id)].count(error.code) >= TRIES.get(error.code, TRIES_OF_THE_REST):
            raise no_picture from error
        try:
            # The same id is sent again: its failed run must not be taken for the new one.
            seat.client.forget(seat.job_id)
        except ServerDown as down:
            log.info("The failed run of job %s stays on %s: %s", seat.job_id, seat.server, down)
