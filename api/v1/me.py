"""The person who calls."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import closing, ledger, sessions
from accounts.forms import ReauthenticateForm
from accounts.models import Brand, Transfer, User
from accounts.queries import brands_of, transfers_of
from api.base import UUID_PATTERN, AnyAccept, NotYet, asked
from api.permissions import Creates, caller
from api.v1.auth import Password, read, valid
from generations import export
from prompting.languages import LANGUAGES

NEWEST = 50  # transfers in a statement


class BrandLine(serializers.Serializer[Any]):
    """A brand in a line."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()


class MeOut(serializers.ModelSerializer[User]):
    """The caller, with their brands."""

    brands = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "name", "language", "time_zone", "is_staff", "brands")

    @extend_schema_field(BrandLine(many=True))
    def get_brands(self, user: User) -> Any:
        """The brands this person shares."""
        return BrandLine(brands_of(user), many=True).data


class MeIn(serializers.ModelSerializer[User]):
    """What a person may change about themselves here; the address and the password have endpoints of their own."""

    class Meta:
        model = User
        fields = ("name", "language", "time_zone")
        extra_kwargs = {"language": {"max_length": 10}}

    def validate_language(self, tag: str) -> str:
        """A language that ads can be written in."""
        if tag not in LANGUAGES:
            raise serializers.ValidationError(f"Choose one of {', '.join(LANGUAGES)}.")
        return tag

    def validate_time_zone(self, zone: str) -> str:
        """A name such as Europe/Madrid."""
        if zone not in available_timezones():
            raise serializers.ValidationError("Give a time zone by its name, such as Europe/Madrid.")
        return zone


class SessionOut(serializers.Serializer[Any]):
    """One place where the caller is signed in."""

    id = serializers.CharField()
    name = serializers.CharField()
    network = serializers.CharField()
    since = serializers.DateTimeField()
    is_app = serializers.BooleanField()


class SessionsOut(serializers.Serializer[Any]):
    """Where the caller is signed in."""

    results = SessionOut(many=True)


class MeSessions(APIView):
    """The browsers and apps that are signed in."""

    @extend_schema(operation_id="list_my_sessions", responses=SessionsOut, tags=["me"])
    def get(self, request: Request) -> Response:
        """Where the caller is signed in, the newest first."""
        return Response(SessionsOut({"results": sessions.devices_of(caller(request))}).data)

    @extend_schema(operation_id="end_my_sessions", responses={204: None}, tags=["me"])
    def delete(self, request: Request) -> Response:
        """Sign out everywhere, this app too, at once."""
        sessions.end_everywhere(caller(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class MeSession(APIView):
    """One of them."""

    @extend_schema(operation_id="end_my_session", responses={204: None}, tags=["me"])
    def delete(self, request: Request, device: str) -> Response:
        """Sign it out."""
        if not sessions.end(caller(request), device):
            raise NotFound("There is no such session.")
        return Response(status=HTTPStatus.NO_CONTENT)


class CloseIn(serializers.Serializer[Any]):
    """The password of now: whoever finds an open phone closes nobody's account."""

    password = Password()


class Me(APIView):
    """The person whose token this is."""

    @extend_schema(operation_id="close_me", request=CloseIn, responses={204: None}, tags=["me"])
    def delete(self, request: Request) -> Response:
        """Close the account: every session and token ends at once, and after 30 days nothing is left that tells of the caller.

        Brands that nobody else shares are deleted and their open orders stop; others are left, or must be handed over first (409).
        """
        person, typed = caller(request), read(request, CloseIn)
        valid(ReauthenticateForm(user=person, data={"password": typed["password"]}))
        try:
            closing.close_account(person)
        except closing.ClosingRefused as refused:
            raise NotYet(str(refused)) from refused
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="change_me", request=MeIn, responses=MeOut, tags=["me"])
    def patch(self, request: Request) -> Response:
        """Change name, language or time zone."""
        changed = MeIn(caller(request), data=request.data, partial=True)
        changed.is_valid(raise_exception=True)
        changed.save()
        return Response(MeOut(changed.instance).data)

    @extend_schema(operation_id="me", responses=MeOut, tags=["me"])
    def get(self, request: Request) -> Response:
        """Who is calling, and the brands they share."""
        return Response(MeOut(caller(request)).data)


class CreditsLine(serializers.Serializer[Any]):
    """What a brand may spend, and what its open orders hold."""

    brand = serializers.UUIDField()
    name = serializers.CharField()
    available = serializers.IntegerField()
    held = serializers.IntegerField()


class TransferOut(serializers.ModelSerializer[Transfer]):
    """One thing that happened to a brand's credits. `picture` is what was paid for."""

    picture = serializers.UUIDField(source="object_id", allow_null=True)

    class Meta:
        model = Transfer
        fields = ("id", "kind", "credits", "picture", "reason", "created_at")


class CreditsOut(serializers.Serializer[Any]):
    """The credits of the caller's brands; with `brand` also its newest transfers, the newest first."""

    results = CreditsLine(many=True)
    transfers = TransferOut(many=True, required=False, help_text="Only when one brand is asked for.")


class MeExport(APIView):
    """All that AdsGem has of the caller."""

    renderer_classes = (JSONRenderer, AnyAccept)
    throttle_classes = (Creates,)

    @extend_schema(operation_id="export_me", responses={(200, "application/zip"): OpenApiTypes.BINARY}, tags=["me"])
    def get(self, request: Request) -> FileResponse:
        """The caller's account and every brand that they own, with all files, as one ZIP."""
        person = caller(request)
        name = export.export_name(person)
        response = FileResponse(export.export_of(person), content_type="application/zip", as_attachment=True, filename=name)
        response["Cache-Control"] = "private, no-store"
        return response


class MeCredits(APIView):
    """The credits of the caller's brands."""

    opened_by_keys = True

    @extend_schema(
        operation_id="my_credits",
        responses=CreditsOut,
        tags=["me"],
        parameters=[OpenApiParameter("brand", UUID, description=f"Only this brand, with its newest {NEWEST} transfers.")],
    )
    def get(self, request: Request) -> Response:
        """What may still be spent, and what open orders hold."""
        person, name = caller(request), asked(request, "brand")
        brands = list(brands_of(person))
        told: dict[str, Any] = {}
        if name:
            brands = [_chosen(brands, name)]
            told["transfers"] = transfers_of(person, brands[0].pk)[:NEWEST]
        balances = ledger.balances(brand.pk for brand in brands)
        told["results"] = [{"brand": brand.pk, "name": brand.name, **balances[brand.pk]._asdict()} for brand in brands]
        return Response(CreditsOut(told).data)


def _chosen(brands: list[Brand], name: str) -> Brand:
    """The one that is asked for. Raises NotFound for somebody else's and for no brand at all alike."""
    chosen = UUID(name) if re.fullmatch(UUID_PATTERN, name) else None
    for brand in brands:
        if brand.pk == chosen:
            return brand
    raise NotFound("You have no such brand.")
