"""Staff look at a layout before it is a version, and take an older version again."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from templates_app.actions import publish_version
from templates_app.models import Layout
from templates_app.shelf_loader import SHELF

DATA = json.loads((SHELF / "layouts" / "classic-centred.json").read_text())


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("sam@example.com", "correct horse battery"))
    return client


@pytest.fixture
def layout(db: None) -> Layout:
    head = Layout.objects.create(slug="mine", title="Mine")
    publish_version(by=None, head=head, data=DATA)
    publish_version(by=None, head=head, data={**DATA, "margin": 0.1})
    return head


def test_a_preview_shows_what_is_typed_in_all_shapes_and_keeps_nothing(desk: Client, layout: Layout) -> None:
    address = reverse("admin:templates_app_layout_preview", args=[layout.pk])
    answer = desk.post(address, {"data": json.dumps({**DATA, "margin": 0.12})})
    assert answer.content.count(b"data:image/webp;base64,") == 19
    for title in ("1.91:1, en", "9:16, ar", "1:1, ja", "728 × 90, en"):
        assert title in answer.content.decode()
    assert layout.versions.count() == 2
    assert "at margin" in desk.post(address, {"data": json.dumps({**DATA, "margin": 3})}).content.decode()
    assert "This is not JSON" in desk.post(address, {"data": "{"}).content.decode()
    assert desk.get(address).status_code == 405


def test_an_older_version_is_taken_again_as_a_new_one(desk: Client, layout: Layout) -> None:
    page = desk.get(reverse("admin:templates_app_layout_change", args=[layout.pk])).content.decode()
    address = reverse("admin:templates_app_layout_back", args=[layout.pk, 1])
    assert address in page and reverse("admin:templates_app_layout_back", args=[layout.pk, 2]) not in page
    assert desk.get(address).status_code == 405 and layout.versions.count() == 2
    desk.post(address)
    layout.refresh_from_db()
    assert layout.current is not None
    assert (layout.current.number, layout.current.data, layout.current.note) == (3, DATA, "Back to version 1")
    assert layout.current.author is not None and layout.current.author.email == "sam@example.com"


def test_staff_who_may_only_look_can_neither_preview_nor_go_back(client: Client, layout: Layout) -> None:
    client.force_login(User.objects.create_user("eve@example.com", "correct horse battery", is_staff=True))
    for name, args in (("preview", [layout.pk]), ("back", [layout.pk, 1])):
        assert client.post(reverse(f"admin:templates_app_layout_{name}", args=args), {"data": json.dumps(DATA)}).status_code in (403, 404)
    assert layout.versions.count() == 2
