"""The account: who somebody is, how they sign in, where they are signed in, what they are told, and the credits of their brands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from allauth.account import views as account
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import brands, emails, keys, ledger, sessions
from accounts.letters import WHY
from accounts.models import Brand, Message, User
from accounts.queries import transfers_of
from studio.current import brand_of, brands_here
from studio.pages.account import Said
from studio.pages.create import LANGUAGES

ROLES = {"owner": "You are an owner", "editor": "You are an editor", "reviewer": "You are a reviewer"}
NEWEST = 20  # transfers in the statement


@cache
def _zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every place of the world by its continent, as an HTML list takes them. Names only: what they are ahead of UTC changes twice a year."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        area, _, place = zone.partition("/")
        if place and area not in ("Etc", "SystemV", "US", "posix", "right"):
            groups.setdefault(area, []).append((zone, place.replace("_", " ").replace("/", ", ")))
    return [("", [("UTC", "UTC")]), *groups.items()]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, language and time zone."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    language = forms.ChoiceField(label="Language of new ads", choices=LANGUAGES)
    time_zone = forms.ChoiceField(label="Time zone", choices=lambda: [pair for _, pairs in _zones() for pair in pairs])

    class Meta:
        model = User
        fields = ("name", "language", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["time_zone"].widget.choices = _zones()


@login_required
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """The account page; the profile is saved here."""
    person: User = request.user  # type: ignore[assignment]
    form = ProfileForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("account")
    if request.method == "POST":
        person.refresh_from_db()
    return _page(request, person, form, HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK)


def _page(request: HttpRequest, person: User, form: ProfileForm, status: int) -> HttpResponse:
    own, roles = brands_here(request), dict(person.memberships.values_list("brand", "role"))
    steps = list(Authenticator.objects.filter(user=person))
    pending = EmailAddress.objects.filter(user=person, verified=False).exclude(email=person.email).first()
    context = {
        "form": form,
        "pending": pending,
        "app": next((step for step in steps if step.type == Authenticator.Type.TOTP), None),
        "passkeys": sum(step.type == Authenticator.Type.WEBAUTHN for step in steps),
        "devices": sessions.devices_of(person, request),
        "brands": [(brand, ROLES[roles[brand.pk]]) for brand in own],
        "deleted": brands.deleted_brands_of(person),
        "credits": _credits(own),
        "statement": _statement(request, person),
        "keys": keys.keys_of(person).filter(revoked_at=None, expires_at__gt=timezone.now()),
        "letters": [(kind, why, kind not in person.unwanted_mail) for kind, why in WHY.items()],
    }
    return render(request, "studio/account/account.html", context, status=status)


def _credits(own: Iterable[Brand]) -> list[dict[str, Any]]:
    balances = ledger.balances(brand.pk for brand in own)
    return [{"brand": brand, **balances[brand.pk]._asdict(), "low": ledger.is_low(balances[brand.pk])} for brand in own]


def _statement(request: HttpRequest, person: User) -> list[Any]:
    brand = brand_of(request)
    return list(transfers_of(person, brand.pk).exclude(credits=0)[:NEWEST]) if brand else []


@login_required
@require_POST
def end_session(request: HttpRequest, device: str) -> HttpResponse:
    """Sign out one browser or app."""
    if not sessions.end(request.user, device):  # type: ignore[arg-type]
        messages.info(request, "That one was signed out already.")
    return redirect("sessions")


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    sessions.end_everywhere(request.user, request)  # type: ignore[arg-type]
    messages.success(request, "You are signed out everywhere but here.")
    return redirect("sessions")


@login_required
def sessions_page(request: HttpRequest) -> HttpResponse:
    """Where the e-mails about sign-ins lead: that part of the account page."""
    return redirect("/account/#sessions")


@login_required
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Which of the optional e-mails somebody wants."""
    for kind in Message.OPTIONAL:
        emails.want(request.user, kind, wanted=kind in request.POST.getlist("kind"))  # type: ignore[arg-type]
    messages.success(request, "Saved.")
    return redirect("/account/#mail")


@csrf_exempt  # letter boxes send this form themselves, with nothing but the address (RFC 8058)
@login_not_required
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End one kind of e-mail without signing in. A link that is only followed asks first: programs follow links, too."""
    found = emails.read_unsubscribe(token)
    if found and request.method == "POST":
        emails.want(found[0], found[1], wanted=False)
    context = {
        "token": token,
        "known": found is not None,
        "why": WHY.get(Message.Kind(found[1])) if found else "",
        "done": request.method == "POST",
    }
    return render(request, "studio/door/unsubscribe.html", context)


class Password(Said, account.PasswordChangeView):
    """Another password, by the one of now. All other sessions end."""

    template_name = "studio/account/password.html"


class Email(Said, account.EmailView):
    """Another address. The old one holds until the new one is confirmed."""

    template_name = "studio/account/email.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the address that waits to be confirmed."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        pending = EmailAddress.objects.filter(user=self.request.user, verified=False).exclude(email=self.request.user.email)
        return {**context, "pending": pending.first()}


class Reauthenticate(Said, account.ReauthenticateView):
    """The password once more."""

    template_name = "studio/account/reauthenticate.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the other ways to show who one is."""
        ways = [way for way in get_adapter().get_reauthentication_methods(self.request.user) if way["id"] != "reauthenticate"]
        return {**super().get_context_data(**kwargs), "ways": ways}
