"""Secrets in rows: what lies in the database, what forms and exports show, and what happens to keys."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django import forms
from django.conf import settings as real_settings
from django.contrib import admin
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import RequestFactory
from django.test.utils import isolate_apps
from rest_framework.serializers import ModelSerializer

from accounts.models import Brand, User, Webhook
from keeping.secrets import EncryptedText, SecretField, SecretUnreadable, encrypted_columns

SECRET = "whsec_canary+of/the=tests"


@pytest.fixture
def webhook(brand: Brand) -> Webhook:
    """A row with a secret that is easy to look for."""
    return Webhook.objects.create(brand=brand, url="https://example.com/hook", secret=SECRET)


def in_the_database(webhook: Webhook, column: str = "secret") -> str:
    """The column as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM accounts_webhook WHERE url = %s", [webhook.url])
        return str(cursor.fetchone()[0])


def rotate() -> str:
    """What the command says."""
    said = io.StringIO()
    call_command("rotate_secrets", stdout=said)
    return said.getvalue()


def test_a_secret_comes_back_as_it_was_given(webhook: Webhook) -> None:
    assert Webhook.objects.get().secret == SECRET
    Webhook.objects.update(secret="another")
    assert Webhook.objects.get().secret == "another" != in_the_database(webhook)


def test_the_database_does_not_know_the_secret(webhook: Webhook) -> None:
    assert SECRET not in in_the_database(webhook)
    assert Fernet(real_settings.ENCRYPTION_KEYS[0]).decrypt(in_the_database(webhook)).decode() == SECRET


@pytest.mark.django_db(transaction=True)
def test_the_secret_is_in_no_file_of_the_database(webhook: Webhook) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("The files of a database server are its own.")
    name = Path(connection.settings_dict["NAME"])
    files = [name, *name.parent.glob(f"{name.name}-*")]
    found = b"".join(file.read_bytes() for file in files)
    assert b"https://example.com/hook" in found and SECRET.encode() not in found


def test_no_secret_is_an_empty_text_and_not_an_encrypted_one(webhook: Webhook) -> None:
    assert in_the_database(webhook, "previous_secret") == "" and Webhook.objects.get().previous_secret == ""


def test_rows_are_not_found_by_a_secret(webhook: Webhook) -> None:
    for lookup in ("secret", "secret__contains", "secret__in"):
        with pytest.raises(FieldError, match="cannot be found by the secret"):
            Webhook.objects.filter(**{lookup: SECRET}).exists()
    assert Webhook.objects.filter(secret__isnull=False).exists()


def test_an_export_carries_no_secret(webhook: Webhook) -> None:
    for form in ("json", "xml"):
        text = serializers.serialize(form, Webhook.objects.all())
        assert webhook.url in text and SECRET not in text and in_the_database(webhook) not in text


def test_a_new_key_reads_what_an_old_one_wrote(webhook: Webhook, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert Webhook.objects.get().secret == SECRET


def test_after_a_rotation_the_old_key_may_go(webhook: Webhook, settings: Any) -> None:
    Webhook.objects.update(previous_secret="the one before")
    before = in_the_database(webhook)
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]
    said = rotate()
    assert "accounts.Webhook.secret: 1 encrypted" in said and "accounts.Webhook.previous_secret: 1 encrypted" in said
    settings.ENCRYPTION_KEYS = [new]
    assert (Webhook.objects.get().secret, Webhook.objects.get().previous_secret) == (SECRET, "the one before")
    assert in_the_database(webhook) != before


def test_a_key_that_is_gone_is_told_in_a_sentence(webhook: Webhook, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SecretUnreadable, match="Add the key it was encrypted with"):
        Webhook.objects.get()
    assert Webhook.objects.defer("secret", "previous_secret").get().url == webhook.url  # a list still opens


def test_a_rotation_leaves_alone_what_it_cannot_read_and_says_so(webhook: Webhook, brand: Brand, settings: Any) -> None:
    old = list(settings.ENCRYPTION_KEYS)
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new]
    Webhook.objects.create(brand=brand, url="https://example.com/new", secret="readable")
    before = in_the_database(webhook)
    with pytest.raises(CommandError, match="1 secrets cannot be read"):
        rotate()
    assert in_the_database(webhook) == before
    settings.ENCRYPTION_KEYS = [new, *old]
    assert "2 encrypted" in rotate()
    settings.ENCRYPTION_KEYS = [new]
    assert {each.secret for each in Webhook.objects.all()} == {SECRET, "readable"}


def test_a_secret_that_is_set_while_all_are_rotated_is_not_overwritten(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    real = MultiFernet.rotate

    def meanwhile(keys: MultiFernet, token: Any) -> bytes:
        Webhook.objects.update(secret="set meanwhile")
        return real(keys, token)

    monkeypatch.setattr(MultiFernet, "rotate", meanwhile)
    rotate()
    assert Webhook.objects.get().secret == "set meanwhile"


@isolate_apps("keeping")
def test_a_form_shows_no_secret_and_keeps_it_when_nothing_is_typed() -> None:
    class Door(models.Model):
        name = models.CharField(max_length=20)
        token = EncryptedText()

        class Meta:
            app_label = "keeping"

    class DoorForm(forms.ModelForm):  # type: ignore[type-arg]
        class Meta:
            model = Door
            fields = ("name", "token")

    door = Door(name="front", token=SECRET)
    assert SECRET not in str(DoorForm(instance=door)) and 'type="password"' in str(DoorForm(instance=door))
    typed = DoorForm({"name": "back", "token": "typed wrong"}, instance=door)
    assert "typed wrong" not in str(typed)
    kept = DoorForm({"name": "back", "token": ""}, instance=Door(name="front", token=SECRET)).save(commit=False)
    assert (kept.name, kept.token) == ("back", SECRET)
    changed = DoorForm({"name": "back", "token": "new one"}, instance=Door(name="front", token=SECRET)).save(commit=False)
    assert changed.token == "new one"
    page = admin.ModelAdmin(Door, admin.site)
    in_admin = page.get_form(None, door)(instance=door)  # type: ignore[arg-type]
    assert SECRET not in str(in_admin) and "<textarea" not in str(in_admin)


def test_no_endpoint_gives_a_secret_out_of_a_row() -> None:
    columns = {(model, field.name) for model, field in encrypted_columns()}
    assert (Webhook, "secret") in columns and (Webhook, "previous_secret") in columns

    def below(kind: type[Any]) -> set[type[Any]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    import api.urls  # noqa: F401

    shown = [
        (serializer.__name__, name)
        for serializer in below(ModelSerializer)
        if (model := getattr(getattr(serializer, "Meta", None), "model", None))
        for name in serializer.Meta.fields
        if (model, name) in columns and not serializer().fields[name].write_only
    ]
    assert shown == []


def test_admin_has_no_page_that_shows_a_secret(sam: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = sam
    for model, field in encrypted_columns():
        page = admin.site._registry.get(model)
        if page is not None:
            assert field.name not in {*page.get_readonly_fields(request), *page.list_display}, model
            if not page.has_change_permission(request):
                assert field.name not in page.get_fields(request), model
            elif field.name in (typed := page.get_form(request).base_fields):
                assert isinstance(typed[field.name], SecretField), "a field that takes a secret and never shows one"
