"""Finished ads and their files."""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import DELETED, KEY, UUID_PATTERN, AnyAccept, JsonBody, NotYet, absolute, asked
from api.filters import FILTERS, wanted_of
from api.once import once
from api.paging import NewestFirst
from api.permissions import caller, require_editor
from generations import actions, download, library, queries
from generations.captions import captions_of
from generations.finish import FinishError, hires_of
from generations.models import Ad
from keeping import links
from prompting.brief import LIMITS

IN_A_ZIP = 200  # ads of several orders


def as_uuid(text: str) -> UUID:
    """An id from a query. Raises NotFound for what cannot be one."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


class ErrorOut(serializers.Serializer[Any]):
    """Why something was not made: a code for programs, a sentence for people."""

    code = serializers.CharField()
    detail = serializers.CharField()


def error_of(row: Any) -> dict[str, str] | None:
    """Why this row was not made, for ErrorOut; None when nothing went wrong."""
    return {"code": row.error_code, "detail": row.error_message} if row.error_code else None


class AdOut(serializers.ModelSerializer[Ad]):
    """A finished ad, or one on its way: then `url` and `bytes` are null. `placement` is the placement's slug."""

    picture = serializers.UUIDField(source="picture_id")
    placement = serializers.CharField(source="placement.placement.slug")
    variation = serializers.IntegerField(source="picture.variation")
    width = serializers.SerializerMethodField()
    height = serializers.SerializerMethodField()
    bytes = serializers.IntegerField(source="file.bytes", allow_null=True, default=None)
    url = serializers.SerializerMethodField()
    captions = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Ad
        fields: tuple[str, ...] = (
            "id",
            "picture",
            "placement",
            "variation",
            "status",
            "width",
            "height",
            "bytes",
            "url",
            "alt",
            "captions",
            "starred",
            "client_ref",
            "error",
        )

    def get_width(self, ad: Ad) -> int:
        """Pixels of the file, or what it will have."""
        return (ad.file and ad.file.width) or ad.placement.spec().size[0]

    def get_height(self, ad: Ad) -> int:
        """Pixels of the file, or what it will have."""
        return (ad.file and ad.file.height) or ad.placement.spec().size[1]

    def get_url(self, ad: Ad) -> str | None:
        """Signed for five minutes."""
        return absolute(self.context["request"], ad.file, name=ad.file_name)

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_captions(self, ad: Ad) -> dict[str, str]:
        """Texts that the network shows beside the ad, by its names of the fields; none until they are written."""
        return captions_of(ad)

    @extend_schema_field(ErrorOut(allow_null=True))
    def get_error(self, ad: Ad) -> dict[str, str] | None:
        """Why it was not made."""
        return error_of(ad)


class CheckOut(serializers.Serializer[Any]):
    """One rule, looked at on this ad."""

    rule = serializers.CharField()
    result = serializers.ChoiceField(choices=["pass", "warn", "fail"])
    detail = serializers.CharField()


class AdDetailOut(AdOut):
    """One ad with its words, and what was checked and measured while it was made."""

    generation = serializers.UUIDField(source="picture.generation_id")
    words = serializers.DictField(source="copy.words", child=serializers.CharField(allow_blank=True))
    language = serializers.CharField(source="copy.language")
    checks = CheckOut(many=True)
    fidelity = serializers.DictField(
        child=serializers.FloatField(),
        help_text="How truly the product is shown: mask_overlap, ssim (1 is best), delta_e_mean, delta_e_p95 (CIEDE2000, 0 is best).",
    )
    can_be_approved = serializers.BooleanField(help_text="False while it is not ready, and where the product is not shown truly enough.")

    class Meta(AdOut.Meta):
        fields = (*AdOut.Meta.fields, "generation", "words", "language", "checks", "fidelity", "can_be_approved", "pixels", "created_at")


