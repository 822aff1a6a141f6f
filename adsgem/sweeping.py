"""The loop that looks for work nobody is at. Every worker runs one beside its work, and `manage.py sweep` is one for itself: any number may."""

from __future__ import annotations

import logging
import threading

from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections, connection

from accounts import closing, emails, sessions, tries
from comfy import pool
from generations import purge, rates, tasks
from generations.verify import verify
from keeping import garbage
from prompting import asking

log = logging.getLogger("adsgem.sweep")

MINUTE, HOUR = 60, 60 * 60
SAMPLE = 200  # files that are read again each hour


def sweep_until(stop: threading.Event) -> None:
    """Sweep every SWEEP_SECONDS until told to stop. An error costs one round, not the loop."""
    house = threading.Thread()
    while not stop.is_set():
        try:
            close_old_connections()
            tasks.sweep()
            if rates.take("look-around", seconds=MINUTE):
                pool.look_around()  # a server that is back is known before an order asks it
            if not house.is_alive() and rates.take("hourly", seconds=HOUR):
                house = threading.Thread(target=keep_house, daemon=True, name="house")
                house.start()
        except Exception:
            log.exception("A sweep did not work. The next one comes in %g seconds.", settings.SWEEP_SECONDS)
        stop.wait(settings.SWEEP_SECONDS)
    connection.close()


def keep_house() -> None:
    """Once an hour, in one of all processes that sweep: old results and unneeded files go, and everything is looked over."""
    try:
        current_app.backend.cleanup()  # Celery's results are kept for CELERY_RESULT_EXPIRES
        garbage.collect()
        asking.forget_old_answers()
        _forget_people()
        report = verify(rehash=SAMPLE, repair=True)
        for word, problems in (("Wrong", report.problems), ("Mended", report.repaired)):
            for problem in problems:
                log.error("%s: %s", word, problem)
    except Exception:
        log.exception("The hourly round did not work.")
    finally:
        connection.close()


def _forget_people() -> None:
    """Nothing about people is kept longer than it is needed."""
    purge.purge_brands()
    purge.purge_deleted()
    closing.purge_people()
    call_command("clearsessions")
    sessions.forget_old()
    emails.forget_old()
    tries.forget_old()
