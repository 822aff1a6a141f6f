"""Signing in and out: an access token for five minutes, a refresh token for a day."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenRefreshSerializer,
)
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import (
    TokenBlacklistView,
    TokenRefreshView,
    TokenViewBase,
)

from accounts.models import User
from api.permissions import SignIns

# One sentence for an unknown address, a wrong password and a closed account: it tells a stranger nothing.
WRONG = "This e-mail address and password do not fit together."


class SignInIn(serializers.Serializer[Any]):
    """What a person signs in with."""

    email = serializers.CharField(max_length=254, write_only=True)
    password = serializers.CharField(max_length=128, write_only=True, trim_whitespace=False, style={"input_type": "password"})

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """A pair of tokens. Raises AuthenticationFailed, or Throttled after too many wrong passwords."""
        request = self.context["request"]._request
        user = authenticate(request, email=attrs["email"], password=attrs["password"])
        if too_many := getattr(request, "too_many", None):
            raise Throttled(wait=too_many.seconds, detail=str(too_many))
        if not isinstance(user, User):
            raise AuthenticationFailed(WRONG)
        refresh = RefreshToken.for_user(user)
        return {"access": str(refresh.access_token), "refresh": str(refresh)}


class TokensOut(serializers.Serializer[Any]):
    """A pair of tokens: `access` goes into the Authorization header, `refresh` gets the next pair, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshIn(TokenRefreshSerializer):
    """The refresh token that is to be changed for a new pair."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A new pair. Raises AuthenticationFailed when the person is gone, closed, or has another password by now."""
        JWTAuthentication().get_user(self.token_class(attrs["refresh"]))
        answer: dict[str, Any] = super().validate(attrs)
        return answer


class SignIn(TokenViewBase):
    """Sign in with e-mail address and password."""

    serializer_class = SignInIn
    throttle_classes = (SignIns,)

    @extend_schema(operation_id="sign_in", request=SignInIn, responses=TokensOut, auth=[], tags=["auth"])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give an access and a refresh token for an e-mail address and its password."""
        response: Response = super().post(request, *args, **kwargs)
        return response


class Refresh(TokenRefreshView):
    """Change a refresh token for a new pair; the old one is used up."""

    serializer_class = RefreshIn
    throttle_classes = (SignIns,)

    @extend_schema(operation_id="refresh", request=RefreshIn, responses=TokensOut, auth=[], tags=["auth"])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give a new pair of tokens for a refresh token, which is then used up."""
        response: Response = super().post(request, *args, **kwargs)
        return response


class SignOut(TokenBlacklistView):
    """End a refresh token."""

    serializer_class = TokenBlacklistSerializer

    @extend_schema(operation_id="sign_out", request=TokenBlacklistSerializer, responses={204: None}, auth=[], tags=["auth"])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a refresh token useless; its access token runs out by itself within minutes."""
        super().post(request, *args, **kwargs)
        return Response(status=HTTPStatus.NO_CONTENT)
