"""Is this file ours, and was it made with AI? A page for everybody; what is dropped on it is looked at and not kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from generations import checking
from generations.queries import ads_of

AROUND = 1_000_000  # bytes of a form around its file
PER_MINUTE = 10  # of one address, in one web process; the whole installation has a limit of its own
SLOW_DOWN = "That were many files in one minute. Wait a minute, then check the next one."


@csrf_exempt  # it changes nothing, and a token would have the whole body read before its size is known
@login_not_required
@never_cache
def check(request: HttpRequest) -> HttpResponse:
    """The page, and what was found in the file that was dropped; htmx gets the findings alone."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        context, status = _checked(request)
    alone = bool(request.htmx) and request.method == "POST"  # type: ignore[attr-defined]
    if alone and status >= 400:
        status = 422  # what htmx puts into the page, too
    return render(request, "studio/_checked.html" if alone else "studio/check.html", context, status=status)


def _checked(request: HttpRequest) -> tuple[dict[str, Any], int]:
    if not _may(request):
        return {"error": SLOW_DOWN}, 429
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_UPLOAD_BYTES + AROUND:
        return {"error": "The file has more than 15 MB. Save it as a JPEG and check that."}, 413
    file = request.FILES.get("file")
    if file is None:
        return {"error": "Choose a picture to check."}, 422
    try:
        answer = checking.check(file.read())
    except checking.PhotoRefused as refusal:
        return {"error": str(refusal)}, 422
    except checking.TooMany as busy:
        return {"error": str(busy)}, 429
    own = ads_of(request.user).filter(pk=answer.ad).first() if answer.ad and request.user.is_authenticated else None
    return {"answer": answer, "own": own, "name": (file.name or "")[:80]}, 200


def _may(request: HttpRequest) -> bool:
    """Whether this address may check one more file in this minute. The address is forgotten after it."""
    key = f"check:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) <= PER_MINUTE
    except ValueError:  # it ran out in between
        return True
