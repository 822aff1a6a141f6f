"""Review links: somebody without an account looks at an order and says what should run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.outbox import address
from api.base import KEY, JsonBody, asked
from api.once import once
from api.permissions import caller, require_editor
from api.v1.ads import as_uuid
from api.v1.base import Rows
from generations import actions, queries
from generations.models import ReviewLink, Verdict


class ReviewIn(serializers.Serializer[Any]):
    """What is asked, of which order, and for how long."""

    generation = serializers.UUIDField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)
    days = serializers.IntegerField(required=False, min_value=1, max_value=actions.MOST_DAYS, default=actions.DAYS)


class VerdictOut(serializers.ModelSerializer[Verdict]):
    """What somebody said of one variation. `files` has the SHA-256 of each file that was approved, by its ad."""

    files = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Verdict
        fields = ("id", "variation", "word", "comment", "who", "files", "created_at")


class ReviewOut(serializers.ModelSerializer[ReviewLink]):
    """A link, and what was said by it. `url` is null once it opens nothing any more."""

    generation = serializers.UUIDField(source="generation_id")
    url = serializers.SerializerMethodField()
    verdicts = VerdictOut(many=True)

    class Meta:
        model = ReviewLink
        fields = ("id", "generation", "note", "url", "expires_at", "revoked_at", "created_at", "verdicts")

    def get_url(self, link: ReviewLink) -> str | None:
        """The address to send."""
        return address("review", actions.token_of(link)) if link.is_open else None


@extend_schema_view(
    list=extend_schema(
        operation_id="list_reviews", parameters=[OpenApiParameter("generation", OpenApiTypes.UUID, description="Only of this generation.")]
    ),
    retrieve=extend_schema(operation_id="read_review"),
)
@extend_schema(tags=["reviews"])
class Reviews(Rows[ReviewLink]):
    """The review links of the caller's brands."""

    opened_by_keys = True
    serializer_class = ReviewOut
    parser_classes = (JsonBody,)
    queryset = ReviewLink.objects.none()

    def get_queryset(self) -> QuerySet[ReviewLink]:
        """The caller's own, fewer by filter."""
        found = queries.review_links_of(self.request.user)
        if generation := asked(self.request, "generation"):
            found = found.filter(generation=as_uuid(generation))
        return found

    @extend_schema(operation_id="ask_for_review", request=ReviewIn, responses={201: ReviewOut}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Make a link for an order. Whoever has it sees the ads; it can be taken back."""
        told = self.sent(ReviewIn)
        generation = queries.generations_of(request.user).filter(pk=told.pop("generation")).first()
        if generation is None:
            raise ValidationError({"generation": "No generation with this id."})
        require_editor(caller(request), generation.brand)
        try:
            link = actions.ask_for_review(by=caller(request), generation=generation, **told)
        except actions.ReviewRefused as refusal:
            raise ValidationError(refusal.errors) from refusal
        return Response(self.get_serializer(self.get_queryset().get(pk=link.pk)).data, status=HTTPStatus.CREATED)

    @extend_schema(operation_id="take_review_back", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Let the link open nothing any more. What was said stays."""
        link = self.get_object()
        require_editor(caller(request), link.generation.brand)
        actions.take_link_back(by=caller(request), link=link)
        return Response(status=HTTPStatus.NO_CONTENT)
