"""Product photos: uploading one makes it safe and cuts the product out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.models import Brand, IdempotencyKey, User
from api.base import DELETED, KEY, UUID_PATTERN, JsonBody, UploadBody, absolute, asked
from api.brands import own_brand
from api.paging import NewestFirst
from api.permissions import Creates, EditorsWrite, Everyone, caller, require_editor
from api.v1.copy import WordsOut, not_written, refusal_of
from generations import actions, queries
from generations.models import Photo
from generations.spending import BrandPurse
from keeping import store
from keeping.versions import hash_of
from prompting import moderation
from prompting.brief import LIMITS, Brief, clean
from prompting.writer import NO, UNKNOWN, YES, WriterError
from prompting.writers import writer

ROUTE = "photos"


class PhotoIn(serializers.Serializer[Any]):
    """A photo as JPEG, PNG or WebP of at most 15 MB, for a brand (its id or slug; the caller's first when left out)."""

    file = serializers.FileField(allow_empty_file=True)
    brand = serializers.CharField(required=False, max_length=80)


class PhotoAddressIn(serializers.Serializer[Any]):
    """The same by the address where it lies: http or https, reachable from the internet."""

    url = serializers.CharField(max_length=2000)
    brand = serializers.CharField(required=False, max_length=80)


class Fraction(serializers.FloatField):
    """A place in a photo: 0 is its left or top side, 1 its right or bottom side."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **kwargs)


class Line(serializers.ListField):
    """A stroke: points from one end to the other."""

    child = serializers.ListField(child=Fraction(), min_length=2, max_length=2)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=1, max_length=2000, **kwargs)


class MarkIn(serializers.Serializer[Any]):
    """Where the product is: a box around it (left, top, right, bottom), strokes over what to keep and what to drop."""

    box = serializers.ListField(child=Fraction(), min_length=4, max_length=4)
    keep = serializers.ListField(child=Line(), max_length=50, required=False, default=list)
    drop = serializers.ListField(child=Line(), max_length=50, required=False, default=list)


class KeywordsIn(serializers.Serializer[Any]):
    """The language of the keywords."""

    language = serializers.RegexField(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$", required=False, default="en", max_length=LIMITS["language"])


class KeywordsOut(WordsOut):
    """Keywords for the scene that the product should stand in, the strongest first."""

    keywords = serializers.ListField(child=serializers.CharField())
    people_in_photo = serializers.ChoiceField(
        choices=(YES, NO, UNKNOWN),
        help_text="Whether a person is seen; unknown where no model can look. Ads that show people need a label in places.",
    )


class PhotoOut(serializers.ModelSerializer[Photo]):
    """A safe photo. `confidence` says how far its cut-out may be trusted, `advice` what would make a better photo."""

    width = serializers.IntegerField(source="file.width")
    height = serializers.IntegerField(source="file.height")
    url = serializers.SerializerMethodField()
    cutout_url = serializers.SerializerMethodField()
    cutout_usable = serializers.BooleanField(help_text="Whether ads may use the cut-out without asking.")
    brand = serializers.UUIDField(source="brand_id")

    class Meta:
        model = Photo
        fields = ("id", "width", "height", "url", "cutout_url", "confidence", "cutout_usable", "advice", "name", "brand", "created_at")

    def get_url(self, photo: Photo) -> str | None:
        """Signed for five minutes."""
        return absolute(self.context["request"], photo.file)

    def get_cutout_url(self, photo: Photo) -> str | None:
        """Signed for five minutes; null when there is no cut-out."""
        return absolute(self.context["request"], photo.cutout)


@extend_schema_view(list=extend_schema(operation_id="list_photos", parameters=[DELETED]), retrieve=extend_schema(operation_id="read_photo"))
@extend_schema(tags=["photos"])
class Photos(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Photo]):
    """The photos of the caller's brands."""

    opened_by_keys = True
    serializer_class = PhotoOut
    pagination_class = NewestFirst
    permission_classes = (IsAuthenticated, EditorsWrite)
    parser_classes = (UploadBody, JsonBody)
    lookup_value_regex = UUID_PATTERN
    queryset = Photo.objects.none()

    def get_queryset(self) -> QuerySet[Photo]:
        """The caller's own: those that are there, or those that were taken away and can be brought back."""
        user = self.request.user
        if self.action == "restore":
            return queries.deleted_photos_of(user) | queries.photos_of(user)
        return (
            queries.deleted_photos_of(user)
            if self.action == "list" and asked(self.request, "deleted") == "true"
            else queries.photos_of(user)
        )

    def get_throttles(self) -> list[Any]:
        """What costs something is slower than reads."""
        return [Everyone(), Creates()] if self.action in ("create", "keywords") else [Everyone()]

    @extend_schema(
        operation_id="upload_photo",
        request={"multipart/form-data": PhotoIn, "application/json": PhotoAddressIn},
        responses={201: PhotoOut},
        parameters=[KEY],
    )
    def create(self, request: Request) -> Response:
        """Upload a photo, or name its address; it comes back made safe and cut out."""
        user = caller(request)
        by_address = request.content_type.partition(";")[0].strip() == "application/json"
        sent = (PhotoAddressIn if by_address else PhotoIn)(data=request.data)
        sent.is_valid(raise_exception=True)
        told = sent.validated_data
        brand = own_brand(user, told.get("brand"))
        require_editor(user, brand)
        if by_address:
            seed, add = told["url"].encode(), partial(actions.fetch_photo, by=user, brand=brand, url=told["url"])
        else:
            seed = told["file"].read()
            add = partial(actions.add_photo, by=user, brand=brand, data=seed, name=told["file"].name)
        photo = _add_once(user, brand, seed, add, key=request.headers.get("Idempotency-Key", "")[:200])
        headers = {"Location": reverse("api:photos-detail", args=[photo.pk], request=request)}
        return Response(self.get_serializer(photo).data, status=HTTPStatus.CREATED, headers=headers)

    @extend_schema(operation_id="delete_photo", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take this photo away; orders that have it keep it. It can be brought back for thirty days."""
        actions.delete_photo(by=caller(request), photo=self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restore_photo", request=None, responses=PhotoOut)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring a photo back that was taken away."""
        actions.restore_photo(by=caller(request), photo=self.get_object())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(operation_id="mark_product", request=MarkIn, responses=PhotoOut)
    @action(detail=True, methods=["post"], parser_classes=[JsonBody])
    def mark(self, request: Request, pk: str) -> Response:
        """Show where the product is, when the cut-out went wrong; the photo is cut out again."""
        photo = self.get_object()
        marks = MarkIn(data=request.data)
        marks.is_valid(raise_exception=True)
        photo = actions.mark_product(by=caller(request), photo=photo, **{**marks.validated_data, "box": tuple(marks.validated_data["box"])})
        return Response(self.get_serializer(photo).data)

    @extend_schema(operation_id="suggest_keywords", request=KeywordsIn, responses=KeywordsOut)
    @action(detail=True, methods=["post"], parser_classes=[JsonBody])
    def keywords(self, request: Request, pk: str) -> Response:
        """Keywords from what is seen in the photo; they are kept with it."""
        photo = self.get_object()
        sent = KeywordsIn(data=request.data)
        sent.is_valid(raise_exception=True)
        # The product alone, where it is cut out well: what stands around it today is not what it should stand in.
        file = photo.cutout if photo.cutout and photo.cutout_usable else photo.file
        data = store.read(file)
        if refused := refusal_of(moderation.check(Brief(headline=clean(photo.name)), data, judged="photo"), field="photo"):
            return refused
        try:
            made = writer(BrandPurse.of_photo(photo)).keywords(data, photo.name, sent.validated_data["language"])
        except WriterError as error:
            return not_written(error, field="photo")
        words = list(made.value.keywords)
        Photo.objects.filter(pk=photo.pk, deleted_at=None).update(keywords=words)
        told = {"writer": made.who, "fallback": made.fallback, "note": made.note}
        return Response({**told, "keywords": words, "people_in_photo": made.value.people})


def _add_once(user: User, brand: Brand, seed: bytes, add: Callable[[], Photo], *, key: str) -> Photo:
    """The new photo, or the one that this key made before: `seed` tells one photo from another. Raises KeyReused when it was another."""
    if not key:
        return add()
    body = hash_of([str(brand.pk), hashlib.sha256(seed).hexdigest()])
    if earlier := _earlier(user, key, body):
        return earlier
    photo = add()
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(caller=user, route=ROUTE, key=key, body_hash=body, answer={"photo": str(photo.pk)})
    except IntegrityError:
        # Two uploads with one key met; the first one's photo is the answer to both.
        photo.delete()
        return _earlier(user, key, body) or add()
    return photo


def _earlier(user: User, key: str, body: str) -> Photo | None:
    row = IdempotencyKey.objects.filter(caller=user, route=ROUTE, key=key).first()
    if row is None:
        return None
    if row.body_hash != body:
        raise actions.KeyReused("This idempotency key was used before with another photo. Use a new key.")
    return queries.photos_of(user).filter(pk=row.answer["photo"]).first()
