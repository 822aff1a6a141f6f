"""Secrets in rows: encrypted with a key that is not in the database, never shown in a form, never exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django import forms
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast

if TYPE_CHECKING:  # Django's field classes take type parameters in the stubs only
    Text = TextField[str, str]
else:
    Text = TextField

# Secrets of other people's apps, which do not lie in our columns: each function encrypts its own anew, and gives its name, how many were,
# and how many no key could read.
elsewhere: list[Callable[[], tuple[str, int, int]]] = []
AT_ONCE = 500  # rows of which the ids are held in memory while secrets are encrypted anew


class SecretUnreadable(Exception):
    """A secret was encrypted with a key that is not there any more. The message says what to do."""


def encrypt(secret: str) -> str:
    """The secret as it may lie in a database, by the first of the keys."""
    return _keys(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """The secret in the clear, by whichever key fits. Raises SecretUnreadable."""
    try:
        return _keys(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "A secret in the database cannot be read with the keys in ENCRYPTION_KEYS. Add the key it was encrypted with at their end."
        ) from None


@cache
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class SecretField(forms.CharField):
    """A form's field that takes a secret and never shows one. Left empty, the secret stays as it is."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"})
        kwargs["required"] = False
        super().__init__(**kwargs)


class EncryptedText(Text):
    """A secret in a row: encrypted in the database, in the clear in Python. Empty means that there is none, and stays empty.

    Rows cannot be found by it. Lists that do not need it should `defer` it: reading it fails when its key is gone.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Encrypted on its way to the database."""
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """Decrypted on its way from there. Raises SecretUnreadable."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        """The same secret looks different each time it is encrypted, so only "is there one" could be asked."""
        if lookup_name != "isnull":
            raise FieldError(f"Rows cannot be found by the secret '{self.name}': it is encrypted.")
        return super().get_lookup(lookup_name)

    def value_from_object(self, obj: models.Model) -> str:
        """Nothing: this is what forms show and what exports contain."""
        return ""

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        """What a form sent; nothing sent leaves the secret as it is."""
        if data:
            super().save_form_data(instance, data)

    def formfield(self, **kwargs: Any) -> Any:
        """A field that shows nothing, whatever widget a page would like to have."""
        return SecretField(label=kwargs.get("label", self.verbose_name), help_text=kwargs.get("help_text", self.help_text))


def encrypted_columns() -> Iterator[tuple[type[models.Model], EncryptedText]]:
    """Every column of every model in which secrets lie."""
    for model in apps.get_models():
        if not model._meta.proxy and model._meta.managed:
            yield from ((model, field) for field in model._meta.local_concrete_fields if isinstance(field, EncryptedText))


def rotate(model: type[models.Model], field: EncryptedText) -> tuple[int, int]:
    """Encrypt the secrets of one column anew with the first key. Gives how many were, and how many no key could read."""
    done = lost = 0
    keys = _keys(tuple(settings.ENCRYPTION_KEYS))
    raw = model._base_manager.annotate(text_as_encrypted=Cast(F(field.name), TextField()))
    for pk, token in raw.values_list("pk", "text_as_encrypted").order_by("pk").iterator(AT_ONCE):
        if not token:
            continue
        try:
            fresh = keys.rotate(token).decode()
        except InvalidToken:
            lost += 1
            continue
        # Only where it is still what was read: somebody may have set another one meanwhile, which the first key encrypted already.
        raw.filter(pk=pk, text_as_encrypted=token).update(**{field.name: Value(fresh, output_field=TextField())})
        done += 1
    return done, lost
