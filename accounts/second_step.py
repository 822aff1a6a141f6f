"""Who must bring a second step: staff, where this site is reached by https. And what needs somebody who signed in just now."""

from __future__ import annotations

import ipaddress
import time
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from accounts import outbox, sessions
from accounts.models import Message, User
from keeping.secrets import SecretUnreadable, decrypt, encrypt

RECENT_SECONDS = 10 * 60
STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
SENTENCE = "Staff sign in with a second step here. Set one up on the pages of this site under Account."
# Admin's pages about money, people, secrets: whoever finds a desk that was left open does not get in.
GUARDED = (
    "accounts/user/",
    "accounts/brand/",
    "accounts/membership/",
    "accounts/webhook/",
    "accounts/apikey/",
    "comfy/server/",
    "auth/group/",
    "account/emailaddress/",
)
OPEN_TO_THE_UNREADY = ("/account/second-step/", "/account/check/", "/account/sign-out/", "/account/sign-in/", "/static/", "/health/")


def is_needed(user: User) -> bool:
    """Whether this person gets nowhere without a second step."""
    return bool(settings.HTTPS and user.is_staff)


def has_one(user: User) -> bool:
    """Whether this person has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=STEPS).exists())


def was_done(request: HttpRequest) -> bool:
    """Whether this session was opened, or confirmed since, with a second step."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


def remember(request: HttpRequest) -> None:
    """Whoever has just typed a code of their new app, or touched their new key, has done the second step."""
    record_authentication(request, request.user, "mfa")


def is_recent(request: HttpRequest) -> bool:
    """Whether this person signed in, or confirmed it, within ten minutes."""
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < RECENT_SECONDS


def take_away(user: User) -> bool:
    """For somebody who lost both phone and recovery codes, and showed staff who they are. Ends every session, and tells the owner.

    False when there was none.
    """
    with transaction.atomic():
        number, _ = Authenticator.objects.filter(user=user).delete()
        if number:
            sessions.end_everywhere(user)
            what, link = "Your second step was taken away by the staff of this site", outbox.address("mfa_index")
            outbox.write(Message.Kind.SECOND_STEP, to=user.email, user=user, what=what, place="admin", link=link)
    return bool(number)


def rotate_secrets() -> tuple[str, int, int]:
    """Encrypt the secrets of authenticator apps and the seeds of recovery codes with the first key: name, how many, how many unreadable."""
    done = lost = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=pk)
            for name in ("secret", "seed"):
                if name not in row.data:
                    continue
                try:
                    row.data[name] = encrypt(decrypt(row.data[name]))
                except SecretUnreadable:
                    lost += 1
                else:
                    done += 1
            row.save(update_fields=["data"])
    return "mfa.Authenticator.data", done, lost


class StaffDoor(MiddlewareMixin):
    """Lets staff on only with a second step, and into admin only from allowed networks."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """An answer in place of the page, or None to go on."""
        in_admin = request.path.startswith(f"/{settings.ADMIN_PATH}")
        if in_admin and settings.ADMIN_NETWORKS and not _comes_from_allowed(request):
            raise Http404
        if not settings.HTTPS or not isinstance(request.user, User) or not request.user.is_staff:
            return None
        if request.path.startswith(OPEN_TO_THE_UNREADY):
            return None
        if not was_done(request):
            return self._sent_to_second_step(request)
        if in_admin and request.path.removeprefix(f"/{settings.ADMIN_PATH}").startswith(GUARDED) and not is_recent(request):
            return _redirect("mfa_reauthenticate", request)
        return None

    def _sent_to_second_step(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            body = {"type": "urn:adsgem:problem:not-allowed", "title": "Forbidden", "status": 403, "detail": SENTENCE, "errors": {}}
            return JsonResponse(body, status=403, content_type="application/problem+json")
        return _redirect("mfa_reauthenticate" if has_one(request.user) else "mfa_activate_totp", request)  # type: ignore[arg-type]


def _redirect(page: str, request: HttpRequest) -> HttpResponse:
    # A form that was sent is not sent again by itself: it would lie in the session until then.
    goal = request.get_full_path() if request.method == "GET" else request.path
    return redirect(f"{reverse(page)}?{urlencode({'next': goal})}")


def _comes_from_allowed(request: HttpRequest) -> bool:
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.ADMIN_NETWORKS)
