"""Whether this installation can make ads now: it paints, writes a line, keeps and reads a file, and a worker answers the bell."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from celery import shared_task
from django.conf import settings
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from comfy import trying
from comfy.models import Server
from finishing.shapes import SHAPES
from keeping.bell import ring
from painting.builtin import Builtin
from painting.engine import PictureOrder
from prompting.brief import Brief
from prompting.writer import TemplateWords
from prompting.writers import writer
from templates_app.queries import published

log = logging.getLogger(__name__)

SMALL = 0.25  # of the pixels that an order would have, on each side
ANSWER_SECONDS = 5.0
ANSWER = "selftest:{}"


@dataclass(frozen=True)
class Tried:
    """One thing that was tried: `detail` says what came of it, or what to do."""

    name: str
    ok: bool
    detail: str
    seconds: float


def selftest() -> list[Tried]:
    """Try everything once, each whatever became of the others."""
    parts: list[tuple[str, Callable[[], str]]] = [("paint", _paint), ("write", _write), ("store", _store), ("queue", _ring)]
    servers = Server.objects.filter(enabled=True).order_by("name")
    parts += [(f"server {server.name}", lambda server=server: _smoke(server)) for server in servers]  # type: ignore[misc]
    return [_tried(name, part) for name, part in parts]


class _Fails(Exception):
    """What was tried did not work. The message says what to do."""


def _tried(name: str, part: Callable[[], str]) -> Tried:
    began = time.monotonic()
    try:
        detail, ok = part(), True
    except _Fails as error:
        detail, ok = str(error), False
    except Exception as error:  # whatever it is, staff are told what it said
        log.exception("The self-test of %s failed", name)
        detail, ok = f"{type(error).__name__}: {error}"[:400], False
    return Tried(name, ok, detail, round(time.monotonic() - began, 3))


def _paint() -> str:
    """A small picture of a published template, by the built-in engine."""
    template = published().filter(needs_photo=False).first() or published().first()
    if template is None or template.current is None:
        raise _Fails("No template is published. Publish one in admin, or run `manage.py load_shelf`.")
    shape = SHAPES["1:1"]
    stage = template.current.layout.spec().stage(shape)
    if stage is None:
        raise _Fails(f"The layout of {template.title} has no square. Open it in admin.")
    order = PictureOrder(uuid4(), uuid4(), shape, 7, 1, stage, None, "", "", template.current.needs(Builtin.name))
    painted = Builtin(scale=SMALL).paint(order, lambda progress: None)
    return f"The built-in engine painted {template.title}: {len(painted.image):,} bytes."


def _smoke(server: Server) -> str:
    """A flat picture on one ComfyUI server, which needs no model."""
    try:
        trial = trying.smoke(server)
    except trying.TrialFailed as error:
        raise _Fails(str(error)) from error
    return f"It painted the smoke picture, {trial.picture.width}×{trial.picture.height}."


def _write() -> str:
    """A line by the writer of this installation."""
    author = writer()
    words = TemplateWords("Self-test", "A stone plinth in soft light", "photograph", "")
    written = author.plan(words, Brief.read({"headline": "Self-test", "product": "Serum"}))
    if written.error:
        raise _Fails(f"The model did not write ({written.error}); the offline writer did. Look at its address and key.")
    return f"{written.who} wrote: {written.plan.scene_prompt[:120]}"


def _store() -> str:
    """A file that is kept, read and taken away again."""
    probe = uuid4().hex
    name = default_storage.save(f"health/{probe}", ContentFile(probe.encode()))
    try:
        with default_storage.open(name, "rb") as file:
            if file.read() != probe.encode():
                raise _Fails("A file came back other than it was kept. Look at the disk or bucket.")
    finally:
        default_storage.delete(name)
    return "A file was kept, read and taken away again."


def _ring() -> str:
    """A worker hears the bell and says so."""
    token = uuid4()
    ring(answer_bell, token)
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        if version := caches["previews"].get(ANSWER.format(token)):
            return f"A worker of version {version} answered the bell."
        time.sleep(0.1)
    raise _Fails(f"No worker answered the bell within {ANSWER_SECONDS:g} seconds. Does one run, and does the broker answer?")


@shared_task
def answer_bell(token: str) -> None:
    """Say that a worker listens."""
    caches["previews"].set(ANSWER.format(token), settings.VERSION, 60)
