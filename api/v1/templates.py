"""The published templates."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import KEY, SLUG_PATTERN, JsonBody, NotYet, absolute, asked
from api.once import once
from api.paging import ShelfOrder
from api.permissions import ReadOrStaff, caller
from api.v1.base import Rows
from templates_app import queries
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, Category, Layout, TemplatePreview

FILTERS = [
    OpenApiParameter("category", str, description="Only this category, by its slug."),
    OpenApiParameter("search", str, description="Only templates whose title or summary has these letters."),
    OpenApiParameter("needs_photo", bool, description="Only templates that need a photo, or only those that do not."),
    OpenApiParameter("all", bool, description="Staff: also those that are not offered."),
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


class TemplateForStaff(TemplateOut):
    """With what its version says, and whether it is offered."""

    data = serializers.DictField(  # type: ignore[assignment] # the field of this name, not what is serialised
        source="current.data", help_text="Words, style and engines, as admin shows them."
    )
    layout = serializers.CharField(source="current.layout.layout.slug")
    version = serializers.IntegerField(source="current.number", allow_null=True, default=None)

    class Meta(TemplateOut.Meta):
        fields = (*TemplateOut.Meta.fields, "published", "position", "layout", "data")  # type: ignore[assignment]


class TemplateIn(serializers.ModelSerializer[AdTemplate]):
    """A template as staff write it. `data` makes a new version; orders that exist keep the one they had."""

    id = serializers.SlugField(source="slug", max_length=80)
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all())
    layout = serializers.SlugRelatedField(slug_field="slug", queryset=Layout.objects.exclude(current=None), required=False)
    data = serializers.DictField(required=False)  # type: ignore[assignment] # as above
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="What changed, for the list of versions.")

    class Meta:
        model = AdTemplate
        fields = ("id", "title", "summary", "category", "needs_photo", "published", "position", "layout", "data", "note")

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        """A slug is taken once and stays; a new template needs data and a layout."""
        if self.instance is not None and told.get("slug", self.instance.slug) != self.instance.slug:
            raise ValidationError({"id": "An id stays as it is: orders and links name it. Make another template."})
        if self.instance is None:
            if AdTemplate.objects.filter(slug=told["slug"]).exists():
                raise ValidationError({"id": "There is a template with this id already. Choose another one."})
            if missing := [name for name in ("layout", "data") if name not in told]:
                raise ValidationError(dict.fromkeys(missing, "A new template needs this."))
        return told


@extend_schema_view(
    list=extend_schema(operation_id="list_templates", parameters=FILTERS), retrieve=extend_schema(operation_id="read_template")
)
@extend_schema(tags=["templates"])
class Templates(Rows[AdTemplate]):
    """The gallery: published templates, in the order that staff have given them. Staff who look after templates see and write all."""

    opened_by_keys = True
    serializer_class = TemplateOut
    pagination_class = ShelfOrder
    permission_classes = (IsAuthenticated, ReadOrStaff)
    parser_classes = (JsonBody,)
    lookup_field = "slug"
    lookup_value_regex = SLUG_PATTERN
    queryset = AdTemplate.objects.none()

    def get_queryset(self) -> QuerySet[AdTemplate]:
        """All that are published, fewer by filter; to staff who look after them one by one, the others, too."""
        by_staff = self._by_staff() and self.action != "list"
        found = queries.everything() if by_staff or (self._by_staff() and asked(self.request, "all") == "true") else queries.published()
        if category := asked(self.request, "category"):
            found = found.filter(category__slug=category)
        if search := asked(self.request, "search"):
            found = found.filter(Q(title__icontains=search) | Q(summary__icontains=search))
        if needs := asked(self.request, "needs_photo"):
            found = found.filter(needs_photo=needs.lower() in ("true", "1", "yes"))
        return found

    def get_serializer_class(self) -> type[Any]:
        """Staff who look after templates see what is in them."""
        return TemplateForStaff if self._by_staff() else TemplateOut

    @extend_schema(operation_id="make_template", request=TemplateIn, responses={201: TemplateForStaff}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Staff: make a template; it is offered when `published` is true."""
        told = self.sent(TemplateIn)
        version = {name: told.pop(name, None) for name in ("data", "layout", "note")}
        with transaction.atomic():
            template = AdTemplate.objects.create(**told)
            self._publish(template, **version)
        return Response(self._told(template), status=HTTPStatus.CREATED)

    @extend_schema(operation_id="change_template", request=TemplateIn, responses=TemplateForStaff)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Staff: change it. New `data` or another `layout` is a new version."""
        template = self.get_object()
        told = self.sent(TemplateIn, instance=template, partial=True)
        version = {name: told.pop(name, None) for name in ("data", "layout", "note")}
        with transaction.atomic():
            for name, value in told.items():
                setattr(template, name, value)
            template.save(update_fields=list(told))
            if version["data"] is not None or version["layout"] is not None:
                self._publish(template, **version)
        return Response(self._told(template))

    @extend_schema(operation_id="delete_template", responses={204: None})
    def destroy(self, request: Request, slug: str) -> Response:
        """Staff: take away a template that nobody ever ordered from; others are no longer offered when `published` is false."""
        template = self.get_object()
        try:
            with transaction.atomic():
                AdTemplate.objects.filter(pk=template.pk).update(current=None)
                template.delete()
        except ProtectedError as error:
            raise NotYet("Ads were ordered from this template, so it stays. Set `published` to false to offer it no longer.") from error
        return Response(status=HTTPStatus.NO_CONTENT)

    def _publish(self, template: AdTemplate, *, data: dict[str, Any] | None, layout: Layout | None, note: str | None) -> None:
        told = data if data is not None else (template.current.data if template.current else {})
        try:
            version = layout.current if layout else None
            publish_version(by=caller(self.request), head=template, data=told, note=note or "", layout=version)
        except ValueError as error:
            raise ValidationError({"data": str(error)}) from error

    def _by_staff(self) -> bool:
        user = self.request.user
        right = "view" if self.request.method in SAFE_METHODS else "change"
        return bool(getattr(user, "is_staff", False) and user.has_perm(f"templates_app.{right}_adtemplate"))

    def _told(self, template: AdTemplate) -> Any:
        return TemplateForStaff(queries.everything().get(pk=template.pk), context=self.get_serializer_context()).data
