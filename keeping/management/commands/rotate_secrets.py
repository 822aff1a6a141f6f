"""`manage.py rotate_secrets`: after a new key was put first in ENCRYPTION_KEYS, everything is encrypted with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from keeping.secrets import elsewhere, encrypted_columns, rotate


class Command(BaseCommand):
    """Encrypts every secret in the database anew, so that older keys can be taken out of ENCRYPTION_KEYS."""

    help = "Encrypt every secret in the database with the first key of ENCRYPTION_KEYS. The other keys may be removed afterwards."

    def handle(self, *_: Any, **__: Any) -> None:
        """One line a column. Raises CommandError when there are secrets that no key can read."""
        unreadable = 0
        for name, done, lost in _all():
            unreadable += lost
            self.stdout.write(f"{name}: {done} encrypted with the first key" + (f", {lost} unreadable" if lost else ""))
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets cannot be read with the keys in ENCRYPTION_KEYS and were left alone. "
                "Add the key they were encrypted with at the end, and run this again."
            )


def _all() -> Iterator[tuple[str, int, int]]:
    for model, field in encrypted_columns():
        yield (f"{model._meta.label}.{field.name}", *rotate(model, field))
    for rotate_own in elsewhere:
        yield rotate_own()
