"""The one place that makes HTTP of errors: every refusal is an RFC 9457 problem with a sentence for each wrong field."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.exceptions import PermissionDenied as ApiPermissionDenied
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.brands import BrandRefused, NotAllowed
from api.base import NotYet, TooBig
from generations.actions import CreditsMissing, KeyReused, NotKept, NotNow, OrderRefused, PhotoRefused
from generations.library import WantedError
from prompting.brief import BriefError

MARK_CODES = ("box", "nothing_found")  # refusals of where a person says the product is, not of the file
MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)

Errors = dict[str, list[str]]


# What each problem is called for programs; these names do not change (docs/api.md).
TYPES = {
    400: "unreadable",
    401: "not-signed-in",
    402: "no-credits",
    403: "not-allowed",
    404: "not-found",
    405: "wrong-method",
    406: "not-acceptable",
    409: "not-now",
    413: "too-large",
    415: "wrong-media-type",
    422: "invalid",
    429: "too-many",
    500: "internal",
    503: "not-available",
}
KEY_REUSED = "key-reused"


def problem(
    status: int,
    detail: str,
    *,
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    name: str = "",
) -> Response:
    """A response in problem+json. `errors` maps a field, with a dot between levels, to its sentences; `name` is one of TYPES."""
    body = {
        "type": f"urn:adsgem:problem:{name or TYPES.get(int(status), 'other')}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "errors": dict(errors or {}),
    }
    return Response(body, status=status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """Turn what a view raised into a problem. What nobody expected is logged and told without any detail of ours."""
    set_rollback()
    if isinstance(error, CreditsMissing):
        return problem(HTTPStatus.PAYMENT_REQUIRED, str(error), errors=_fields_of(error))
    if isinstance(error, OrderRefused) and "room" in error.errors:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.errors["room"], headers={"Retry-After": "600"})
    if fields := _fields_of(error):
        name = KEY_REUSED if isinstance(error, KeyReused) else ""
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, " ".join(sentences[0] for sentences in fields.values()), errors=fields, name=name)
    known = _as_api_error(error)
    if known is None:
        request = context.get("request")
        log.error("An API request ended in an unexpected error.", exc_info=error)
        got_request_exception.send(sender=handle, request=getattr(request, "_request", request))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. It was noted; please try again.")
    return problem(known.status_code, _detail_of(known), headers=_headers_of(known))


def _fields_of(error: Exception) -> Errors:
    """The sentences by field, for the errors that are about what was sent; nothing for all others."""
    match error:
        case ValidationError():
            return _flat(error.detail)
        case BriefError():
            return {f"brief.{name}": [sentence] for name, sentence in error.errors.items()}
        case OrderRefused():
            return {name: [sentence] for name, sentence in error.errors.items()} or {"body": [str(error)]}
        case PhotoRefused():
            return {"box" if error.code in MARK_CODES else "url" if error.code == "url" else "file": [str(error)]}
        case BrandRefused():
            return {error.field: [str(error)]}
        case NotKept() | WantedError():
            return {name: [sentence] for name, sentence in error.errors.items()}
        case KeyReused():
            return {"Idempotency-Key": [str(error)]}
    return {}


def _flat(detail: Any) -> Errors:
    found: Errors = {}
    for path, sentence in _leaves(detail, ()):
        found.setdefault(".".join(path) or "body", []).append(sentence)
    return found


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, path if name == "non_field_errors" else (*path, str(name)))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _leaves(inner, path)
    else:
        yield path, str(detail)


def _as_api_error(error: Exception) -> APIException | None:
    match error:
        case APIException():
            return error
        case Http404():
            return NotFound()
        case PermissionDenied():
            return ApiPermissionDenied()
        case NotAllowed():
            return ApiPermissionDenied(str(error))
        case NotNow():
            return NotYet(str(error))
        case RequestDataTooBig():
            return TooBig()
        case SuspiciousOperation():
            refused = APIException("This request cannot be read.")
            refused.status_code = HTTPStatus.BAD_REQUEST
            return refused
    return None


def _detail_of(error: APIException) -> str:
    # simplejwt gives a dictionary with codes for its own clients; people need its sentence only.
    detail: Any = error.detail
    return str(detail.get("detail", "")) if isinstance(detail, Mapping) else str(detail)


def _headers_of(error: APIException) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(header)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers
