"""ComfyUI servers, for staff."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import KEY, NotYet
from api.once import once
from api.permissions import caller
from api.v1.base import StaffRows
from comfy import actions, pool
from comfy.models import FAMILIES, Server


class ServerOut(serializers.ModelSerializer[Server]):
    """A server and what was last seen there. Its token is never shown. Times are epoch milliseconds."""

    families = serializers.ListField(child=serializers.CharField())
    custom_nodes = serializers.ListField(child=serializers.CharField())
    has_token = serializers.SerializerMethodField()
    files = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))

    class Meta:
        model = Server
        fields = (
            "id",
            "name",
            "address",
            "has_token",
            "enabled",
            "allow_private",
            "slots",
            "weight",
            "families",
            "custom_nodes",
            "version",
            "vram",
            "files",
            "warm",
            "last_seen",
            "last_error",
            "open_until",
            "created_at",
        )

    def get_has_token(self, server: Server) -> bool:
        """Whether one is sent."""
        return actions.has_token(server.pk)


class ServerIn(serializers.ModelSerializer[Server]):
    """A server as staff write it. A token goes to no other address than it was given for."""

    address = serializers.CharField(max_length=300, help_text="The root of the server, for instance http://gpu-1:8188.")
    token = serializers.CharField(max_length=500, required=False, allow_blank=True, write_only=True)
    families = serializers.ListField(child=serializers.ChoiceField(choices=FAMILIES), required=False, max_length=len(FAMILIES))
    custom_nodes = serializers.ListField(child=serializers.CharField(max_length=120), required=False, max_length=500)

    class Meta:
        model = Server
        fields = ("name", "address", "token", "enabled", "allow_private", "slots", "weight", "families", "custom_nodes")

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        """The address is judged as before every use, and is no other server's; only a superuser lets it lead inside."""
        before = self.instance
        private = told.get("allow_private", before.allow_private if before else False)
        inside = bool(before and before.allow_private)
        if (private != inside or (inside and "address" in told)) and not caller(self.context["request"]).is_superuser:
            raise ValidationError({"allow_private": "Only a superuser may let an address lead into a private network."})
        if "address" in told or "allow_private" in told:
            try:
                told["address"] = actions.checked_address(told.get("address") or (before.address if before else ""), allow_private=private)
            except actions.AddressRefused as error:
                raise ValidationError({"address": str(error)}) from error
            others = Server.objects.exclude(pk=before.pk) if before else Server.objects.all()
            if others.filter(address=told["address"]).exists():
                raise ValidationError({"address": "There is a server with this address already."})
        moved = before is not None and told.get("address", before.address) != before.address
        if moved and before and "token" not in told and actions.has_token(before.pk):
            raise ValidationError({"token": 'The address changes. Give the token for it, or "" to forget the one that is there.'})
        return told


@extend_schema_view(
    list=extend_schema(operation_id="list_servers"),
    retrieve=extend_schema(operation_id="read_server"),
)
@extend_schema(tags=["servers"])
class Servers(StaffRows[Server]):
    """The pool of ComfyUI servers."""

    serializer_class = ServerOut
    queryset = Server.objects.none()
    slow = frozenset({"create", "partial_update", "probe"})

    def get_queryset(self) -> QuerySet[Server]:
        """All of them, without their tokens."""
        return Server.objects.defer("token")

    @extend_schema(operation_id="make_server", request=ServerIn, responses={201: ServerOut}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Add a server; it is looked at at once, and gets pictures when it answers."""
        server = Server.objects.create(**self.sent(ServerIn))
        pool.look(server)
        return Response(self._told(server), status=HTTPStatus.CREATED)

    @extend_schema(operation_id="change_server", request=ServerIn, responses=ServerOut)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change it; `enabled` false gives it no new pictures, and it ends those it has."""
        server = self.get_object()
        told = self.sent(ServerIn, instance=server, partial=True)
        for name, value in told.items():
            setattr(server, name, value)
        server.save(update_fields=list(told))
        pool.look(server)
        return Response(self._told(server))

    @extend_schema(operation_id="delete_server", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take a server away that gets no new pictures any more."""
        server = self.get_object()
        if server.enabled:
            raise NotYet("This server still gets pictures. Set `enabled` to false first, and wait until it has ended what it has.")
        server.delete()
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="probe_server", request=None, responses=ServerOut)
    @action(detail=True, methods=["post"])
    def probe(self, request: Request, pk: str) -> Response:
        """Look at it now: whether it answers, and what it has. `last_error` says what is wrong."""
        server = self.get_object()
        pool.look(server)
        return Response(self._told(server))

    def _told(self, server: Server) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=server.pk)).data