class FacetsOut(serializers.Serializer[Any]):
    """How many ads by value."""

    brand = serializers.DictField(child=serializers.IntegerField())
    template = serializers.DictField(child=serializers.IntegerField())
    platform = serializers.DictField(child=serializers.IntegerField())
    language = serializers.DictField(child=serializers.IntegerField())
    status = serializers.DictField(child=serializers.IntegerField())
    starred = serializers.DictField(child=serializers.IntegerField())


class WordsIn(serializers.Serializer[Any]):
    """New words; what is left out stays, what is empty goes."""

    headline = serializers.CharField(required=False, max_length=LIMITS["headline"])
    subline = serializers.CharField(required=False, allow_blank=True, max_length=LIMITS["subline"])
    cta = serializers.CharField(required=False, allow_blank=True, max_length=LIMITS["cta"])
    badge = serializers.CharField(required=False, allow_blank=True, max_length=LIMITS["badge"])
    legal = serializers.CharField(required=False, allow_blank=True, max_length=LIMITS["legal"])


class CopyChangeIn(serializers.Serializer[Any]):
    """New words over one ad, all ads of its variation, or of the whole order.

    Another language or angle than there is stands beside the words that are there; the same takes their place.
    """

    words = WordsIn()
    over = serializers.ChoiceField(choices=["ad", "variation", "all"], default="ad")
    language = serializers.RegexField(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$", required=False, max_length=LIMITS["language"])
    angle = serializers.RegexField(r"^[a-z][a-z0-9_-]*$", required=False, max_length=actions.ANGLE_LENGTH)
    client_ref = serializers.CharField(required=False, allow_blank=True, max_length=100, help_text="Your own number for the new ads.")


@extend_schema_view(
    list=extend_schema(
        operation_id="list_ads",
        parameters=[
            *FILTERS,
            OpenApiParameter("current", bool, description="Leave out wordings that were undone or replaced."),
            DELETED,
        ],
    ),
    retrieve=extend_schema(operation_id="read_ad"),
)
@extend_schema(tags=["ads"])
class Ads(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Ad]):
    """The ads of the caller's brands, in all their wordings."""

    opened_by_keys = True
    serializer_class = AdDetailOut
    pagination_class = NewestFirst
    lookup_value_regex = UUID_PATTERN
    queryset = Ad.objects.none()

    def get_queryset(self) -> QuerySet[Ad]:
        """The caller's own, fewer by filter."""
        user = self.request.user
        if self.action == "restore":
            return queries.deleted_ads_of(user) | queries.ads_of(user)
        if self.action != "list":
            return queries.ads_of(user)
        if asked(self.request, "deleted") == "true":
            return queries.deleted_ads_of(user)
        return library.ads_wanted(user, wanted_of(self.request), current=asked(self.request, "current") == "true")

    @extend_schema(
        methods=["POST"], operation_id="change_ad_copy", request=CopyChangeIn, responses={202: AdDetailOut(many=True)}, parameters=[KEY]
    )
    @extend_schema(methods=["DELETE"], operation_id="undo_ad_copy", responses={204: None})
    @action(detail=True, methods=["post", "delete"], parser_classes=[JsonBody])
    @once
    def copy(self, request: Request, pk: str) -> Response:
        """Lay new words over this ad, its variation or the whole order: free, never a new picture. DELETE takes this ad's words back."""
        ad = self.get_object()
        require_editor(caller(request), ad.picture.generation.brand)
        if request.method == "DELETE":
            actions.undo_copy(by=caller(request), copy=ad.copy)
            return Response(status=HTTPStatus.NO_CONTENT)
        sent = CopyChangeIn(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        scopes: dict[str, dict[str, Any]] = {"ad": {"ad": ad}, "variation": {"variation": ad.picture.variation}, "all": {}}
        copy = actions.change_copy(by=caller(request), generation=ad.picture.generation, **scopes[given.pop("over")], **given)
        made = self.get_queryset().filter(copy=copy)
        return Response(self.get_serializer(made, many=True).data, HTTPStatus.ACCEPTED)

    @extend_schema(methods=["POST"], operation_id="star_ad", request=None, responses=AdDetailOut)
    @extend_schema(methods=["DELETE"], operation_id="unstar_ad", responses={204: None})
    @action(detail=True, methods=["post", "delete"])
    def star(self, request: Request, pk: str) -> Response:
        """Put a star on this ad; DELETE takes it off. Twice is once."""
        ad = self.get_object()
        require_editor(caller(request), ad.picture.generation.brand)
        actions.star_ad(by=caller(request), ad=ad, starred=request.method == "POST")
        if request.method == "DELETE":
            return Response(status=HTTPStatus.NO_CONTENT)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="download_ads",
        parameters=[*FILTERS, OpenApiParameter("ads", str, description="Only these: ids with commas between them.")],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
        filters=False,
    )
    @action(detail=False, pagination_class=None, renderer_classes=[JSONRenderer, AnyAccept])
    def zip(self, request: Request) -> FileResponse:
        """Ready ads of several orders in one ZIP file, a folder for each order: what the filters say, or these; at most 200."""
        found = library.ads_wanted(request.user, wanted_of(request)).filter(status=Ad.Status.READY)
        if named := [as_uuid(each.strip()) for each in asked(request, "ads").split(",") if each.strip()]:
            found = found.filter(pk__in=named[: IN_A_ZIP + 1])
        ids = list(found.select_related(None).values_list("pk", flat=True)[: IN_A_ZIP + 1])
        if len(ids) > IN_A_ZIP or len(named) > IN_A_ZIP:
            raise serializers.ValidationError({"ads": f"A ZIP takes at most {IN_A_ZIP} ads. Choose fewer."})
        if not ids:
            raise NotYet("None of the ads you asked for is ready.")
        name = f"ads-{timezone.now():%Y-%m-%d}.zip"
        made = download.zip_of_orders(library.by_order(request.user, ids))
        response = FileResponse(made, content_type="application/zip", as_attachment=True, filename=name)
        response["Cache-Control"] = "private, no-store"
        return response

    @extend_schema(operation_id="count_ads", responses=FacetsOut, filters=False)
    @action(detail=False, pagination_class=None)
    def facets(self, request: Request) -> Response:
        """How many ads there are of each kind; the numbers may be a minute old."""
        return Response(library.facets_of(request.user))

    @extend_schema(operation_id="delete_ad", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take this ad away. It can be brought back for thirty days."""
        ad = self.get_object()
        require_editor(caller(request), ad.picture.generation.brand)
        actions.delete_ad(by=caller(request), ad=ad)
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restore_ad", request=None, responses=AdDetailOut)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring an ad back that was taken away."""
        ad = self.get_object()
        require_editor(caller(request), ad.picture.generation.brand)
        actions.restore_ad(by=caller(request), ad=ad)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="read_ad_file",
        parameters=[OpenApiParameter("size", str, enum=["hires"], description="The larger size that some placements take, too.")],
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in ("image/jpeg", "image/png", "image/webp")},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, AnyAccept])
    def file(self, request: Request, pk: str) -> FileResponse:
        """The finished file itself."""
        ad = self.get_object()
        if ad.file is None:
            raise NotYet("This ad has no file: it is not ready.")
        if asked(request, "size") == "hires":
            return _hires(ad)
        return links.private_file(ad.file, name=ad.file_name)


def _hires(ad: Ad) -> FileResponse:
    """The larger file, made now."""
    try:
        made = hires_of(ad)
    except FinishError as refusal:
        raise serializers.ValidationError({"size": [str(refusal)]}) from refusal
    name = f"{ad.file_name.rpartition('.')[0]}-{made.width}x{made.height}.{made.extension}"
    return FileResponse(io.BytesIO(made.data), as_attachment=True, filename=name, content_type=made.type)
