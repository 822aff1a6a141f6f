"""The front door: what this is, and where everything else is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

LINKS = (
    "token",
    "refresh",
    "me",
    "brands",
    "templates",
    "placements",
    "photos",
    "preflight",
    "generations",
    "ads",
    "reviews",
    "webhooks",
    "api-keys",
    "loras",
    "users",
    "servers",
    "test",
    "check",
    "schema",
    "docs",
)
COLLECTIONS = frozenset(
    {"brands", "templates", "placements", "photos", "generations", "ads", "reviews", "webhooks", "api-keys", "loras", "users", "servers"}
)


class RootOut(serializers.Serializer[Any]):
    """What this is, and where everything else is."""

    name = serializers.CharField()
    version = serializers.CharField()
    links = serializers.DictField(child=serializers.URLField())


class Root(APIView):
    """The start of the API, open to everybody."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(operation_id="root", responses=RootOut, auth=[], tags=["root"])
    def get(self, request: Request) -> Response:
        """Name, version and the addresses of all resources."""
        pages = {name: f"api:{name}-list" if name in COLLECTIONS else f"api:{name}" for name in LINKS}
        links = {name: reverse(page, request=request) for name, page in pages.items()}
        return Response({"name": "AdsGem", "version": spectacular_settings.VERSION, "links": links})


class Nowhere(APIView):
    """Answers in JSON for addresses that do not exist."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the method."""
        raise NotFound("The API has no such address.")
