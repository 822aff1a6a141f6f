"""Places an ad can run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from api.base import SLUG_PATTERN, asked
from api.paging import ShelfOrder
from templates_app import queries
from templates_app.models import Placement


class SafeZoneOut(serializers.Serializer[Any]):
    """Margins that the network covers with its own buttons, as fractions of the picture's sides."""

    left = serializers.FloatField()
    top = serializers.FloatField()
    right = serializers.FloatField()
    bottom = serializers.FloatField()


class PlacementOut(serializers.Serializer[Placement]):
    """One place an ad can run. Its `id` is its slug; a finished file has `width` x `height` pixels."""

    id = serializers.CharField()
    platform = serializers.CharField()
    title = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    shape = serializers.CharField(help_text="The shape whose picture this placement takes.")
    banner = serializers.BooleanField(help_text="Laid out with the product as a block.")
    file_types = serializers.ListField(child=serializers.CharField())
    max_bytes = serializers.IntegerField(allow_null=True)
    safe_zone = SafeZoneOut()
    text_in_image = serializers.ChoiceField(choices=["allowed", "required", "limited", "forbidden"])
    text_limits = serializers.DictField(
        help_text="Characters of the captions beside the picture: over `soft` is cut, over `hard` is refused."
    )

    def to_representation(self, instance: Placement) -> dict[str, Any]:
        """The placement with what its current version says."""
        version = instance.current
        if version is None:
            raise ValueError(f"Placement {instance.slug} has no version.")
        version.placement = instance  # the same row: saves a query for each placement of a list
        spec = version.spec()
        return {
            "id": spec.slug,
            "platform": spec.platform,
            "title": spec.title,
            "width": spec.size[0],
            "height": spec.size[1],
            "shape": version.shape.id,
            "banner": version.is_banner,
            "file_types": list(spec.file_types),
            "max_bytes": spec.max_bytes,
            "safe_zone": asdict(spec.safe_zone),
            "text_in_image": spec.text_in_image,
            "text_limits": version.data.get("text_limits") or {},
        }


@extend_schema_view(
    list=extend_schema(
        operation_id="list_placements", parameters=[OpenApiParameter("platform", str, description="Only this network, for instance meta.")]
    ),
    retrieve=extend_schema(operation_id="read_placement"),
)
@extend_schema(tags=["placements"])
class Placements(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Placement]):
    """The placements that take a picture."""

    opened_by_keys = True
    serializer_class = PlacementOut
    pagination_class = ShelfOrder
    lookup_field = "slug"
    lookup_value_regex = SLUG_PATTERN
    queryset = Placement.objects.none()

    def get_queryset(self) -> QuerySet[Placement]:
        """All of them, fewer by filter."""
        found = queries.image_placements()
        platform = asked(self.request, "platform")
        return found.filter(platform=platform) if platform else found
