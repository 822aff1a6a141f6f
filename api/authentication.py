"""Whose token it is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts.models import User

EPOCH = "epoch"  # a claim of ours
OVER = "This token is not good any more. Sign in again."


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
