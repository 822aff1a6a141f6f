"""The pictures of the gallery: what a published template makes. Anybody may see them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404

from keeping.thumbs import SIZES, thumb
from templates_app.models import TemplatePreview

A_DAY = 86_400


@login_not_required
def preview(request: HttpRequest, pk: int, size: str) -> HttpResponse:
    """A preview as WebP, `thumb` or `large`. A browser may keep it for a day, and ask afterwards whether it is still the same."""
    if size not in SIZES:
        raise Http404("There is no such size.")
    found = get_object_or_404(TemplatePreview.objects.select_related("file"), pk=pk, template__published=True)
    tag = f'"{found.file_id[:16]}-{size}"'
    same = tag in request.headers.get("If-None-Match", "")
    response = HttpResponseNotModified() if same else HttpResponse(thumb(found.file, size), content_type="image/webp")
    response["ETag"] = tag
    response["Cache-Control"] = f"public, max-age={A_DAY}"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
