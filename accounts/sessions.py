"""Where somebody is signed in: browsers and apps, each to be signed out, or all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts.devices import device_of
from accounts.models import TokenChain, User


@dataclass(frozen=True)
class Device:
    """One place where somebody is signed in. `id` says which to end."""

    id: str
    name: str
    network: str
    since: datetime
    here: bool
    is_app: bool


def devices_of(user: User, request: HttpRequest | None = None) -> list[Device]:
    """The browsers and apps of a person that are signed in, this one first, then the newest."""
    here = request.session.session_key if request is not None and hasattr(request, "session") else None
    browsers = [
        Device(f"b{row.pk}", device_of(row.user_agent), row.ip, row.created_at, row.session_key == here, is_app=False)
        for row in UserSession.objects.purge_and_list(user)
    ]
    chains = TokenChain.objects.filter(user=user, ended_at=None, last_used_at__gt=timezone.now() - TokenChain.LIVES)
    apps = [Device(f"a{row.pk}", row.device or "an app", row.network, row.last_used_at, here=False, is_app=True) for row in chains]
    return sorted([*browsers, *apps], key=lambda device: (not device.here, -device.since.timestamp()))


def end(user: User, device_id: str) -> bool:
    """Sign out one device of this person. False when there is no such one."""
    kind, pk = device_id[:1], device_id[1:]
    if kind == "b" and pk.isascii() and pk.isdecimal():
        row = UserSession.objects.filter(user=user, pk=int(pk)).first()
        if row:
            row.end()
        return row is not None
    chain = next((row for row in TokenChain.objects.filter(user=user, ended_at=None) if str(row.pk) == pk), None)
    return end_chain(chain) if kind == "a" and chain else False


def end_chain(chain: TokenChain, because: str = "signed out") -> bool:
    """None of its tokens opens anything from now on. False when it had ended already."""
    return bool(TokenChain.objects.filter(pk=chain.pk, ended_at=None).update(ended_at=timezone.now(), ended_because=because))


def end_everywhere(user: User, request: HttpRequest | None = None) -> None:
    """Sign out all browsers and apps at once, but for the browser of `request`."""
    User.objects.filter(pk=user.pk).update(sign_in_epoch=F("sign_in_epoch") + 1)
    user.refresh_from_db(fields=["sign_in_epoch"])
    TokenChain.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now(), ended_because="signed out")
    if request is None:
        UserSession.objects.filter(user=user).delete()
        return
    before = request.session.session_key
    update_session_auth_hash(request, user)
    UserSession.objects.filter(user=user).exclude(session_key=before).delete()
    UserSession.objects.filter(user=user, session_key=before).update(session_key=request.session.session_key)


def forget_old() -> int:
    """Drop chains of tokens that ended, or ran out, a month ago, and browsers whose session is gone. Gives how many."""
    long_ago = timezone.now() - timedelta(days=30)
    alive = Session.objects.values("session_key")
    browsers, _ = UserSession.objects.exclude(session_key__in=alive).delete()
    chains, _ = TokenChain.objects.filter(last_used_at__lt=long_ago).delete()
    return int(browsers) + chains
