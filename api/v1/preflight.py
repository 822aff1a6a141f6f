"""What networks would say of an ad, before it is ordered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.base import JsonBody
from api.brands import own_brand
from api.permissions import Everyone, caller
from api.v1.orders import BriefField, OrderPlaces
from generations import queries
from generations.models import Copy

RESULTS = ("pass", "warn", "fail")


class PreflightIn(OrderPlaces):
    """An order's brief, placements and photos. `captions`: the texts beside the ads, by placement and field."""

    brief = BriefField()
    brand = serializers.CharField(required=False, max_length=80, help_text="The brand's id or slug. Left out: the caller's first.")
    captions = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(max_length=5000, allow_blank=True)), required=False, default=dict
    )


class FitOut(serializers.Serializer[Any]):
    """A text that a writer may say shorter: `POST copy/fit` does."""

    field = serializers.CharField()
    limit = serializers.IntegerField()


class FixOut(serializers.Serializer[Any]):
    """One change that mends a finding; what is not part of it is left out."""

    label = serializers.CharField()  # type: ignore[assignment] # the name that clients see; the field has one of its own
    words = serializers.DictField(child=serializers.CharField(), required=False, help_text="New words by field.")
    fit = FitOut(required=False)
    leave_out = serializers.CharField(required=False, help_text="A placement to leave out.")
    take = serializers.CharField(required=False, help_text="A placement to take in its place.")
    logo = serializers.BooleanField(required=False, help_text="Add a logo to the brand.")


class FindingOut(serializers.Serializer[Any]):
    """One rule: what it says of this ad, who says so, and when that was read (a date, a month or a year)."""

    rule = serializers.CharField()
    result = serializers.ChoiceField(choices=RESULTS)
    detail = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment] # as above
    read = serializers.CharField(allow_blank=True)
    fix = FixOut(allow_null=True)


class PlacementPreflightOut(serializers.Serializer[Any]):
    """One placement; `result` is the worst of its findings."""

    id = serializers.CharField()
    title = serializers.CharField()
    result = serializers.ChoiceField(choices=RESULTS)
    findings = FindingOut(many=True)


class PreflightOut(serializers.Serializer[Any]):
    """All placements; `result` is the worst of them."""

    result = serializers.ChoiceField(choices=RESULTS)
    placements = PlacementPreflightOut(many=True)


class Preflight(APIView):
    """Rules of networks, held against an ad."""

    opened_by_keys = True
    permission_classes = (IsAuthenticated,)
    parser_classes = (JsonBody,)
    throttle_classes = (Everyone,)

    @extend_schema(operation_id="preflight", request=PreflightIn, responses=PreflightOut, tags=["preflight"])
    def post(self, request: Request) -> Response:
        """Every rule of every placement: pass, warn or fail, with its source and, where there is one, a fix. Nothing is ordered or written."""
        sent = PreflightIn(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        told = queries.preflight(
            brand=own_brand(caller(request), given.get("brand")),
            placements=[placement.current for placement in given["placements"]],
            words={name: getattr(given["brief"], name) for name in Copy.WORDS},
            photo=next(iter(given["photos"]), None),
            captions=given["captions"],
        )
        placements = [
            {
                "id": each.placement.slug,
                "title": each.placement.title,
                "result": each.result,
                "findings": [finding_data(finding) for finding in each.findings],
            }
            for each in told
        ]
        worst = max((each["result"] for each in placements), key=lambda result: RESULTS.index(str(result)))
        return Response({"result": worst, "placements": placements})


def finding_data(finding: Any) -> dict[str, Any]:
    """For FindingOut."""
    told = {name: getattr(finding, name) for name in ("rule", "result", "detail", "source", "read")}
    return {**told, "fix": finding.fix.as_data() if finding.fix else None}
