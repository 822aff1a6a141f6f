"""`/metrics` for Prometheus, in its text format 0.0.4, for whoever has the token.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations.figures import Figure, figures

TYPE = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures. Without a METRICS_TOKEN in the settings, or with another one, there is no such page."""
    told = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not settings.METRICS_TOKEN or not constant_time_compare(told, settings.METRICS_TOKEN):
        raise Http404("There is no such page.")
    return HttpResponse(exposition([Figure("adsgem_info", {"version": settings.VERSION}, 1, "The version that runs."), *figures()]), TYPE)


def exposition(told: Iterable[Figure]) -> str:
    """Figures as Prometheus reads them: all of one name together, each name with what it means."""
    by_name: dict[str, list[Figure]] = {}
    for figure in told:
        by_name.setdefault(figure.name, []).append(figure)
    lines = []
    for name, same in by_name.items():
        lines += [f"# HELP {name} {same[0].meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(each.labels)} {each.value:.10g}" for each in same]
    return "\n".join(lines) + "\n"


def _labels(labels: dict[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
