"""Accounts by API: registering, confirming an address, a new password. The same forms and flows as in the pages, and the same count.

What a stranger may ask is answered alike for known and unknown addresses: 202, and an e-mail to the address.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import UserTokenForm
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.signals import password_reset
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import sessions, tries
from accounts.forms import AskResetForm, ChangeEmailForm, ChangePasswordForm, ReauthenticateForm, RegisterForm, ResetForm
from accounts.models import User
from accounts.passwords import MOST
from api.permissions import SignIns, caller
from api.v1.tokens import Door, TokensOut, tokens_for

SENT = "We sent an e-mail to this address. Follow its link."
NAMES = {"password1": "password", "oldpassword": "current_password", "__all__": "body", "uidb36": "key"}


class Password(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        # One more than a password may have, so that the sentence about it is ours; far more would only be read in vain.
        super().__init__(max_length=MOST * 8, write_only=True, trim_whitespace=False, style={"input_type": "password"}, **kwargs)


class RegisterIn(serializers.Serializer[Any]):
    """Who somebody is."""

    name = serializers.CharField(max_length=120)
    email = serializers.CharField(max_length=254)
    password = Password(help_text=f"12 to {MOST} characters; not a common one.")


class AddressIn(serializers.Serializer[Any]):
    """Where an e-mail shall go."""

    email = serializers.CharField(max_length=254)


class KeyIn(serializers.Serializer[Any]):
    """The last part of the link in an e-mail."""

    key = serializers.CharField(max_length=400)


class NewPasswordIn(KeyIn):
    """The last part of the link, and the new password."""

    password = Password()


class ChangePasswordIn(serializers.Serializer[Any]):
    """The password of now, and a new one."""

    current_password = Password()
    password = Password()


class ChangeEmailIn(serializers.Serializer[Any]):
    """The new address, and the password of now."""

    email = serializers.CharField(max_length=254)
    password = Password()


class SentOut(serializers.Serializer[Any]):
    """What happens next, in a sentence."""

    detail = serializers.CharField()


class Register(Door):
    """A new account."""

    @extend_schema(operation_id="register", request=RegisterIn, responses={202: SentOut}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Make an account; its owner confirms the address by a link, then signs in. A known address gets the same answer."""
        typed = read(request, RegisterIn)
        _count_mail(request._request)
        form = RegisterForm({"name": typed["name"], "email": typed["email"], "password1": typed["password"]})
        valid(form)
        with transaction.atomic():
            if form.account_already_exists:
                make_password(typed["password"])  # takes as long as making the account would
                get_adapter().send_account_already_exists_mail(form.cleaned_data["email"])
            else:
                user = form.save(request._request)
                EmailAddress.objects.get(user=user, email=user.email).send_confirmation(request._request, signup=True)
        return Response(SentOut({"detail": SENT}).data, HTTPStatus.ACCEPTED)


class VerifyEmail(Door):
    """The link of an e-mail that asks whether an address is somebody's."""

    @extend_schema(operation_id="verify_email", request=KeyIn, responses={204: None}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Confirm an address, new or changed."""
        confirmation = EmailConfirmationHMAC.from_key(read(request, KeyIn)["key"])
        if confirmation is None or not confirmation.confirm(request._request):
            raise ValidationError({"key": "This link was used before, or is too old. Ask for a new one."})
        return Response(status=HTTPStatus.NO_CONTENT)


class ResendEmail(Door):
    """The e-mail once more."""

    @extend_schema(operation_id="resend_email", request=AddressIn, responses={202: SentOut}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Send the link that confirms an address again, where one waits for it. The answer is the same for every address."""
        email = read(request, AddressIn)["email"].strip().lower()
        _count_mail(request._request)
        address = EmailAddress.objects.filter(email=email, verified=False, user__is_active=True).select_related("user").first()
        if address:
            address.send_confirmation(request._request)
        return Response(SentOut({"detail": SENT}).data, HTTPStatus.ACCEPTED)


class AskReset(Door):
    """A link for a new password."""

    @extend_schema(operation_id="ask_password_reset", request=AddressIn, responses={202: SentOut}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Send a link for a new password. The answer is the same for every address."""
        typed = read(request, AddressIn)
        _count_mail(request._request)
        form = AskResetForm({"email": typed["email"]})
        valid(form)
        form.save(request._request)
        return Response(SentOut({"detail": SENT}).data, HTTPStatus.ACCEPTED)


class Reset(Door):
    """A new password by the link."""

    @extend_schema(operation_id="reset_password", request=NewPasswordIn, responses={204: None}, auth=[], tags=["auth"])
    def post(self, request: Request) -> Response:
        """Set a new password. The link works once, for an hour; every session and token ends."""
        typed = read(request, NewPasswordIn)
        uid, _, key = typed["key"].strip("/").partition("-")
        link = UserTokenForm({"uidb36": uid, "key": key})
        if not link.is_valid():
            raise ValidationError({"key": "This link was used before, or is too old. Ask for a new one."})
        user = link.reset_user
        form = ResetForm({"password1": typed["password"]}, user=user, temp_key=key)
        valid(form)
        with transaction.atomic():
            form.save()
            password_reset.send(sender=User, request=request._request, user=user)
            get_adapter().send_notification_mail("account/email/password_reset", user)
        return Response(status=HTTPStatus.NO_CONTENT)


class ChangePassword(APIView):
    """Another password."""

    throttle_classes = (SignIns,)

    @extend_schema(operation_id="change_password", request=ChangePasswordIn, responses=TokensOut, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Change the password. Every session and token ends; the answer is a new pair for this app."""
        typed, user = read(request, ChangePasswordIn), caller(request)
        form = ChangePasswordForm(user=user, data={"oldpassword": typed["current_password"], "password1": typed["password"]})
        valid(form)
        with transaction.atomic():
            form.save()
            sessions.end_everywhere(user)
            get_adapter().send_notification_mail("account/email/password_changed", user)
        return Response(TokensOut(tokens_for(user, request._request)).data)


class ChangeEmail(APIView):
    """Another address."""

    throttle_classes = (SignIns,)

    @extend_schema(operation_id="change_email", request=ChangeEmailIn, responses={202: SentOut}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Send a link to the new address. The old one holds until it is followed."""
        typed, user = read(request, ChangeEmailIn), caller(request)
        _count_mail(request._request)
        valid(ReauthenticateForm(user=user, data={"password": typed["password"]}))
        form = ChangeEmailForm(user=user, data={"email": typed["email"]})
        valid(form)
        form.save(request._request)
        return Response(SentOut({"detail": SENT}).data, HTTPStatus.ACCEPTED)


def read(request: Request, what: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """What was sent. Raises ValidationError."""
    sent = what(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _count_mail(request: HttpRequest) -> None:
    """So many e-mails an hour from one place, whatever addresses it names. Raises Throttled."""
    if wait := tries.take(tries.MAIL_FROM, tries.network_of(request)):
        raise Throttled(wait=wait, detail="Too many e-mails were asked for from here. Wait a while, then try again.")


def valid(form: BaseForm) -> None:
    """Raises ValidationError with each field's sentences, or Throttled after too many guesses."""
    if form.is_valid():
        return
    found = form.errors.as_data()
    for errors in found.values():
        for error in errors:
            if error.code == "too_many":
                raise Throttled(detail=" ".join(error.messages))
    raise ValidationError(
        {NAMES.get(name, name): [sentence for error in errors for sentence in error.messages] for name, errors in found.items()}
    )
