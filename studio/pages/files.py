"""Files behind an address: only for those who share the brand."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required, login_required
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse

from accounts.queries import brands_of
from generations import previews
from generations.models import Picture
from generations.queries import ads_of, photos_of
from keeping.links import private_file
from keeping.models import StoredFile
from keeping.thumbs import SIZES, thumb

A_DAY = 86_400


@login_required
def show(request: HttpRequest, pk: UUID, size: str) -> HttpResponse | FileResponse:
    """A file of an ad, a photo or a raw picture: `thumb`, `large`, `full`, or a photo's `cutout`. Somebody else's is a 404."""
    stored, name = _find(request, pk, cutout=size == "cutout")
    if size in SIZES or size == "cutout":
        return as_thumb(stored, "large" if size == "cutout" else size)
    if size != "full":
        raise Http404("There is no such size.")
    return private_file(stored, name=name if "download" in request.GET else "")


def as_thumb(stored: StoredFile, size: str) -> HttpResponse:
    """A file in one of the small sizes, to be kept by this browser for a day."""
    response = HttpResponse(thumb(stored, size), content_type="image/webp")
    response["Cache-Control"] = f"private, max-age={A_DAY}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@login_not_required
def preview(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A picture as far as it is painted, for those who share its brand, or who bring the API's word for it. Else, and without one, a 404."""
    if not previews.opens(request.GET.get("key", ""), pk) and not _pictures(request).filter(pk=pk).exists():
        raise Http404("There is no such picture.")
    jpeg = previews.of(pk) if Picture.objects.filter(pk=pk, status=Picture.Status.PAINTING).exists() else None
    if jpeg is None:
        raise Http404("There is no preview of this picture.")
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _pictures(request: HttpRequest) -> QuerySet[Picture]:
    """The pictures of the caller's brands."""
    return Picture.objects.filter(generation__brand__in=brands_of(request.user), generation__deleted_at=None)


def _find(request: HttpRequest, pk: UUID, *, cutout: bool) -> tuple[StoredFile, str]:
    """The stored file and what a browser saves it as."""
    if not cutout and (ad := ads_of(request.user).filter(pk=pk).first()) and ad.file:
        return ad.file, ad.file_name
    if (photo := photos_of(request.user).filter(pk=pk).first()) and (file := photo.cutout if cutout else photo.file):
        return file, f"photo.{file.extension}"
    if not cutout and (picture := _pictures(request).select_related("raw").filter(pk=pk).first()) and picture.raw:
        return picture.raw, f"picture.{picture.raw.extension}"
    raise Http404("There is no such file.")
