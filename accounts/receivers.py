"""What follows when allauth says that something happened. Its signals are the only ones listened to here."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_changed, password_reset, user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts import ledger, outbox, sessions, tries
from accounts.devices import device_of
from accounts.models import Brand, Membership, Message, Place, User

GIFT = 50  # credits for the first brand of somebody who confirmed their address


@receiver(user_logged_in)
def note_the_place(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Remember from where somebody came, and tell them of a new place."""
    came_from(user, tries.network_of(request), request.META.get("HTTP_USER_AGENT", ""))


def came_from(user: User, network: str, agent: str) -> None:
    """Somebody signed in from there. The first place of all is no news; every other new one is told by e-mail."""
    if not network:
        return
    first = not Place.objects.filter(user=user).exists()
    _, new = Place.objects.update_or_create(user=user, network=network, defaults={"last_seen": timezone.now()})
    if new and not first:
        when = f"{timezone.now():%d %B %Y, %H:%M} UTC"
        link = outbox.address("sessions")
        outbox.write(Message.Kind.SIGN_IN, to=user.email, user=user, place=network, device=device_of(agent), when=when, link=link)


@receiver(password_reset)
def open_again_after_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A link in the letter box shows whose address it is: it is confirmed, and strangers' guesses no longer count."""
    tries.forget(user)
    sessions.end_everywhere(user)
    address = EmailAddress.objects.filter(user=user, email=user.email, verified=False).first()
    if address and address.set_verified():
        welcome(user)


@receiver(password_changed)
def sign_out_elsewhere(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The session in which a password was changed goes on, all others end."""
    sessions.end_everywhere(user, request)


@receiver(email_confirmed)
def welcome_after_confirming(request: HttpRequest, email_address: EmailAddress, **kwargs: Any) -> None:
    """Credits to begin with are given for a confirmed address only."""
    welcome(email_address.user)


def welcome(user: User) -> None:
    """Some credits for the first brand that this person owns, once for each person."""
    own = Brand.objects.filter(memberships__user=user, memberships__role=Membership.Role.OWNER, deleted_at=None)
    if brand := own.order_by("created_at").first():
        ledger.grant(brand, GIFT, reason="Welcome to AdsGem", by=None, key=f"welcome-person:{user.pk}")
