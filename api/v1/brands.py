"""The caller's brands."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import brands
from accounts.models import Brand, Membership
from accounts.queries import brands_of
from api.base import UUID_PATTERN, absolute
from api.paging import NewestFirst
from api.permissions import caller
from api.v1.people import People


class BrandOut(serializers.ModelSerializer[Brand]):
    """A brand: how it looks and talks, and what the caller may do in it."""

    colours = serializers.DictField(child=serializers.CharField(), help_text="Roles to colours, for instance primary to #006746.")
    words_to_use = serializers.ListField(child=serializers.CharField())
    words_to_avoid = serializers.ListField(child=serializers.CharField())
    logo_url = serializers.SerializerMethodField()
    role = serializers.ChoiceField(choices=Membership.Role.choices)

    class Meta:
        model = Brand
        fields = (
            "id",
            "name",
            "slug",
            "wordmark",
            "logo_url",
            "colours",
            "headline_font",
            "text_font",
            "tone",
            "words_to_use",
            "words_to_avoid",
            "role",
            "created_at",
        )

    def get_logo_url(self, brand: Brand) -> str | None:
        """Signed for five minutes."""
        return absolute(self.context["request"], brand.logo)


class BrandIn(serializers.Serializer[Any]):
    """A new brand."""

    name = serializers.CharField(max_length=80)


@extend_schema_view(list=extend_schema(operation_id="list_brands"), retrieve=extend_schema(operation_id="read_brand"))
@extend_schema(tags=["brands"])
class Brands(People, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Brand]):
    """The brands that the caller shares."""

    serializer_class = BrandOut
    pagination_class = NewestFirst
    lookup_value_regex = UUID_PATTERN
    queryset = Brand.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        """The caller's own."""
        return brands_of(self.request.user).annotate(role=F("memberships__role"))

    @extend_schema(operation_id="make_brand", request=BrandIn, responses={201: BrandOut})
    def create(self, request: Request) -> Response:
        """A new brand, which the caller owns."""
        sent = BrandIn(data=request.data)
        sent.is_valid(raise_exception=True)
        brand = brands.make_brand(by=caller(request), **sent.validated_data)
        return Response(self.get_serializer(self.get_queryset().get(pk=brand.pk)).data, HTTPStatus.CREATED)

    @extend_schema(operation_id="delete_brand", responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a brand, as its owner. It can be brought back for 30 days."""
        brands.delete(by=caller(request), brand=self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restore_brand", request=None, responses=BrandOut)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring a deleted brand back, as its owner."""
        brand = get_object_or_404(brands.deleted_brands_of(caller(request)), pk=pk)
        brands.restore(by=caller(request), brand=brand)
        return Response(self.get_serializer(self.get_queryset().get(pk=brand.pk)).data)
