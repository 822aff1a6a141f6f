"""Ordering ads, and following an order until its files are there."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse as django_reverse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotAcceptable, Throttled, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from api.base import DELETED, KEY, UUID_PATTERN, AnyAccept, EventStream, JsonBody, NotYet, absolute, asked
from api.brands import own_brand
from api.filters import FILTERS, wanted_of
from api.paging import NewestFirst
from api.permissions import Creates, EditorsWrite, Everyone, caller, require_editor
from api.v1.ads import AdOut, ErrorOut, as_uuid, error_of
from api.v1.orders import ENGINES, GenerationIn
from generations import actions, download, library, previews, queries, stream
from generations.actions import VARIATIONS_AT_MOST
from generations.models import Ad, Event, Generation, Picture

EVENTS_AT_ONCE = 200
WAIT_AT_MOST = 20  # seconds: less than any proxy's patience
LINK_SLOT = 120  # seconds; after that the same answer gets a new ETag, so that nobody keeps links until they run out


class RetryIn(serializers.Serializer[Any]):
    """Which pictures; left out: all that are missing."""

    pictures = serializers.ListField(child=serializers.UUIDField(), required=False, min_length=1, max_length=100)


class MoreIn(serializers.Serializer[Any]):
    """The picture that the new ones are to be like, and how many."""

    picture = serializers.UUIDField()
    variations = serializers.IntegerField(required=False, default=actions.MORE, min_value=1, max_value=VARIATIONS_AT_MOST)
    engine = serializers.ChoiceField(choices=ENGINES, required=False, help_text="Left out: the one that painted the picture.")
    client_ref = serializers.CharField(required=False, allow_blank=True, max_length=100)


class RaiseIn(serializers.Serializer[Any]):
    """The engine that paints the draft anew."""

    engine = serializers.ChoiceField(choices=ENGINES, required=False, default="auto")
    client_ref = serializers.CharField(required=False, allow_blank=True, max_length=100)


class PictureOut(serializers.ModelSerializer[Picture]):
    """A scene: one variation in one shape."""

    preview_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Picture
        fields = ("id", "variation", "shape", "status", "progress", "preview_url", "error")

    def get_preview_url(self, picture: Picture) -> str | None:
        """How it looks so far, for five minutes; null when there is nothing to be seen."""
        if picture.status != Picture.Status.PAINTING or previews.of(picture.pk) is None:
            return None
        address = f"{django_reverse('picture-preview', args=[picture.pk])}?{urlencode({'key': previews.key(picture.pk)})}"
        return str(self.context["request"].build_absolute_uri(address))

    @extend_schema_field(ErrorOut(allow_null=True))
    def get_error(self, picture: Picture) -> dict[str, str] | None:
        """Why it was not made."""
        return error_of(picture)


class LinksOut(serializers.Serializer[Any]):
    """Where to go on."""

    self = serializers.URLField()
    cancel = serializers.URLField()
    events = serializers.URLField()
    zip = serializers.URLField()


class GenerationLine(serializers.ModelSerializer[Generation]):
    """An order in a list."""

    progress = serializers.SerializerMethodField()
    template = serializers.CharField(source="template_version.template.slug")
    brand = serializers.UUIDField(source="brand_id")
    parent = serializers.UUIDField(  # type: ignore[assignment] # the field of this name, not the parent of a field
        source="parent_id", allow_null=True, help_text="The order that this one came from."
    )
    headline = serializers.CharField(source="brief.headline")
    cover_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Generation
        fields: tuple[str, ...] = (
            "id",
            "status",
            "progress",
            "template",
            "brand",
            "headline",
            "client_ref",
            "parent",
            "origin",
            "cover_url",
            "error",
            "created_at",
            "finished_at",
            "links",
        )

    def get_progress(self, generation: Generation) -> float:
        """0 to 1."""
        return queries.progress(generation)

    def get_cover_url(self, generation: Generation) -> str | None:
        """The first ready ad, signed for five minutes."""
        ready = (ad for ad in queries.current_ads(generation) if ad.status == Ad.Status.READY)
        first = next(ready, None)
        return absolute(self.context["request"], first.file) if first else None

    @extend_schema_field(ErrorOut(allow_null=True))
    def get_error(self, generation: Generation) -> dict[str, str] | None:
        """Why it was not made."""
        return error_of(generation)

    @extend_schema_field(LinksOut)
    def get_links(self, generation: Generation) -> dict[str, str]:
        """Where to go on."""
        names = {"self": "detail", "cancel": "cancel", "events": "events", "zip": "zip"}
        request = self.context["request"]
        return {link: reverse(f"api:generations-{name}", args=[generation.pk], request=request) for link, name in names.items()}


class GenerationOut(GenerationLine):
    """An order with its pictures and ads."""

    queue_place = serializers.SerializerMethodField()
    estimate_seconds = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField()
    credits = serializers.SerializerMethodField()
    pictures = PictureOut(many=True)
    ads = serializers.SerializerMethodField()
    brief = serializers.DictField(source="brief_data", help_text="What the marketer said, as it was taken.")

    class Meta(GenerationLine.Meta):
        fields = (
            *GenerationLine.Meta.fields,
            "queue_place",
            "estimate_seconds",
            "notice",
            "credits",
            "variations",
            "engine",
            "seed",
            "label",
            "brief",
            "pictures",
            "ads",
        )

    def get_queue_place(self, generation: Generation) -> int:
        """How many pictures of others come first; 0 while it is being made."""
        return queries.queue_place(generation)

    def get_estimate_seconds(self, generation: Generation) -> float | None:
        """Until everything is there, by what such work took here lately."""
        return queries.estimate_seconds(generation)

    def get_notice(self, generation: Generation) -> str:
        """Why nothing moves at the moment, as a sentence; empty while it does, or when it has ended. It goes on by itself."""
        return queries.waits_for(generation)

    def get_credits(self, generation: Generation) -> int:
        """What the order costs when all of it becomes ready; what does not become ready costs nothing."""
        return sum(picture.credits for picture in generation.pictures.all())

    @extend_schema_field(AdOut(many=True))
    def get_ads(self, generation: Generation) -> Any:
        """The ads in their newest wording."""
        return AdOut(queries.current_ads(generation), many=True, context=self.context).data


class EventOut(serializers.ModelSerializer[Event]):
    """Something that happened to the order."""

    class Meta:
        model = Event
        fields = ("seq", "kind", "object_id", "created_at")


class EventsOut(serializers.Serializer[Any]):
    """What happened, in order. Ask again with `after` set to the last `seq`."""

    results = EventOut(many=True)


@extend_schema_view(
    list=extend_schema(operation_id="list_generations", responses=GenerationLine(many=True), parameters=[*FILTERS, DELETED]),
)
@extend_schema(tags=["generations"])
class Generations(mixins.ListModelMixin, viewsets.GenericViewSet[Generation]):
    """The orders of the caller's brands."""

    opened_by_keys = True
    serializer_class = GenerationOut
    pagination_class = NewestFirst
    permission_classes = (IsAuthenticated, EditorsWrite)
    lookup_value_regex = UUID_PATTERN
    queryset = Generation.objects.none()

    def get_queryset(self) -> QuerySet[Generation]:
        """The caller's own: those that are there, or those that were taken away and can be brought back."""
        if self.action == "restore":
            return queries.deleted_generations_of(self.request.user) | queries.generations_of(self.request.user)
        if self.action != "list":
            return queries.generations_of(self.request.user)
        if asked(self.request, "deleted") == "true":
            return queries.deleted_generations_of(self.request.user)
        return library.generations_wanted(self.request.user, wanted_of(self.request))

    def get_serializer_class(self) -> type[Any]:
        """Lists are lines; one order comes with everything."""
        return GenerationLine if self.action == "list" else GenerationOut

    def get_throttles(self) -> list[Any]:
        """Orders are slower than reads."""
        return [Everyone(), Creates()] if self.action in ("create", "more", "raise_draft") else [Everyone()]

    @extend_schema(operation_id="order_generation", request=GenerationIn, responses={202: GenerationOut}, parameters=[KEY])
    def create(self, request: Request) -> Response:
        """Order ads. They are made in the background: follow `links.self` until `status` is final."""
        user = caller(request)
        order = GenerationIn(data=request.data, context=self.get_serializer_context())
        order.is_valid(raise_exception=True)
        photos = order.validated_data["photos"]
        named = order.validated_data.pop("brand", None)
        brand = photos[0].brand if photos and not named else own_brand(user, named)
        require_editor(user, brand)
        made = actions.order_generation(by=user, brand=brand, idempotency_key=_key(request), **order.validated_data)
        return self._answer(made.pk, status=HTTPStatus.ACCEPTED)

    @extend_schema(
        operation_id="read_generation",
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of an earlier answer."),
            OpenApiParameter("wait", int, description=f"Seconds to wait for a change, 0 to {WAIT_AT_MOST}."),
        ],
        responses={200: GenerationOut, 304: OpenApiResponse(description="Nothing has changed since the answer with this ETag.")},
    )
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One order as it stands. `Retry-After` says when another look is worth it; with an ETag it costs little.

        With `wait` the answer comes as soon as something has changed since the ETag, or after so many seconds; when many wait, at once.
        """
        generation, seconds = self.get_object(), _seconds(request)
        seen = stream.token_of(generation) if seconds else None
        etag = _etag(generation)
        known = request.headers.get("If-None-Match")
        if seen and not generation.is_final and known in (None, etag) and stream.wait_for_change(generation, seen, seconds):
            generation = self.get_object()
            etag = _etag(generation)
        if unchanged := get_conditional_response(request._request, etag=etag):
            unchanged["ETag"] = etag
            _say_when(unchanged, generation)
            return unchanged
        response = Response(self.get_serializer(generation).data, headers={"ETag": etag})
        _say_when(response, generation)
        return response

    @extend_schema(operation_id="cancel_generation", request=None, responses=GenerationOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop an order. What is ready stays; cancelling a finished order changes nothing."""
        actions.cancel_generation(by=caller(request), generation=self.get_object())
        return self._answer(UUID(pk))

    @extend_schema(operation_id="retry_generation", request=RetryIn, responses=GenerationOut)
    @action(detail=True, methods=["post"], parser_classes=[JsonBody])
    def retry(self, request: Request, pk: str) -> Response:
        """Have what failed, was refused or stopped made again, by the same seed and at the same price; damaged files for nothing.

        An order of which nothing is missing is left as it is.
        """
        generation = self.get_object()
        sent = RetryIn(data=request.data)
        sent.is_valid(raise_exception=True)
        actions.retry_generation(by=caller(request), generation=generation, pictures=sent.validated_data.get("pictures"))
        return self._answer(UUID(pk))

    @extend_schema(operation_id="order_more_like", request=MoreIn, responses={202: GenerationOut}, parameters=[KEY])
    @action(detail=True, methods=["post"], parser_classes=[JsonBody])
    def more(self, request: Request, pk: str) -> Response:
        """Order more variations like one picture of this order: its scene, words and places, with new seeds."""
        generation = self.get_object()
        sent = MoreIn(data=request.data)
        sent.is_valid(raise_exception=True)
        told = dict(sent.validated_data)
        picture = generation.pictures.filter(pk=told.pop("picture")).select_related("generation__template_version__template").first()
        if picture is None:
            raise ValidationError({"picture": "This order has no picture with this id."})
        made = actions.more_like(by=caller(request), picture=picture, idempotency_key=_key(request), **told)
        return self._answer(made.pk, status=HTTPStatus.ACCEPTED)

    @extend_schema(operation_id="raise_draft", request=RaiseIn, responses={202: GenerationOut}, parameters=[KEY])
    @action(detail=True, methods=["post"], url_path="raise", url_name="raise", parser_classes=[JsonBody])
    def raise_draft(self, request: Request, pk: str) -> Response:
        """Order what this draft shows from another engine: same seeds, layout, words and places."""
        generation = self.get_object()
        sent = RaiseIn(data=request.data)
        sent.is_valid(raise_exception=True)
        made = actions.raise_draft(by=caller(request), generation=generation, idempotency_key=_key(request), **sent.validated_data)
        return self._answer(made.pk, status=HTTPStatus.ACCEPTED)

    @extend_schema(operation_id="delete_generation", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take an order away with its ads; what is still being made is stopped. It can be brought back for thirty days."""
        actions.delete_generation(by=caller(request), generation=self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restore_generation", request=None, responses=GenerationOut)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring an order back that was taken away."""
        actions.restore_generation(by=caller(request), generation=self.get_object())
        return self._answer(UUID(pk))

    @extend_schema(
        operation_id="list_generation_events",
        parameters=[OpenApiParameter("after", int, description="Only events with a higher `seq`.")],
        responses=EventsOut,
        filters=False,
    )
    @action(detail=True, pagination_class=None, renderer_classes=[JSONRenderer, EventStream])
    def events(self, request: Request, pk: str) -> HttpResponseBase:
        """What happened to this order so far, at most 200 events at once.

        Who accepts `text/event-stream` is told events as they happen, each with its `seq` as id, and `end` when the order has ended;
        `Last-Event-ID` goes on after that event. Some servers have no streams and answer 406: ask with `after`, then.
        """
        after = request.headers.get("Last-Event-ID") or request.query_params.get("after", "0")
        if not (after.isascii() and after.isdecimal()) or len(after) > 18:
            raise ValidationError({"after": "Give the `seq` of the last event you know: a whole number."})
        if getattr(request.accepted_renderer, "format", "") == EventStream.format:
            return _stream(request, self.get_object(), int(after))
        found = self.get_object().events.filter(seq__gt=int(after)).order_by("seq")[:EVENTS_AT_ONCE]
        return Response({"results": EventOut(found, many=True).data})

    @extend_schema(
        operation_id="download_generation",
        parameters=[
            OpenApiParameter("ads", str, description="Only these: ids with commas between them."),
            OpenApiParameter("starred", bool, description="Only those with a star."),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, AnyAccept])
    def zip(self, request: Request, pk: str) -> FileResponse:
        """All ready ads of this order in one ZIP file, or some of them."""
        generation = self.get_object()
        ads = download.ready_ads(generation)
        if not ads:
            raise NotYet("No ad of this order is ready yet.")
        if asked(request, "starred") == "true":
            ads = [ad for ad in ads if ad.starred]
        if named := asked(request, "ads"):
            wanted = {as_uuid(each.strip()) for each in named.split(",")}
            ads = [ad for ad in ads if ad.pk in wanted]
        if not ads:
            raise NotYet("None of the ads you asked for is ready.")
        name = download.zip_name(generation)
        response = FileResponse(download.zip_of(generation, ads), content_type="application/zip", as_attachment=True, filename=name)
        response["Cache-Control"] = "private, no-store"
        return response

    def _answer(self, pk: UUID, status: int = HTTPStatus.OK) -> Response:
        """The order as it stands now, read again with its joins."""
        generation = get_object_or_404(self.get_queryset(), pk=pk)
        response = Response(GenerationOut(generation, context=self.get_serializer_context()).data, status=status)
        if status == HTTPStatus.ACCEPTED:
            response["Location"] = reverse("api:generations-detail", args=[pk], request=self.request)
        _say_when(response, generation)
        return response


def _key(request: Request) -> str:
    return request.headers.get("Idempotency-Key", "")


def _stream(request: Request, generation: Generation, after: int) -> HttpResponseBase:
    user = caller(request)
    subject = stream.Subject(user.pk, user.sign_in_epoch, generation.brand_id, generation.pk)
    try:
        response = stream.response_of(request._request, subject, after=after)
    except stream.TooMany as error:
        raise Throttled(wait=10, detail="You follow many orders already. Close one, or ask now and then.") from error
    if response is None:
        raise NotAcceptable("This server has no event streams. Ask again now and then with `after`.")
    return response


def _etag(generation: Generation) -> str:
    return f'"{queries.version_of(generation)}-{queries.queue_place(generation)}-{int(time.time()) // LINK_SLOT}"'


def _seconds(request: Request) -> int:
    """How long the caller would wait. Raises ValidationError."""
    said = asked(request, "wait") or "0"
    if not (said.isascii() and said.isdecimal()) or len(said) > 2 or int(said) > WAIT_AT_MOST:
        raise ValidationError({"wait": f"Give a whole number of seconds from 0 to {WAIT_AT_MOST}."})
    return int(said)


def _say_when(response: HttpResponseBase, generation: Generation) -> None:
    """Seconds after which another look is worth it: longer while others come first, never when it is done."""
    response["Cache-Control"] = "private, no-cache"
    if not generation.is_final:
        response["Retry-After"] = "5" if generation.status == Generation.Status.WAITING else "1"
