"""The self-test of an installation, for staff."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.permissions import Creates, Everyone
from generations.selftest import selftest


class TriedOut(serializers.Serializer[Any]):
    """One thing that was tried. `detail` says what came of it, or what to do."""

    name = serializers.CharField()
    ok = serializers.BooleanField()
    detail = serializers.CharField()
    seconds = serializers.FloatField()


class SelfTestOut(serializers.Serializer[Any]):
    """Whether all of it works."""

    ok = serializers.BooleanField()
    checks = TriedOut(many=True)


class SelfTest(APIView):
    """Whether this installation can make ads now."""

    permission_classes = (IsAuthenticated, IsAdminUser)

    def get_throttles(self) -> list[Any]:
        """It works for some seconds each time."""
        return [Everyone(), Creates()]

    @extend_schema(operation_id="self_test", request=None, responses=SelfTestOut, tags=["test"])
    def post(self, request: Request) -> Response:
        """Staff: paint the smoke picture, write a line, keep and read a file, ring the queue. It takes some seconds."""
        return self._tried()

    @extend_schema(operation_id="read_self_test", responses=SelfTestOut, tags=["test"])
    def get(self, request: Request) -> Response:
        """The same: nothing stays of what is tried."""
        return self._tried()

    def _tried(self) -> Response:
        tried = selftest()
        return Response(SelfTestOut({"ok": all(each.ok for each in tried), "checks": tried}).data)
