"""Keys for machines. A key makes no keys: whoever has one signs in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.models import ApiKey
from api.base import KEY, JsonBody
from api.brands import own_brand
from api.once import once
from api.permissions import caller, require_editor
from api.v1.base import Rows


class ApiKeyIn(serializers.Serializer[Any]):
    """A key for one brand: the caller's first, unless another is named by id or slug."""

    name = serializers.CharField(max_length=keys.NAME_LENGTH)
    brand = serializers.CharField(required=False, max_length=80)
    read_only = serializers.BooleanField(  # type: ignore[assignment] # the field of this name, not a trait of a field
        required=False, default=False
    )
    days = serializers.IntegerField(required=False, default=keys.DAYS, min_value=1, max_value=keys.MOST_DAYS)


class ApiKeyOut(serializers.ModelSerializer[ApiKey]):
    """A key by its name and beginning. What opens with it is not shown again."""

    brand = serializers.UUIDField(source="brand_id")

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = ("id", "name", "prefix", "brand", "read_only", "expires_at", "last_used_at", "revoked_at", "created_at")


class ApiKeyWithSecret(ApiKeyOut):
    """A key with what opens with it, shown this once. Send it as `Authorization: Bearer …`."""

    key = serializers.CharField()

    class Meta(ApiKeyOut.Meta):
        fields = (*ApiKeyOut.Meta.fields, "key")


@extend_schema_view(
    list=extend_schema(operation_id="list_api_keys"),
    retrieve=extend_schema(operation_id="read_api_key"),
)
@extend_schema(tags=["api-keys"])
class ApiKeys(Rows[ApiKey]):
    """The keys of the caller's brands."""

    serializer_class = ApiKeyOut
    parser_classes = (JsonBody,)
    queryset = ApiKey.objects.none()

    def get_queryset(self) -> QuerySet[ApiKey]:
        """The caller's own."""
        return keys.keys_of(self.request.user)

    @extend_schema(operation_id="make_api_key", request=ApiKeyIn, responses={201: ApiKeyWithSecret}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Make a key. Keep it: it is not shown again."""
        told = self.sent(ApiKeyIn)
        brand = own_brand(caller(request), told.pop("brand", None))
        require_editor(caller(request), brand)
        try:
            key, secret = keys.make_key(by=caller(request), brand=brand, **told)
        except keys.KeyRefused as refusal:
            raise ValidationError({refusal.field: str(refusal)}) from refusal
        return Response({**ApiKeyOut(key).data, "key": secret}, status=HTTPStatus.CREATED)

    @extend_schema(operation_id="take_api_key_back", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Let a key open nothing any more, at once."""
        key = self.get_object()
        require_editor(caller(request), key.brand)
        keys.take_back(key)
        return Response(status=HTTPStatus.NO_CONTENT)
