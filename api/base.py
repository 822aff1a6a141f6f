"""What all endpoints share: how a body is read and limited, how a file is given, how an address is written."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils import json as strict_json

from keeping import links
from keeping.models import StoredFile

MAX_JSON_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 16_000_000  # a photo of 15 MB and the form around it
MAX_DEPTH = 20

UUID_PATTERN = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key with the same body is done only once.")
DELETED = OpenApiParameter("deleted", bool, description="Those that were taken away and can be brought back, in place of the others.")
SLUG_PATTERN = "[-a-zA-Z0-9_]+"


class TooBig(APIException):
    """A body that is larger than this address takes."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "This request is too large."


class NotYet(APIException):
    """Something that is asked for too early, or too late."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "This is not ready yet."


class JsonBody(JSONParser):
    """JSON of at most 1 MB and 20 levels."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The parsed body. Raises TooBig, or ParseError for what is not JSON."""
        data = stream.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise TooBig(f"A JSON body may have at most {MAX_JSON_BYTES} bytes.")
        encoding = (parser_context or {}).get("encoding", settings.DEFAULT_CHARSET)
        try:
            "".encode(encoding)  # refuses codecs that are not text, which could unpack a small body into a huge one
            body = json.loads(codecs.decode(data, encoding), parse_constant=strict_json.strict_constant)
            json.dumps(body, ensure_ascii=False).encode()  # refuses halves of letters, which no database takes
        except (ValueError, LookupError, RecursionError) as error:
            raise ParseError("The body is not valid JSON.") from error
        if _deeper_than(body, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        return body


class UploadBody(MultiPartParser):
    """A multipart form with one photo."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The form and its files. Raises TooBig before anything is read."""
        request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_UPLOAD_BYTES:
            raise TooBig("A photo may have at most 15 MB.")
        return super().parse(stream, media_type, parser_context)


class AnyAccept(JSONRenderer):
    """For endpoints that give a file: whatever the client accepts is fine, and a problem is still told in JSON."""

    media_type = "*/*"
    format = "file"


class EventStream(JSONRenderer):
    """For endpoints that can tell what happens while it happens; a problem is still told in JSON."""

    media_type = "text/event-stream"
    format = "events"


def asked(request: Request, name: str) -> str:
    """What the query says under this name, without the NUL characters that databases refuse; "" for nothing."""
    return request.query_params.get(name, "").replace("\0", "")


def absolute(request: Request, stored: StoredFile | None, *, name: str = "") -> str | None:
    """The signed address of a file, with host; None for no file."""
    return request.build_absolute_uri(links.link(stored, name=name)) if stored else None


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(each, levels - 1) for each in inner)
