"""Whose token it is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts import keys
from accounts.models import ApiKey, User

EPOCH = "epoch"  # a claim of ours
OVER = "This token is not good any more. Sign in again."


class KeyAuthentication(BaseAuthentication):
    """A key for machines as a bearer token. It opens what makes ads, in its own brand, and nothing about people, brands or keys."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """In whose name the key works. Raises AuthenticationFailed for one that opens nothing, PermissionDenied where keys do not open."""
        kind, _, told = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not told.strip().startswith(keys.MARK):
            return None
        key = keys.opened_by(told.strip())
        if key is None:
            raise AuthenticationFailed("This key opens nothing. It ran out, was taken back, or is not whole.")
        if not getattr(request.parser_context["view"], "opened_by_keys", False):
            raise PermissionDenied("A key does not open this. Sign in.")
        if key.read_only and request.method not in SAFE_METHODS:
            raise PermissionDenied("This key may only read.")
        return key.created_by, key

    def authenticate_header(self, request: Request) -> str:
        """What to bring."""
        return 'Bearer realm="api"'


class EpochAuthentication(JWTAuthentication):
    """simplejwt's check of an access token, which ends with its owner's password, and with "sign out everywhere"."""

    def get_user(self, validated_token: Token) -> Any:
        """Whose token it is. Raises AuthenticationFailed."""
        user = super().get_user(validated_token)
        if not isinstance(user, User) or validated_token.get(EPOCH, 0) != user.sign_in_epoch:
            raise AuthenticationFailed(OVER)
        return user


class Description(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # drf-spectacular's own class hook
    """How the API's description names it."""

    target_class = "api.authentication.EpochAuthentication"
    name = "jwtAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI has it."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class KeyDescription(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # drf-spectacular's own class hook
    """The same for keys."""

    target_class = "api.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI has it."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "A key of api-keys"}
