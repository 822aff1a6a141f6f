"""Signing in and out: an access token for five minutes, and a chain of refresh tokens, each of which is good for one use within a day.

A sign-in is a row (`accounts.models.TokenChain`) that knows its only good refresh token. A used one that comes back shows that somebody
copied it: the whole chain ends, and its owner is told.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError as Invalid
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import outbox, second_step, sessions, tries
from accounts.devices import device_of
from accounts.forms import CodeForm
from accounts.models import Message, TokenChain, User
from accounts.receivers import came_from
from api.authentication import EPOCH, OVER, EpochAuthentication
from api.permissions import SignIns

# One sentence for an unknown address, a wrong password and a closed account: it tells a stranger nothing.
WRONG = "This e-mail address and password do not fit together."
CHAIN = "chain"  # a claim of ours
UNCONFIRMED = "Confirm your e-mail address first: follow the link that we sent you. POST auth/email/resend sends it again."


class TokensOut(serializers.Serializer[Any]):
    """A pair of tokens: `access` goes into the Authorization header, `refresh` gets the next pair, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class SignInIn(serializers.Serializer[Any]):
    """What a person signs in with."""

    email = serializers.CharField(max_length=254, write_only=True)
    password = serializers.CharField(max_length=128, write_only=True, trim_whitespace=False, style={"input_type": "password"})
    code = serializers.CharField(
        max_length=12, write_only=True, required=False, help_text="For who has a second step: six digits of the app, or a recovery code."
    )
    device = serializers.CharField(max_length=60, write_only=True, required=False, help_text="How the list of sessions names this app.")


class RefreshIn(serializers.Serializer[Any]):
    """The refresh token that is to be changed for a new pair, or ended."""

    refresh = serializers.CharField(max_length=2000, write_only=True)


def tokens_for(user: User, request: HttpRequest, *, device: str = "") -> dict[str, str]:
    """A new chain, and its first pair of tokens."""
    chain = TokenChain(user=user, last_used_at=timezone.now(), network=tries.network_of(request))
    chain.device = (device or device_of(request.META.get("HTTP_USER_AGENT", "")))[:200]
    refresh = _next(user, chain)
    chain.save(force_insert=True)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


class Door(APIView):
    """For people who are not in yet. What is refused here is a 401, though no token was looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignIns,)

    def get_authenticate_header(self, request: Request) -> str:
        """What a 401 must name."""
        return 'Bearer realm="api"'


class SignIn(Door):
    """Sign in with e-mail address and password."""

    @extend_schema(operation_id="sign_in", request=SignInIn, responses=TokensOut, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Give an access and a refresh token for an e-mail address and its password, and for a code where there is a second step."""
        sent = SignInIn(data=request.data)
        sent.is_valid(raise_exception=True)
        typed = sent.validated_data
        user = _signed_in(request._request, typed["email"], typed["password"])
        _second_step(user, typed.get("code", ""))
        pair = tokens_for(user, request._request, device=typed.get("device", ""))
        came_from(user, tries.network_of(request._request), request.META.get("HTTP_USER_AGENT", ""))
        return Response(TokensOut(pair).data)


class Refresh(Door):
    """Change a refresh token for a new pair; the old one is used up."""

    @extend_schema(operation_id="refresh", request=RefreshIn, responses=TokensOut, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Give a new pair of tokens for a refresh token, which is then used up."""
        token, chain = _read(request)
        user = EpochAuthentication().get_user(token)
        if second_step.is_needed(user) and not second_step.has_one(user):
            raise PermissionDenied(second_step.SENTENCE)  # became staff since
        used = str(token["jti"])
        refresh = _next(user, chain)
        # Two who bring the same token at once: one gets the next pair, the other is somebody who copied it.
        won = TokenChain.objects.filter(pk=chain.pk, newest=_mark(used), ended_at=None).update(
            newest=chain.newest, last_used_at=timezone.now(), network=tries.network_of(request._request)
        )
        if not won:
            _came_back(chain)
            raise InvalidToken(OVER)
        return Response(TokensOut({"access": str(refresh.access_token), "refresh": str(refresh)}).data)


class SignOut(Door):
    """End a refresh token."""

    @extend_schema(operation_id="sign_out", request=RefreshIn, responses={204: None}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Make a sign-in's tokens useless; its access token runs out by itself within minutes."""
        _, chain = _read(request)
        sessions.end_chain(chain)
        return Response(status=HTTPStatus.NO_CONTENT)


def _signed_in(request: HttpRequest, email: str, password: str) -> User:
    user = authenticate(request, email=email, password=password)
    if too_many := getattr(request, "too_many", None):
        raise Throttled(wait=too_many.seconds, detail=str(too_many))
    if not isinstance(user, User):
        raise AuthenticationFailed(WRONG)
    if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        raise PermissionDenied(UNCONFIRMED)
    return user


def _second_step(user: User, code: str) -> None:
    """Raises ValidationError for `code` when it is missing or wrong, PermissionDenied for staff who have no second step yet and need one."""
    if not second_step.has_one(user):
        if second_step.is_needed(user):
            raise PermissionDenied(second_step.SENTENCE)
        return
    if not code:
        raise ValidationError({"code": "This account has a second step. Send its code, too."})
    form = CodeForm(user=user, data={"code": code})
    if not form.is_valid():
        errors = form.errors.as_data()["code"]
        if any(error.code == "too_many" for error in errors):
            raise Throttled(detail=_sentence(errors))
        raise ValidationError({"code": _sentence(errors)})
    form.authenticator.record_usage()


def _sentence(errors: list[Invalid]) -> str:
    return " ".join(message for error in errors for message in error.messages)


def _next(user: User, chain: TokenChain) -> RefreshToken:
    """The next refresh token of a chain, which the chain then knows as its newest; to be saved by the caller."""
    refresh: RefreshToken = RefreshToken.for_user(user)
    refresh[EPOCH], refresh[CHAIN] = user.sign_in_epoch, str(chain.pk)
    chain.newest = _mark(str(refresh["jti"]))
    return refresh


def _read(request: Request) -> tuple[RefreshToken, TokenChain]:
    """A refresh token that is signed by us and not too old, and its chain, which goes on. Raises InvalidToken."""
    sent = RefreshIn(data=request.data)
    sent.is_valid(raise_exception=True)
    try:
        token = RefreshToken(sent.validated_data["refresh"])
        chain = TokenChain.objects.select_related("user").filter(pk=UUID(str(token[CHAIN])), user=UUID(str(token["user_id"]))).first()
    except (TokenError, KeyError, ValueError) as error:
        raise InvalidToken(OVER) from error
    if chain is None or chain.ended_at:
        raise InvalidToken(OVER)
    if chain.newest != _mark(str(token["jti"])):
        _came_back(chain)
        raise InvalidToken(OVER)
    return token, chain


def _came_back(chain: TokenChain) -> None:
    with transaction.atomic():
        if sessions.end_chain(chain, "used token"):
            user, link = chain.user, outbox.address("sessions")
            outbox.write(Message.Kind.TOKEN_REUSED, to=user.email, user=user, device=chain.device or "an app", link=link)


def _mark(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
