"""How the API describes itself in OpenAPI: what all endpoints have in common is written here once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from api.errors import KEY_REUSED, MEDIA_TYPE, TYPES

COLUMN_LIMITS = (2**15 - 1, 2**31 - 1, 2**63 - 1)
REFUSALS = {
    "400": "The body cannot be read.",
    "401": "Nobody is signed in, or the token has run out.",
    "402": "The brand's credits do not cover it.",
    "403": "The caller may look at this brand, but not change it.",
    "404": "There is no such thing, or it is somebody else's.",
    "405": "This address does not do that.",
    "406": "The API speaks JSON.",
    "409": "Not at this time: it is not ready.",
    "413": "The body is too large.",
    "415": "The body must be JSON; a photo comes as a multipart form.",
    "422": "Something in the body is wrong: `errors` has a sentence for each field.",
    "429": "Too many calls; `Retry-After` says how many seconds to wait.",
    "503": "Not at the moment, for instance for want of room; `Retry-After` says when to ask again.",
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem as RFC 9457 has it. `detail` is a sentence for a person, `errors` maps a field to its sentences.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:adsgem:problem:{name}" for name in (*TYPES.values(), KEY_REUSED)]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}


def tidy(result: dict[str, Any], generator: SchemaGenerator, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular hook: addresses without the optional last slash, and every refusal documented once for all."""
    root = reverse("api:root")
    result["paths"] = {path if path == root else path.rstrip("/"): methods for path, methods in result["paths"].items()}
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = {
        f"Problem{status}": {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status, text in REFUSALS.items()
    }
    _without_limits_of_columns(result)
    for operation in _operations(result):
        for status in REFUSALS:
            operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
    return result


def _without_limits_of_columns(node: Any) -> None:
    """Take out how large a number the column of today's database could hold: it says nothing of the API, and differs from database to database."""
    if isinstance(node, list):
        for each in node:
            _without_limits_of_columns(each)
    if not isinstance(node, dict):
        return
    if node.get("maximum") in COLUMN_LIMITS:
        del node["maximum"]
        node.pop("format", None)
    if node.get("minimum") in [-limit - 1 for limit in COLUMN_LIMITS]:
        del node["minimum"]
    for each in node.values():
        _without_limits_of_columns(each)


def _operations(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in result["paths"].values():
        yield from (operation for operation in methods.values() if isinstance(operation, dict) and "responses" in operation)
