"""The bell: tells a worker that a row may be taken. It may be lost, and it may ring twice; the rows are the to-do list."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

from keeping import trace
from keeping.crashpoints import crashpoint

log = logging.getLogger(__name__)


def ring(task: Task[Any, Any], row_id: UUID) -> None:
    """Ring for a row once it is really there. A bell that does not ring costs seconds, never the row: the sweep rings again."""
    transaction.on_commit(lambda: _publish(task, row_id))


def _publish(task: Task[Any, Any], row_id: UUID) -> None:
    crashpoint("W2")
    try:
        task.apply_async((str(row_id),), ignore_result=True, retry=False, headers=trace.for_the_bell())
    except (OperationalError, OSError) as error:
        log.warning("The bell for %s %s did not ring: %s", task.name, row_id, error)
