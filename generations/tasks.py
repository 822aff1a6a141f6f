"""Doorbells. A task carries an id, calls one function, and may be rung twice without harm; retries are rows, never Celery's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task, shared_task

from generations import pipeline, queries, states
from keeping.bell import ring


@shared_task
def write_generation(generation_id: str) -> None:
    """Write one order's plan, then ring for its pictures."""
    for picture_id in pipeline.write(UUID(generation_id)):
        ring(make_picture, picture_id)


@shared_task
def make_picture(picture_id: str) -> None:
    """Make the picture that is next."""
    pipeline.make_next(UUID(picture_id))


@shared_task
def finish_ad(ad_id: str) -> None:
    """Finish one ad of a picture that is painted."""
    pipeline.finish_ad(UUID(ad_id))


@shared_task
def sweep() -> int:
    """Ring again for every row that is open and in nobody's hands. Gives how often it rang."""
    now = states.db_now()
    for generation in queries.unsettled_generations():
        states.settle(generation)
    open_rows: list[tuple[Task[Any, Any], UUID]] = [
        *((write_generation, pk) for pk in queries.open_generations(now).values_list("pk", flat=True)),
        *((make_picture, pk) for pk in queries.next_pictures(now).values_list("pk", flat=True)),
        *((finish_ad, pk) for pk in queries.open_ads(now).values_list("pk", flat=True)),
    ]
    for task, pk in open_rows:
        ring(task, pk)
    return len(open_rows)
