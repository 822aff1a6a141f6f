"""What AdsGem has of a person goes home with them, and is gone when they are."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import audit, closing, ledger
from accounts.models import AuditEntry, Brand, Membership, Transfer, User, Webhook
from generations import export, pipeline, purge
from generations.models import Ad, Generation, Photo
from generations.verify import verify
from keeping import garbage
from keeping.models import StoredFile
from prompting import asking
from tests.people import PASSWORD


def everything() -> str:
    """Every value of every row in the database, but for the starter shelf, whose samples are about the same serum."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy]
    return "\n".join(str(list(model._base_manager.values())) for model in models if model._meta.app_label != "templates_app")


def names(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_mia_takes_everything_home(mia: User, brand: Brand, order: Generation, photo: Photo) -> None:
    webhook = Webhook.objects.create(brand=brand, url="https://example.com/hook")
    pipeline.run(order.pk)
    found = names(export.export_of(mia).read())
    ads = json.loads(found["brands/miravel/ads.json"])
    assert len(ads) == 2
    for ad in ads:
        assert any(name.startswith(f"files/{ad['fields']['file']}") for name in found), "each ad's file is there"
    assert f"files/{photo.file_id}.{photo.file.extension}" in found
    account = json.loads(found["person/account.json"])[0]["fields"]
    assert account["email"] == mia.email
    assert "password" not in account
    assert json.loads(found["brands/miravel/credits.json"]), "the statement is there"
    secrets = b"".join(found.values())
    assert webhook.secret.encode() not in secrets
    assert mia.password.encode() not in secrets
    assert AuditEntry.objects.filter(kind="export.made", actor=mia.pk).exists()


def test_max_who_is_no_owner_gets_what_is_his_and_nothing_of_the_brand(max: User, mia: User, order: Generation) -> None:
    found = names(export.export_of(max).read())
    assert not [name for name in found if name.startswith(("brands/", "files/"))]
    assert mia.email.encode() not in b"".join(found.values())


def test_the_page_asks_for_the_password_first(mia: User, client: Client) -> None:
    client.force_login(mia)
    asked = client.get(reverse("account-export"))
    assert asked.status_code == 302
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    client.post(asked["Location"], {"password": PASSWORD})
    got = client.get(reverse("account-export"))
    assert got["Content-Type"] == "application/zip"
    assert "person/account.json" in names(b"".join(got.streaming_content))  # type: ignore[attr-defined]
    page = client.get(reverse("account")).content.decode()
    assert reverse("account-export") in page
    assert reverse("account-close") in page


def test_the_api_gives_it_too(mia: User) -> None:
    api = APIClient()
    api.force_authenticate(mia)
    got = api.get("/api/v1/me/export")
    assert "person/account.json" in names(b"".join(got.streaming_content))


def test_a_shared_brand_is_handed_over_before_its_owner_goes(mia: User, max: User) -> None:
    with pytest.raises(closing.ClosingRefused, match="Hand it over"):
        closing.close_account(mia)
    assert User.objects.get(pk=mia.pk).is_active


def test_who_closes_an_account_is_out_at_once_and_forgotten_after_a_month(
    mia: User, brand: Brand, order: Generation, client: Client
) -> None:
    pipeline.run(order.pk)
    ledger.grant(brand, 5, reason="A gift", by=mia)
    hashes = set(
        StoredFile.objects.filter(
            pk__in=[*Ad.objects.values_list("file", flat=True), *Photo.objects.values_list("file", flat=True)]
        ).values_list("pk", flat=True)
    )
    told = everything()
    assert mia.email in told and "Mia Miravel" in told and len(hashes) == 3
    client.force_login(mia)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.post(reverse("account-close"))["Location"] == reverse("home")
    assert client.get(reverse("account")).status_code == 302, "out at once"
    assert closing.purge_people() == 0, "and not gone before its time"

    month = timezone.now() - timedelta(days=31)
    User.objects.filter(pk=mia.pk).update(closed_at=month)
    Brand.objects.filter(pk=brand.pk).update(deleted_at=month)
    assert purge.purge_brands() == 1
    assert closing.purge_people() == 1
    asking.forget_old_answers()
    garbage.collect(older_than_hours=0)

    left = everything()
    for gone in (mia.email, "Mia Miravel", "Miravel", "Radiance serum", "Wake up to glow"):
        assert gone.lower() not in left.lower(), gone
    for sha256 in hashes:
        assert not StoredFile.objects.filter(pk=sha256).exists()
        assert not list(Path(settings.MEDIA_ROOT).rglob(f"*{sha256}*"))
    assert Transfer.objects.filter(brand=brand).exists(), "what was paid stays in the books"
    assert not ledger.reconcile()
    assert not list(audit.faults())


def test_the_orders_of_a_deleted_brand_stop_and_what_they_held_is_given_back(mia: User, brand: Brand, order: Generation) -> None:
    closing.close_account(mia)
    order.refresh_from_db()
    assert order.status == Generation.Status.CANCELLED
    assert not verify().problems


def test_an_account_is_closed_by_the_app_with_its_password_only(mia: User, max: User, brand: Brand) -> None:
    api, where = APIClient(), "/api/v1/me"
    api.force_authenticate(mia)
    assert api.delete(where, {"password": "a wrong one, surely"}, format="json").status_code == 422
    shared = api.delete(where, {"password": PASSWORD}, format="json")
    assert (shared.status_code, "Hand it over" in shared.json()["detail"]) == (409, True)
    assert User.objects.get(pk=mia.pk).is_active
    Membership.objects.filter(brand=brand).exclude(user=mia).delete()
    assert api.delete(where, {"password": PASSWORD}, format="json").status_code == 204
    assert not User.objects.get(pk=mia.pk).is_active
    assert Brand.objects.get(pk=brand.pk).deleted_at


def test_staff_open_a_closed_account_again_within_the_month(mia: User, client: Client) -> None:
    closing.close_account(mia)
    User.objects.filter(pk=mia.pk).update(is_active=True, closed_at=timezone.now() - timedelta(days=31))
    assert closing.purge_people() == 0
    assert Membership.objects.filter(user=mia).exists()
