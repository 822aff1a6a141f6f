"""The caller's brands."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from accounts.models import Brand, Membership
from accounts.queries import brands_of
from api.base import UUID_PATTERN, absolute
from api.paging import NewestFirst


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


@extend_schema_view(list=extend_schema(operation_id="list_brands"), retrieve=extend_schema(operation_id="read_brand"))
@extend_schema(tags=["brands"])
class Brands(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Brand]):
    """The brands that the caller shares."""

    serializer_class = BrandOut
    pagination_class = NewestFirst
    lookup_value_regex = UUID_PATTERN
    queryset = Brand.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        """The caller's own."""
        return brands_of(self.request.user).annotate(role=F("memberships__role"))
