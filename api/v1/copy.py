"""Copy ideas: wordings for a brief along named angles, before anything is ordered."""

from __future__ import annotations

import math
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.base import JsonBody
from api.brands import own_brand
from api.errors import problem
from api.permissions import Creates, Everyone, caller, require_editor
from api.v1.generations import BriefField
from generations.voice import in_the_voice_of
from prompting import moderation
from prompting.brief import LIMITS
from prompting.writer import ANGLES, COPY_LIMITS, WriterError, WriterUnavailable
from prompting.writers import writer


class CopyLimitsIn(serializers.Serializer[Any]):
    """At most so many characters of each text."""

    headline = serializers.IntegerField(min_value=5, max_value=LIMITS["headline"], required=False)
    subline = serializers.IntegerField(min_value=5, max_value=LIMITS["subline"], required=False)
    cta = serializers.IntegerField(min_value=5, max_value=LIMITS["cta"], required=False)
    badge = serializers.IntegerField(min_value=3, max_value=LIMITS["badge"], required=False)


class CopyIn(serializers.Serializer[Any]):
    """A brief, for a brand (its id or slug; the caller's first when left out). All angles and usual limits when they are left out."""

    brief = BriefField()
    brand = serializers.CharField(required=False, max_length=80)
    angles = serializers.ListField(child=serializers.ChoiceField(choices=ANGLES), required=False, default=list, max_length=len(ANGLES))
    limits = CopyLimitsIn(required=False, default=dict)


class SuggestionOut(serializers.Serializer[Any]):
    """One wording. Empty texts had nothing true to say."""

    angle = serializers.CharField(help_text="One of those that were asked for.")
    headline = serializers.CharField()
    subline = serializers.CharField(allow_blank=True)
    cta = serializers.CharField(allow_blank=True)
    badge = serializers.CharField(allow_blank=True)


class WordsOut(serializers.Serializer[Any]):
    """Who wrote; `fallback`: the offline writer stepped in for the model; `note`: what this is not, in a sentence."""

    writer = serializers.CharField()
    fallback = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)


class SuggestionsOut(WordsOut):
    """Wordings in the brief's language."""

    language = serializers.CharField()
    suggestions = SuggestionOut(many=True)


class SuggestCopy(APIView):
    """Copy ideas for a brief."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (JsonBody,)
    throttle_classes = (Everyone, Creates)

    @extend_schema(operation_id="suggest_copy", request=CopyIn, responses=SuggestionsOut, tags=["copy"])
    def post(self, request: Request) -> Response:
        """Headlines, sub-lines, calls to action and badges along the named angles. Nothing is ordered, no credit is used."""
        user = caller(request)
        sent = CopyIn(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        brand = own_brand(user, given.get("brand"))
        require_editor(user, brand)
        brief = in_the_voice_of(brand, given["brief"])
        verdict = moderation.check(brief)
        if not verdict.ok:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, verdict.reason, errors={"brief": [verdict.reason]})
        try:
            made = writer().copy(brief, angles=given["angles"], limits={**COPY_LIMITS, **given["limits"]}, language=brief.language)
        except WriterError as error:
            return not_written(error, field="brief")
        words = {"writer": made.who, "fallback": made.fallback, "note": made.note, "language": brief.language}
        return Response({**words, "suggestions": [asdict(each) for each in made.value]})


def not_written(error: WriterError, *, field: str) -> Response:
    """The problem of a writer that did not write."""
    sentence = str(error)
    if isinstance(error, WriterUnavailable):
        wait = str(math.ceil(error.retry_after or 30))
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, sentence, headers={"Retry-After": wait})
    if error.permanent:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors={field: [sentence]})
    return problem(HTTPStatus.BAD_GATEWAY, sentence)
