"""The caller's brands."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import brands, fonts, kit
from accounts.models import Brand, BrandFont, Membership
from accounts.queries import brands_of
from api.base import KEY, UUID_PATTERN, UploadBody, absolute, asked
from api.once import once
from api.paging import NewestFirst
from api.permissions import caller, require_editor
from api.v1.people import People


class BrandOut(serializers.ModelSerializer[Brand]):
    """A brand: how it looks and talks, and what the caller may do in it."""

    colours = serializers.DictField(child=serializers.CharField(), help_text="Roles to colours, for instance primary to #006746.")
    words_to_use = serializers.ListField(child=serializers.CharField())
    words_to_avoid = serializers.ListField(child=serializers.CharField())
    logo_url = serializers.SerializerMethodField()
    logo_on_dark_url = serializers.SerializerMethodField()
    truth = serializers.DictField(child=serializers.FloatField(), help_text="Its own bounds of product truth; others are as everywhere.")
    role = serializers.ChoiceField(choices=Membership.Role.choices)

    class Meta:
        model = Brand
        fields = (
            "id",
            "name",
            "slug",
            "wordmark",
            "logo_url",
            "logo_on_dark_url",
            "clear_space",
            "truth",
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

    def get_logo_on_dark_url(self, brand: Brand) -> str | None:
        """The version for dark grounds, signed for five minutes."""
        return absolute(self.context["request"], brand.logo_on_dark)


class BrandIn(serializers.Serializer[Any]):
    """A new brand."""

    name = serializers.CharField(max_length=80)


class LogoIn(serializers.Serializer[Any]):
    """A PNG or WebP with a transparent ground. `on_dark`: it is the version for dark grounds."""

    file = serializers.FileField()
    on_dark = serializers.BooleanField(required=False, default=False)


class KitIn(serializers.Serializer[Any]):
    """What of the kit is to change; what is left out stays."""

    colours = serializers.DictField(child=serializers.CharField(), required=False)
    clear_space = serializers.FloatField(required=False, help_text="What stays free round the logo, in heights of the logo.")
    truth = serializers.DictField(child=serializers.FloatField(), required=False, help_text="Bounds from which on an ad is flagged.")
    tone = serializers.CharField(required=False, allow_blank=True)
    words_to_use = serializers.ListField(child=serializers.CharField(), required=False)
    words_to_avoid = serializers.ListField(child=serializers.CharField(), required=False)
    headline_font = serializers.CharField(required=False, allow_blank=True, help_text="A font's slug; empty: the template's.")
    text_font = serializers.CharField(required=False, allow_blank=True, help_text="The same, for everything but headlines.")


class FontOut(serializers.ModelSerializer[BrandFont]):
    """A font of the brand's own. Its `slug` is what a kit names it by."""

    slug = serializers.CharField()

    class Meta:
        model = BrandFont
        fields = ("id", "slug", "family", "style", "weight", "licence", "created_at")


class FontIn(serializers.Serializer[Any]):
    """A TTF, OTF or WOFF2 of at most 10 MB, and by what right it is used."""

    file = serializers.FileField()
    licence = serializers.CharField(help_text="By what licence you use it, in a sentence.")
    may_use = serializers.BooleanField(help_text="That you may use it in ads.")


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

    @extend_schema(operation_id="make_brand", request=BrandIn, responses={201: BrandOut}, parameters=[KEY])
    @once
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

    @extend_schema(operation_id="change_brand_kit", request=KitIn, responses=BrandOut)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change colours, clear space or the bounds of product truth, as an owner or editor."""
        sent = KitIn(data=request.data)
        sent.is_valid(raise_exception=True)
        brand = self.get_object()
        wished = dict(sent.validated_data)
        with transaction.atomic():
            for role, field in fonts.ROLES.items():
                if field in wished:
                    fonts.give_role(by=caller(request), brand=brand, role=role, slug=wished.pop(field))
            kit.change(by=caller(request), brand=brand, **wished)
        return Response(self.get_serializer(brand).data)

    @extend_schema(methods=["POST"], operation_id="set_brand_logo", request={"multipart/form-data": LogoIn}, responses=BrandOut)
    @extend_schema(
        methods=["DELETE"],
        operation_id="remove_brand_logo",
        responses=BrandOut,
        parameters=[OpenApiParameter("on_dark", bool, description="The version for dark grounds.")],
    )
    @action(detail=True, methods=["post", "delete"], parser_classes=[UploadBody])
    def logo(self, request: Request, pk: str) -> Response:
        """Set the logo, or take it away. SVG is refused: it can carry programs."""
        brand = self.get_object()
        if request.method == "DELETE":
            kit.remove_logo(by=caller(request), brand=brand, on_dark=asked(request, "on_dark") in ("1", "true"))
            return Response(self.get_serializer(brand).data)
        require_editor(caller(request), brand)  # before the file is looked at
        sent = LogoIn(data=request.data)
        sent.is_valid(raise_exception=True)
        kit.set_logo(by=caller(request), brand=brand, data=sent.validated_data["file"].read(), on_dark=sent.validated_data["on_dark"])
        return Response(self.get_serializer(brand).data)

    @extend_schema(methods=["GET"], operation_id="list_brand_fonts", responses=FontOut(many=True))
    @extend_schema(
        methods=["POST"], operation_id="add_brand_font", request={"multipart/form-data": FontIn}, responses={201: FontOut}, parameters=[KEY]
    )
    @action(detail=True, methods=["get", "post"], parser_classes=[UploadBody], pagination_class=None, filter_backends=[])
    @once
    def fonts(self, request: Request, pk: str) -> Response:
        """The brand's own fonts, or one more. It is looked at first: damaged, hostile and restricted ones are refused with a sentence."""
        brand = self.get_object()
        if request.method == "GET":
            return Response(FontOut(brand.fonts.all(), many=True).data)
        require_editor(caller(request), brand)
        sent = FontIn(data=request.data)
        sent.is_valid(raise_exception=True)
        told = dict(sent.validated_data)
        font = fonts.add(by=caller(request), brand=brand, data=told.pop("file").read(), **told)
        return Response(FontOut(font).data, HTTPStatus.CREATED)

    @extend_schema(operation_id="remove_brand_font", responses={204: None})
    @action(detail=True, methods=["delete"], url_path=f"fonts/(?P<font>{UUID_PATTERN})")
    def font(self, request: Request, pk: str, font: str) -> Response:
        """Take a font away. Finished ads keep it; the next ones are set in the template's own."""
        fonts.remove(by=caller(request), font=get_object_or_404(self.get_object().fonts, pk=font))
        return Response(status=HTTPStatus.NO_CONTENT)
