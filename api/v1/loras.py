"""LoRAs: small model files that give pictures a style. Everybody may see them; staff look after them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import ProtectedError, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import KEY, SLUG_PATTERN, JsonBody, NotYet, absolute
from api.once import once
from api.paging import ByTitle
from api.permissions import ReadOrStaff
from api.v1.base import Rows
from comfy.models import FAMILIES, Lora

OUT_OF_RANGE = "The default weight must lie between the smallest and the largest."


class LoraOut(serializers.ModelSerializer[Lora]):
    """A LoRA. Its `id` is its slug."""

    id = serializers.CharField(source="slug")
    preview_url = serializers.SerializerMethodField()

    class Meta:
        model = Lora
        fields = (
            "id",
            "title",
            "family",
            "trigger_words",
            "weight_min",
            "weight_max",
            "weight_default",
            "licence",
            "source",
            "preview_url",
        )

    def get_preview_url(self, lora: Lora) -> str | None:
        """Signed for five minutes; null when there is none."""
        return absolute(self.context["request"], lora.preview)


class LoraForStaff(LoraOut):
    """With the file that servers know it by."""

    class Meta(LoraOut.Meta):
        fields = (*LoraOut.Meta.fields, "file_name")  # type: ignore[assignment]


class LoraIn(serializers.ModelSerializer[Lora]):
    """A LoRA as staff write it."""

    id = serializers.SlugField(source="slug", max_length=80)
    family = serializers.ChoiceField(choices=FAMILIES)

    class Meta:
        model = Lora
        fields = (
            "id",
            "title",
            "file_name",
            "family",
            "trigger_words",
            "weight_min",
            "weight_max",
            "weight_default",
            "licence",
            "source",
        )

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        """The default weight lies within its range; a slug is taken once and stays."""
        blank = self.instance or Lora()
        weight = {name: told.get(name, getattr(blank, name)) for name in ("weight_min", "weight_default", "weight_max")}
        if not weight["weight_min"] <= weight["weight_default"] <= weight["weight_max"]:
            raise serializers.ValidationError({"weight_default": OUT_OF_RANGE})
        if self.instance is not None and told.get("slug", self.instance.slug) != self.instance.slug:
            raise serializers.ValidationError({"id": "An id stays as it is: templates and recipes name it. Make another LoRA."})
        if self.instance is None and Lora.objects.filter(slug=told["slug"]).exists():
            raise serializers.ValidationError({"id": "There is a LoRA with this id already. Choose another one."})
        return told


@extend_schema_view(
    list=extend_schema(operation_id="list_loras", responses=LoraOut(many=True)),
    retrieve=extend_schema(operation_id="read_lora", responses=LoraOut),
)
@extend_schema(tags=["loras"])
class Loras(Rows[Lora]):
    """The LoRAs of this installation, by title."""

    opened_by_keys = True
    serializer_class = LoraOut
    pagination_class = ByTitle
    permission_classes = (IsAuthenticated, ReadOrStaff)
    parser_classes = (JsonBody,)
    lookup_field = "slug"
    lookup_value_regex = SLUG_PATTERN
    queryset = Lora.objects.none()

    def get_queryset(self) -> QuerySet[Lora]:
        """All of them."""
        return Lora.objects.select_related("preview")

    def get_serializer_class(self) -> type[Any]:
        """Staff also see what the file is called."""
        return LoraForStaff if getattr(self.request.user, "is_staff", False) else LoraOut

    @extend_schema(operation_id="make_lora", request=LoraIn, responses={201: LoraForStaff}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Staff: write a LoRA down. Its file must lie on the servers under this name."""
        lora = Lora.objects.create(**self.sent(LoraIn))
        return Response(self.get_serializer(lora).data, status=HTTPStatus.CREATED)

    @extend_schema(operation_id="change_lora", request=LoraIn, responses=LoraForStaff)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Staff: change it."""
        lora = self.get_object()
        for name, value in self.sent(LoraIn, instance=lora, partial=True).items():
            setattr(lora, name, value)
        lora.save()
        return Response(self.get_serializer(lora).data)

    @extend_schema(operation_id="delete_lora", responses={204: None})
    def destroy(self, request: Request, slug: str) -> Response:
        """Staff: take it away, when no template has it."""
        try:
            self.get_object().delete()
        except ProtectedError as error:
            raise NotYet("Templates have this LoRA. Take it out of them first.") from error
        return Response(status=HTTPStatus.NO_CONTENT)
