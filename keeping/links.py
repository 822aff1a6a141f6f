"""Signed links: an address that gives one file to whoever holds it, for five minutes."""

from __future__ import annotations

import re

from django.core import signing
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.urls import reverse

from keeping import store
from keeping.models import StoredFile

SECONDS = 300
SALT = "keeping.links"


def link(stored: StoredFile, *, name: str = "") -> str:
    """An address for this file, good for five minutes; `name` is what a browser saves it as. On S3 a presigned URL, else a path of ours."""
    if not isinstance(default_storage, FileSystemStorage):  # asking for its class also sets up the lazy storage
        parameters = {"ResponseContentDisposition": f'attachment; filename="{_plain(name)}"'} if name else {}
        return str(default_storage.url(stored.name, parameters=parameters, expire=SECONDS))  # type: ignore[call-arg]
    return reverse("signed-file", args=[signing.dumps([stored.sha256, name], salt=SALT, compress=True)])


def signed_file(request: HttpRequest, token: str) -> FileResponse:
    """Give the file that the token names. A wrong or old token is a 404."""
    try:
        sha256, name = signing.loads(token, salt=SALT, max_age=SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise Http404("This link has run out. Ask for a new one.") from error
    stored = StoredFile.objects.filter(pk=sha256).first()
    if stored is None:
        raise Http404("There is no such file.")
    return private_file(stored, name=name)


def private_file(stored: StoredFile, *, name: str = "") -> FileResponse:
    """A response that streams the file to one person: never cached, never sniffed, never run."""
    response = FileResponse(store.open_file(stored), content_type=stored.type, as_attachment=bool(name), filename=_plain(name))
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
