"""Is this file ours, and was it made with AI? Open to everybody; what is sent is looked at and not kept."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from api.base import UploadBody
from api.errors import problem
from api.permissions import Everyone, Strangers
from generations import checking


class Checks(UserRateThrottle):
    """Ten files a minute for a person, or for an address that did not sign in."""

    scope = "checks"
    rate = "10/min"


class FileCheckIn(serializers.Serializer[Any]):
    """A picture as JPEG, PNG or WebP of at most 15 MB."""

    file = serializers.FileField(allow_empty_file=True)


class EvidenceOut(serializers.Serializer[Any]):
    """One thing that was looked for. `foreign`: it is there, but is not ours."""

    mark = serializers.ChoiceField(choices=("registry", "credentials", "watermark", "metadata", "looks"))
    found = serializers.ChoiceField(choices=("yes", "broken", "foreign", "no"))
    detail = serializers.CharField()


class FileCheckOut(serializers.Serializer[Any]):
    """How sure it is that AdsGem made the file, whether it was made with AI as far as anything says, and why."""

    ours = serializers.ChoiceField(choices=("certain", "high", "medium", "low", "none"), source="confidence")
    title = serializers.CharField(help_text="The answer as a sentence.")
    ai = serializers.ChoiceField(choices=("yes", "partly", "no", "unknown"))
    ai_detail = serializers.CharField()
    source_type = serializers.CharField(help_text="IPTC digital source type; empty when nothing says it.")
    made_at = serializers.DateTimeField(allow_null=True)
    edited = serializers.BooleanField(allow_null=True, help_text="Whether it was changed since; null when that cannot be told.")
    evidence = EvidenceOut(many=True)


class Check(APIView):
    """A check of one file."""

    opened_by_keys = True
    permission_classes = (AllowAny,)
    parser_classes = (UploadBody,)
    throttle_classes = (Everyone, Strangers, Checks)

    @extend_schema(operation_id="check_file", request={"multipart/form-data": FileCheckIn}, responses=FileCheckOut, tags=["check"])
    def post(self, request: Request) -> Response:
        """Read credentials, XMP, invisible mark and our record. Nothing that is sent is kept."""
        sent = FileCheckIn(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            answer = checking.check(sent.validated_data["file"].read())
        except checking.PhotoRefused as refusal:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "This file cannot be checked.", errors={"file": [str(refusal)]})
        except checking.TooMany as busy:
            raise Throttled(detail=str(busy)) from busy
        return Response(FileCheckOut(answer).data)
