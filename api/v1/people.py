"""The people of a brand: members and their roles, invitations, leaving, handing over."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import brands
from accounts.models import Brand, Invitation, Membership
from api.base import KEY, UUID_PATTERN
from api.once import once
from api.permissions import caller


class MemberOut(serializers.ModelSerializer[Membership]):
    """One person of a brand."""

    name = serializers.CharField(source="user.name")
    email = serializers.CharField(source="user.email")

    class Meta:
        model = Membership
        fields = ("id", "name", "email", "role", "joined_at")


class MembersOut(serializers.Serializer[Any]):
    """The people of a brand, owners first."""

    results = MemberOut(many=True)


class RoleIn(serializers.Serializer[Any]):
    """What somebody may do: owners everything, editors make and change ads, reviewers look."""

    role = serializers.ChoiceField(choices=Membership.Role.choices)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    """An invitation that was not accepted yet. Its link goes to its address only."""

    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "created_at", "expires_at")


class InvitationsOut(serializers.Serializer[Any]):
    """The open invitations of a brand."""

    results = InvitationOut(many=True)


class InvitationIn(RoleIn):
    """Whom to invite, and as what."""

    email = serializers.CharField(max_length=254)


class AcceptIn(serializers.Serializer[Any]):
    """The last part of an invitation's link."""

    key = serializers.CharField(max_length=400)


class AcceptedOut(serializers.Serializer[Any]):
    """The brand that the caller shares now."""

    brand = serializers.UUIDField(source="brand_id")
    role = serializers.CharField()


class People:
    """What `/brands/<id>/` says and does about people. Reads start from the caller's brands."""

    def _brand(self) -> Brand:
        brand: Brand = self.get_object()  # type: ignore[attr-defined] # of the view that this is part of
        return brand

    @extend_schema(operation_id="list_members", responses=MembersOut)
    @action(detail=True, methods=["get"])
    def members(self, request: Request, pk: str) -> Response:
        """Who shares the brand."""
        return Response(MembersOut({"results": brands.members_of(self._brand())}).data)

    @extend_schema(operation_id="change_member", methods=["PATCH"], request=RoleIn, responses=MemberOut)
    @extend_schema(operation_id="remove_member", methods=["DELETE"], responses={204: None})
    @action(detail=True, methods=["patch", "delete"], url_path=r"members/(?P<member>[0-9]{1,18})")
    def member(self, request: Request, pk: str, member: str) -> Response:
        """Give somebody another role, or take them out. Who takes out themselves leaves the brand."""
        found = get_object_or_404(brands.members_of(self._brand()), pk=int(member))
        if request.method == "DELETE":
            brands.remove(by=caller(request), member=found)
            return Response(status=HTTPStatus.NO_CONTENT)
        sent = RoleIn(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(MemberOut(brands.change_role(by=caller(request), member=found, **sent.validated_data)).data)

    @extend_schema(operation_id="hand_over_brand", request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path=r"members/(?P<member>[0-9]{1,18})/hand-over")
    def hand_over(self, request: Request, pk: str, member: str) -> Response:
        """Make somebody else the owner; the caller becomes an editor."""
        brands.hand_over(by=caller(request), member=get_object_or_404(brands.members_of(self._brand()), pk=int(member)))
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="list_invitations", methods=["GET"], responses=InvitationsOut)
    @extend_schema(operation_id="invite", methods=["POST"], request=InvitationIn, responses={201: InvitationOut}, parameters=[KEY])
    @action(detail=True, methods=["get", "post"])
    @once
    def invitations(self, request: Request, pk: str) -> Response:
        """The open invitations, for owners; or a new one, sent by e-mail."""
        brand = self._brand()
        if request.method == "GET":
            brands.require_owner(caller(request), brand)
            return Response(InvitationsOut({"results": brands.open_invitations(brand)}).data)
        sent = InvitationIn(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(InvitationOut(brands.invite(by=caller(request), brand=brand, **sent.validated_data)).data, HTTPStatus.CREATED)

    @extend_schema(operation_id="take_invitation_back", responses={204: None})
    @action(detail=True, methods=["delete"], url_path=rf"invitations/(?P<invitation>{UUID_PATTERN})")
    def invitation(self, request: Request, pk: str, invitation: str) -> Response:
        """Take an invitation back."""
        found = get_object_or_404(brands.open_invitations(self._brand()).select_related("brand"), pk=invitation)
        brands.take_back(by=caller(request), invitation=found)
        return Response(status=HTTPStatus.NO_CONTENT)


class AcceptInvitation(APIView):
    """Take the place that somebody offered."""

    @extend_schema(operation_id="accept_invitation", request=AcceptIn, responses=AcceptedOut, tags=["brands"])
    def post(self, request: Request) -> Response:
        """Accept an invitation with the caller's account."""
        sent = AcceptIn(data=request.data)
        sent.is_valid(raise_exception=True)
        found = brands.invitation_of(sent.validated_data["key"].strip("/"))
        if found is None:
            raise brands.BrandRefused("key", "This invitation was used already, taken back, or ran out. Ask for a new one.")
        return Response(AcceptedOut(brands.accept(by=caller(request), invitation=found)).data)
