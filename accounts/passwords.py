"""What a password may not be, beside short, common, or like its owner's name and address (Django's own checks, in the settings)."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import Brand

MOST = 128  # characters; more would only make the hashing dear
HOUSE = ("adsgem", "adgem")
SHORTEST = 4  # letters of a word that is looked for


class NotTooLong:
    """At most 128 characters."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with a sentence."""
        if len(password) > MOST:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        return f"Use at most {MOST} characters."


class NotOfThisPlace:
    """Not made of what everybody around it knows: our name, the name of this site, the person's brands."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with a sentence. A long password may hold such a word, if enough else is in it."""
        plain = _plain(password)
        for word in self._words(user):
            # What is left without the word, and without digits and signs at its ends, must be a password by itself.
            if word in plain and len(plain.replace(word, "").strip("0123456789")) < SHORTEST * 2:
                raise ValidationError(self.get_help_text(), code="password_of_this_place")

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        return "This password is little more than a name that others know. Add words that have nothing to do with you or this site."

    def _words(self, user: Any) -> list[str]:
        names = [*HOUSE, settings.SITE.hostname or ""]
        if user is not None and not user._state.adding:
            names += Brand.objects.filter(members=user).values_list("name", flat=True)
        return [word for name in names for word in {_plain(name), *map(_plain, name.replace(".", " ").split())} if len(word) >= SHORTEST]


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
