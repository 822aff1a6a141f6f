"""For whoever watches this machine: up or down, no more. The reasons go to the log, the details to the staff's own board."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations import draining, queries, states
from generations.models import Generation, Picture
from painting import engines

log = logging.getLogger(__name__)
UNHEARD_SECONDS = 120  # work that waits so long while nobody is at anything: no worker listens
REMEMBER_SECONDS = 5  # strangers may ask, and shall not make us work each time


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "up"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """This machine can take an order: 200 when every part is up, else 503."""
    parts: dict[str, str] = cache.get_or_set("health", _look, REMEMBER_SECONDS) or {}
    up = set(parts.values()) == {"up"}
    return JsonResponse({"status": "up" if up else "down", **parts}, status=200 if up else 503)


def _look() -> dict[str, str]:
    parts = {"database": _database, "queue": _queue, "storage": _storage, "engines": _engines}
    return {name: "up" if _holds(name, part) else "down" for name, part in parts.items()}


def _holds(name: str, part: Callable[[], bool]) -> bool:
    try:
        up = part()
    except Exception:  # whatever it is, the answer is "down"
        log.exception("Health: %s is down.", name)
        return False
    if not up:
        log.warning("Health: %s is down.", name)
    return up


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _queue() -> bool:
    """Whether somebody works while there is work. A long queue is no fault; one that nobody serves is."""
    now = states.db_now()
    if draining.on():
        return True  # it is meant, and ends by itself
    if any(model.objects.filter(lease_until__gte=now).exists() for model in (Generation, Picture)):
        return True
    since, created = now - UNHEARD_SECONDS * 1000, timezone.now() - timedelta(seconds=UNHEARD_SECONDS)
    waiting = (queries.open_generations(since), queries.next_pictures(since))
    return not any(rows.filter(created_at__lt=created).exists() for rows in waiting)


def _storage() -> bool:
    """Whether a file can be kept, read again and removed."""
    probe = get_random_string(32)
    name = default_storage.save(f"health/{probe}", ContentFile(probe.encode()))
    try:
        with default_storage.open(name, "rb") as file:
            return bool(file.read() == probe.encode())
    finally:
        default_storage.delete(name)


def _engines() -> bool:
    """Whether `auto` finds an engine. Raises EngineError when it does not."""
    return bool(engines.choose("auto"))
