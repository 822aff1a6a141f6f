"""What lists of ads and orders can be asked for, as the library reads it."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from api.base import asked
from generations.library import STATUSES, Wanted

_TOLD: dict[str, tuple[object, str]] = {
    "q": (str, "Words that must all stand in the brief, the scene, the template's name or the words on the ad."),
    "brand": (str, "A brand's id or slug."),
    "template": (str, "A template's id."),
    "placement": (str, "A placement's id."),
    "platform": (str, "A network, for instance `meta`."),
    "language": (str, "The language of the words."),
    "client_ref": (str, "Your own number."),
    "collection": (OpenApiTypes.UUID, "Only what is in this collection."),
    "generation": (OpenApiTypes.UUID, "Only this order."),
    "starred": (bool, "Only with, or only without a star."),
    "errors": (bool, "Only with, or only without something that could not be made."),
    "since": (OpenApiTypes.DATE, "Made on this day or later (UTC)."),
    "until": (OpenApiTypes.DATE, "Made on this day or before (UTC)."),
}
FILTERS = [
    OpenApiParameter("status", str, enum=sorted(STATUSES), description="How far it is."),
    *(OpenApiParameter(name, type_, description=sentence) for name, (type_, sentence) in _TOLD.items()),  # type: ignore[arg-type]
]


def wanted_of(request: Request) -> Wanted:
    """What this list is asked for. Raises WantedError."""
    return Wanted.read({name: asked(request, name) for name in ("status", *_TOLD)})
