"""The one lock of all doors: pages, admin and API ask Django's `authenticate`, and that asks here."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts import tries
from accounts.models import User


class CountedBackend(AuthenticationBackend):
    """allauth's check of address and password, which hashes once for known and unknown addresses, behind our count of guesses."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The person, or None. After too many tries nothing is looked at, and `request.too_many` is the TooMany that says how long."""
        name = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
        password = credentials.get("password")
        if not name or not password:
            return None
        try:
            guess = tries.guess("password", name, tries.network_of(request))
        except tries.TooMany as shut:
            if request is not None:
                request.too_many = shut  # type: ignore[attr-defined]
            raise PermissionDenied(str(shut)) from None  # Django asks no other backend then
        person = super().authenticate(request, email=name, password=password)
        self.unstash_authenticated_user()  # a closed account is told what a wrong password is told
        if not isinstance(person, User):
            return None
        guess.was_right()
        return person
