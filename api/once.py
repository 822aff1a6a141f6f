"""Creating once: a request that is sent again with its `Idempotency-Key` gets the first one's answer (DESIGN section 4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import IdempotencyKey, User
from api.permissions import caller
from generations.actions import KeyReused
from keeping.secrets import decrypt, encrypt
from keeping.versions import hash_of

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)  # how long a key gives its first answer again
REUSED = "This idempotency key was used before with another request. Use a new key."

P = ParamSpec("P")
View = TypeVar("View")
Handler = Callable[Concatenate[View, Request, P], Response]


def once(create: Handler[View, P]) -> Handler[View, P]:
    """Let a POST of this method with an `Idempotency-Key` be done only once: the key, the rows and the answer are one transaction.

    Whoever comes with the same key meanwhile waits, and gets the same answer; another body with it raises KeyReused. What is refused keeps
    no key. The answer is kept encrypted, since it may show a secret.
    """

    @wraps(create)
    def created(view: View, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER, "")[:200]
        if request.method != "POST" or not key:
            return create(view, request, *args, **kwargs)
        row = IdempotencyKey(caller=caller(request), route=_route(request), key=key, body_hash=_hash(request))
        if earlier := _earlier(row):
            return earlier
        try:
            with transaction.atomic():
                row.answer = {}
                row.save(force_insert=True)
                response = create(view, request, *args, **kwargs)
                told = {"status": response.status_code, "data": json.loads(JSONRenderer().render(response.data) or b"null")}
                told["location"] = response.headers.get("Location", "")
                IdempotencyKey.objects.filter(pk=row.pk).update(answer={"sealed": encrypt(json.dumps(told))})
        except IntegrityError:
            # Two requests with one key met; the first one's answer is the answer to both.
            if earlier := _earlier(row):
                return earlier
            raise
        return response

    return created


def _route(request: Request) -> str:
    """Which address it is: the same key may be used for another."""
    return hashlib.sha256(request.path.rstrip("/").encode()).hexdigest()[:40]


def _hash(request: Request) -> str:
    sent = request.data
    files = {name: hashlib.sha256(_bytes(file)).hexdigest() for name, file in request.FILES.items()}
    fields = sent if isinstance(sent, list) else {name: value for name, value in sent.items() if name not in files}
    return hash_of([fields, files])


def _bytes(file: UploadedFile[Any]) -> bytes:
    data: bytes = file.read()
    file.seek(0)
    return data


def _earlier(row: IdempotencyKey) -> Response | None:
    """The answer that this key got before. Raises KeyReused when it came with another body."""
    owner: User = row.caller
    IdempotencyKey.objects.filter(caller=owner, created_at__lt=timezone.now() - KEPT).delete()
    found = IdempotencyKey.objects.filter(caller=owner, route=row.route, key=row.key).first()
    if found is None or "sealed" not in found.answer:
        return None
    if found.body_hash != row.body_hash:
        raise KeyReused(REUSED)
    told = json.loads(decrypt(found.answer["sealed"]))
    return Response(told["data"], status=told["status"], headers={"Location": told["location"]} if told["location"] else None)
