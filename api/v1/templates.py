"""The published templates."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from api.base import SLUG_PATTERN, absolute, asked
from api.paging import ShelfOrder
from templates_app import queries
from templates_app.models import AdTemplate, Category, TemplatePreview

FILTERS = [
    OpenApiParameter("category", str, description="Only this category, by its slug."),
    OpenApiParameter("search", str, description="Only templates whose title or summary has these letters."),
    OpenApiParameter("needs_photo", bool, description="Only templates that need a photo, or only those that do not."),
]


class CategoryOut(serializers.ModelSerializer[Category]):
    """A shelf in the gallery."""

    id = serializers.CharField(source="slug")

    class Meta:
        model = Category
        fields = ("id", "title")


class PreviewOut(serializers.ModelSerializer[TemplatePreview]):
    """What the template makes, in one shape."""

    url = serializers.SerializerMethodField()
    width = serializers.IntegerField(source="file.width", allow_null=True)
    height = serializers.IntegerField(source="file.height", allow_null=True)

    class Meta:
        model = TemplatePreview
        fields = ("shape", "url", "width", "height", "alt")

    def get_url(self, preview: TemplatePreview) -> str | None:
        """Signed for five minutes."""
        return absolute(self.context["request"], preview.file)


class TemplateOut(serializers.ModelSerializer[AdTemplate]):
    """A template, as a marketer chooses it. Its `id` is its slug."""

    id = serializers.CharField(source="slug")
    category = CategoryOut()
    version = serializers.IntegerField(source="current.number")
    previews = PreviewOut(many=True)

    class Meta:
        model = AdTemplate
        fields = ("id", "title", "summary", "category", "needs_photo", "version", "previews")


@extend_schema_view(
    list=extend_schema(operation_id="list_templates", parameters=FILTERS), retrieve=extend_schema(operation_id="read_template")
)
@extend_schema(tags=["templates"])
class Templates(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[AdTemplate]):
    """The gallery: published templates, in the order that staff have given them."""

    serializer_class = TemplateOut
    pagination_class = ShelfOrder
    lookup_field = "slug"
    lookup_value_regex = SLUG_PATTERN
    queryset = AdTemplate.objects.none()

    def get_queryset(self) -> QuerySet[AdTemplate]:
        """All that are published, fewer by filter."""
        found = queries.published()
        if category := asked(self.request, "category"):
            found = found.filter(category__slug=category)
        if search := asked(self.request, "search"):
            found = found.filter(Q(title__icontains=search) | Q(summary__icontains=search))
        if needs := asked(self.request, "needs_photo"):
            found = found.filter(needs_photo=needs.lower() in ("true", "1", "yes"))
        return found
