"""The person who calls."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.queries import brands_of
from api.permissions import caller


class BrandLine(serializers.Serializer[Any]):
    """A brand in a line."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()


class MeOut(serializers.ModelSerializer[User]):
    """The caller, with their brands."""

    brands = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "name", "time_zone", "is_staff", "brands")

    @extend_schema_field(BrandLine(many=True))
    def get_brands(self, user: User) -> Any:
        """The brands this person shares."""
        return BrandLine(brands_of(user), many=True).data


class Me(APIView):
    """The person whose token this is."""

    @extend_schema(operation_id="me", responses=MeOut, tags=["me"])
    def get(self, request: Request) -> Response:
        """Who is calling, and the brands they share."""
        return Response(MeOut(caller(request)).data)
