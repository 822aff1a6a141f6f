"""What staff see that is no row: the pictures of the store."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from keeping import links, thumbs
from keeping.models import StoredFile

DAY = 86_400  # seconds


def stored_file(request: HttpRequest, sha256: str, size: str) -> HttpResponseBase:
    """A kept file for staff who may see files: `size` is "full" or one of `thumbs.SIZES`. The site has checked that this is staff."""
    if not request.user.has_perm("keeping.view_storedfile"):
        raise PermissionDenied
    if size != "full" and size not in thumbs.SIZES:
        raise Http404("There is no such size.")
    stored = get_object_or_404(StoredFile, pk=sha256)
    try:
        if size == "full":
            return links.private_file(stored)
        response = HttpResponse(thumbs.thumb(stored, size), content_type="image/webp")
    except FileNotFoundError as error:
        raise Http404("The file of this row is gone.") from error
    response["Cache-Control"] = f"private, max-age={DAY}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
