"""Doorbells. A task carries an id, calls one function, and may be rung twice without harm; retries are rows, never Celery's."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from celery import Task, current_app, shared_task

from accounts import tasks as deliveries
from generations import draining, pipeline, queries, states, writing
from generations.captions import write_captions
from generations.models import Copy, Picture
from keeping.bell import ring
from keeping.crashpoints import crashpoint
from painting.engines import engine

log = logging.getLogger(__name__)

BELLS_AT_MOST = 50  # that hang in one queue: each is one row's worth of work, and the sweep comes again


@shared_task
def write_generation(generation_id: str) -> None:
    """Write one order's plan, then ring for its pictures, and after them for the captions."""
    if draining.on():
        return  # the sweep rings again when it is over
    pictures = writing.write(UUID(generation_id))
    for picture_id in pictures:
        ring(make_picture, picture_id)
    if pictures:
        for copy_id in Copy.objects.filter(generation_id=UUID(generation_id)).values_list("pk", flat=True):
            ring(write_captions, copy_id)


@shared_task
def make_picture(picture_id: str) -> None:
    """Make the picture that is next; the id only says what rang."""
    if not draining.on():
        pipeline.make_next()


@shared_task
def finish_ad(ad_id: str) -> None:
    """Finish one ad of a picture that is painted."""
    if not draining.on():
        pipeline.finish_ad(UUID(ad_id))


@shared_task
def stop_picture(picture_id: str) -> None:
    """Tell the engine that a cancelled picture is not wanted any more. Best effort: what it still paints is dropped."""
    picture = Picture.objects.get(pk=UUID(picture_id))
    if picture.status == Picture.Status.CANCELLED:
        engine(picture.engine).cancel(picture.job_id)


@shared_task
def sweep() -> int:
    """Ring again for every row that is open and in nobody's hands, and end what is overdue. Gives how often it rang.

    Any number of processes may sweep at the same time; a row that is rung for twice is taken once.
    """
    if draining.on():
        return deliveries.sweep()
    now = states.db_now()
    pipeline.end_overdue(now)
    for generation in queries.unsettled_generations():
        states.settle(generation)
    open_rows: list[tuple[Task[Any, Any], Iterable[UUID]]] = [
        (write_generation, queries.open_generations(now).values_list("pk", flat=True)[:BELLS_AT_MOST]),
        (make_picture, queries.next_pictures(now).values_list("pk", flat=True)[:BELLS_AT_MOST]),
        (finish_ad, queries.open_ads(now).values_list("pk", flat=True)[:BELLS_AT_MOST]),
    ]
    return sum(_ring_for(task, list(rows)) for task, rows in open_rows) + deliveries.sweep()


def _ring_for(task: Task[Any, Any], rows: list[UUID]) -> int:
    """Ring as often as bells are missing: while the queue is full, more of them would only pile up."""
    if not rows:
        return 0
    missing = rows[: max(0, BELLS_AT_MOST - _bells(task))]
    for pk in missing:
        crashpoint("D1")
        ring(task, pk)
        crashpoint("D2")
    return len(missing)


def _bells(task: Task[Any, Any]) -> int:
    """How many messages wait in a task's queue; as many as can be when the broker does not answer, since ringing is no use then."""
    queue = current_app.amqp.router.route({}, task.name)["queue"].name
    connection = current_app.connection_for_write()
    try:
        channel: Any = connection.default_channel
        return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.connection_errors as error:
        log.warning("The broker does not answer: %s", error)
        return BELLS_AT_MOST
    except connection.channel_errors:
        return 0  # nobody has made the queue yet
    finally:
        connection.release()
