"""The Celery app. The rows are the to-do list; Celery only carries the bell that says "have a look"."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutting_down

from adsgem import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
broker.register()

app = Celery("adsgem")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def end_when_the_tables_are_newer(**kwargs: Any) -> None:
    """A worker of an old release must not work on tables of a new one: it ends, and its supervisor starts whatever code is there by then."""
    from adsgem import schema

    if newer := schema.newer_than_code():
        sys.stderr.write(schema.sentence(newer) + "\n")
        raise SystemExit(schema.NEWER)


_stop = threading.Event()


@worker_ready.connect
def sweep_beside_the_work(**kwargs: Any) -> None:
    """Every worker also sweeps, so that nothing is left lying where nobody started `manage.py sweep` (RELIABILITY: R-3)."""
    from adsgem.sweeping import sweep_until

    threading.Thread(target=sweep_until, args=(_stop,), daemon=True, name="sweep").start()


@worker_shutting_down.connect
def sweep_no_more(**kwargs: Any) -> None:
    """Work that is rung for now would only be put down again."""
    _stop.set()
