"""People, for staff."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordRefused
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import sessions
from accounts.closing import ClosingRefused, close_account
from accounts.models import User
from api.base import KEY, NotYet, asked
from api.once import once
from api.paging import NewestPeople
from api.permissions import caller
from api.v1.base import StaffRows

TAKEN = "There is an account with this address already."


class UserOut(serializers.ModelSerializer[User]):
    """A person who may sign in."""

    brands = serializers.IntegerField(source="brand_number", help_text="In how many brands they are.")

    class Meta:
        model = User
        fields = ("id", "email", "name", "language", "time_zone", "is_active", "is_staff", "last_login", "date_joined", "brands")


class UserIn(serializers.Serializer[Any]):
    """A new person. Staff answer for the address; without a password it is set by `auth/password/forgot`."""

    email = serializers.EmailField()
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    password = serializers.CharField(max_length=128, required=False, write_only=True)

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        """The address is nobody's yet, and the password one that may be used."""
        if User.objects.filter(email__iexact=told["email"]).exists():
            raise ValidationError({"email": TAKEN})
        if "password" in told:
            try:
                validate_password(told["password"], User(email=told["email"], name=told.get("name", "")))
            except PasswordRefused as error:
                raise ValidationError({"password": error.messages}) from error
        return told


class UserChange(serializers.ModelSerializer[User]):
    """What is left out stays as it is."""

    class Meta:
        model = User
        fields = ("name", "language", "time_zone", "is_active", "is_staff")
        extra_kwargs = {name: {"required": False} for name in fields}


@extend_schema_view(
    list=extend_schema(
        operation_id="list_users", parameters=[OpenApiParameter("search", str, description="Part of an address or a name.")]
    ),
    retrieve=extend_schema(operation_id="read_user"),
)
@extend_schema(tags=["users"])
class Users(StaffRows[User]):
    """Everybody who may sign in. Only a superuser changes staff, and who is staff."""

    serializer_class = UserOut
    pagination_class = NewestPeople
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        """All of them, fewer by search."""
        found = User.objects.annotate(brand_number=Count("memberships"))
        if search := asked(self.request, "search"):
            found = found.filter(Q(email__icontains=search) | Q(name__icontains=search))
        return found

    @extend_schema(operation_id="make_user", request=UserIn, responses={201: UserOut}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Make an account, with a confirmed address."""
        told = self.sent(UserIn)
        user = User.objects.create_user(told["email"], told.get("password"), name=told.get("name", ""))
        return Response(self._told(user), status=HTTPStatus.CREATED)

    @extend_schema(operation_id="change_user", request=UserChange, responses=UserOut)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a person; `is_active` false lets them in no more and ends what is open."""
        user = self._theirs()
        told = self.sent(UserChange, instance=user, partial=True)
        if "is_staff" in told and told["is_staff"] != user.is_staff and not caller(request).is_superuser:
            raise PermissionDenied("Only a superuser says who is staff.")
        with transaction.atomic():
            ended = user.is_active and not told.get("is_active", True)
            for name, value in told.items():
                setattr(user, name, value)
            user.save(update_fields=list(told))
            if ended:
                sessions.end_everywhere(user)
        return Response(self._told(user))

    @extend_schema(operation_id="close_user", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Close a person's account, as they could themselves; after thirty days nothing tells of them."""
        try:
            close_account(self._theirs())
        except ClosingRefused as error:
            raise NotYet(str(error)) from error
        return Response(status=HTTPStatus.NO_CONTENT)

    def _theirs(self) -> User:
        user = self.get_object()
        if (user.is_staff or user.is_superuser) and not caller(self.request).is_superuser:
            raise PermissionDenied("Only a superuser changes the accounts of staff.")
        return user

    def _told(self, user: User) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=user.pk)).data
