"""The operations board: how things stand now, in numbers that lead to their rows, and what was made in the last day."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from generations.figures import Figure, figures
from generations.models import Picture

HOURS = 24
BAR, GAP, HEIGHT = 22, 6, 120  # units of the chart
# A figure of the board: its title, and the room of admin where its rows stand, with the filter that shows them.
SHOWN: dict[str, tuple[str, str, str]] = {
    "adsgem_open": ("Open", "generations_{kind}", "status__exact={status}"),
    "adsgem_queue_age_seconds": ("Oldest in the queue, seconds", "generations_picture", "status__exact=waiting"),
    "adsgem_pictures_last_hour": ("Pictures ended within the hour", "generations_picture", "status__exact={status}"),
    "adsgem_failures_last_hour": ("Failures within the hour", "generations_picture", "status__exact=failed"),
    "adsgem_step_seconds": ("Seconds of a step", "generations_step", "kind__exact={kind}"),
    "adsgem_breaker_open": ("Left in peace", "generations_breaker", ""),
    "adsgem_server_jobs": ("Seats taken on servers", "comfy_server", ""),
    "adsgem_server_resting": ("Servers left in peace", "comfy_server", ""),
    "adsgem_outbox_waiting": ("Messages on their way", "accounts_delivery", ""),
    "adsgem_cost_usd_last_day": ("Dollars within a day", "generations_step", ""),
    "adsgem_gpu_seconds_last_day": ("GPU seconds within a day", "generations_step", ""),
    "adsgem_tokens_last_day": ("Tokens within a day", "generations_step", ""),
    "adsgem_credits": ("Credits", "accounts_transfer", ""),
    "adsgem_files": ("Files", "keeping_storedfile", ""),
    "adsgem_files_bytes": ("Bytes of files", "keeping_storedfile", ""),
    "adsgem_free_bytes": ("Free bytes", "keeping_storedfile", ""),
}


def board(request: HttpRequest) -> HttpResponse:
    """The page, for staff who may see orders. The site has checked that this is staff."""
    if not request.user.has_perm("generations.view_generation"):
        raise PermissionDenied
    context = {**admin.site.each_context(request), "title": "How things stand", "groups": _groups(), "chart": _chart()}
    return TemplateResponse(request, "admin/board.html", context)


def _groups() -> list[dict[str, Any]]:
    """All figures, those of one name together; a name that is 0 everywhere says so in one line."""
    by_name: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures():
        if figure.name in SHOWN:
            by_name[figure.name].append(figure)
    return [
        {
            "title": SHOWN[name][0],
            "meaning": same[0].meaning,
            "rows": [
                {"label": _label(each), "value": each.value, "address": _address(each)} for each in same if each.value or len(same) == 1
            ],
        }
        for name, same in by_name.items()
    ]


def _label(figure: Figure) -> str:
    return ", ".join(figure.labels.values()) or "all"


def _address(figure: Figure) -> str:
    _, room, query = SHOWN[figure.name]
    address = reverse(f"admin:{room.format(**figure.labels)}_changelist")
    return f"{address}?{query.format(**figure.labels)}" if query else address


def _chart() -> dict[str, Any]:
    """Pictures by the hour of their end in the last day, ready ones above those that were not made, as bars for an SVG."""
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    ended = Picture.objects.filter(finished_at__gte=since).order_by().annotate(hour=TruncHour("finished_at"))
    counts: dict[Any, dict[str, int]] = defaultdict(lambda: {"ready": 0, "other": 0})
    for hour, status, number in ended.values_list("hour", "status").annotate(Count("pk")):
        counts[hour]["ready" if status == Picture.Status.READY else "other"] += number
    most = max((sum(told.values()) for told in counts.values()), default=0)
    bars = []
    for place in range(HOURS):
        hour = since + timedelta(hours=place)
        ready, other = counts[hour]["ready"], counts[hour]["other"]
        tall = [round(HEIGHT * number / most) if most else 0 for number in (ready, other)]
        bars.append(
            {
                "x": place * (BAR + GAP),
                "hour": hour,
                "ready": ready,
                "other": other,
                "ready_y": HEIGHT - tall[0] - tall[1],
                "ready_h": tall[0],
                "other_y": HEIGHT - tall[1],
                "other_h": tall[1],
            }
        )
    return {"bars": bars, "most": most, "bar": BAR, "width": HOURS * (BAR + GAP), "height": HEIGHT, "tall": HEIGHT + 18}
