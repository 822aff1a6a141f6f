"""One ad's page, and the files behind it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from generations.models import Ad, Generation, Photo, Picture


@pytest.fixture
def ad(ready: Generation) -> Ad:
    """A finished ad of Mia's."""
    return Ad.objects.select_related("file").get(placement__placement__slug="google_display_300x250")


def test_the_page_says_whether_it_is_ready_to_run_and_where_it_came_from(as_mia: Client, ad: Ad, ready: Generation) -> None:
    page = as_mia.get(f"/ads/{ad.pk}/").content.decode()
    assert "1 of 2" in page and page.index("The sub-line is hard to read.") < page.index("300 × 250 pixels, as it should be.")
    assert ad.file is not None
    for fact in (
        "Leaf shade" if ready.template_version.template.slug == "leaf-shade" else ready.template_version.template.title,
        "Built-in engine",
        '<dd class="num">7</dd>',
        ad.file.sha256[:16],
        "Mia Miravel",
        "bottle.png",
        "A serum on marble",
        "ab" * 6,
    ):
        assert fact in page, fact
    assert f'href="/files/{ad.pk}/full?download"' in page and 'value="Wake up to glow"' in page


def test_an_unfinished_ad_asks_again_by_itself(as_mia: Client, order: Generation) -> None:
    waiting = Ad.objects.filter(picture__generation=order).first()
    assert waiting is not None
    page = as_mia.get(f"/ads/{waiting.pk}/").content.decode()
    assert 'hx-trigger="every 1s"' in page and '<noscript><meta http-equiv="refresh"' in page and "/full" not in page


def test_thumbnails_are_kept_by_her_browser_only(as_mia: Client, ad: Ad) -> None:
    for size in ("thumb", "large"):
        answer = as_mia.get(f"/files/{ad.pk}/{size}")
        assert answer["Content-Type"] == "image/webp" and answer["Cache-Control"] == "private, max-age=86400"
        assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]


def test_the_whole_file_is_never_cached_and_has_a_name_of_ours(as_mia: Client, ad: Ad) -> None:
    answer = as_mia.get(f"/files/{ad.pk}/full?download")
    assert answer["Cache-Control"] == "private, no-store" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == 'attachment; filename="google_display_300x250-v1.png"'
    assert "sandbox" in answer["Content-Security-Policy"] and answer["Content-Type"] == "image/png"
    assert ad.file is not None and len(b"".join(answer.streaming_content)) == ad.file.bytes  # type: ignore[attr-defined]


def test_an_uploaded_name_never_reaches_a_header(as_mia: Client, photo: Photo) -> None:
    Photo.objects.filter(pk=photo.pk).update(name='evil"\r\nSet-Cookie: a=b.png')
    answer = as_mia.get(f"/files/{photo.pk}/full?download")
    assert "evil" not in answer["Content-Disposition"] and "Set-Cookie" not in answer.headers


def test_a_photo_shows_itself_and_its_cutout(as_mia: Client, photo: Photo, ad: Ad) -> None:
    assert as_mia.get(f"/files/{photo.pk}/thumb").status_code == 200
    assert as_mia.get(f"/files/{photo.pk}/cutout")["Content-Type"] == "image/webp"
    assert as_mia.get(f"/files/{ad.pk}/cutout").status_code == 404, "an ad has none"
    assert as_mia.get(f"/files/{photo.pk}/enormous").status_code == 404


@pytest.mark.parametrize("size", ["thumb", "large", "full", "cutout"])
def test_eve_gets_no_file_of_mias(as_eve: Client, client: Client, ad: Ad, photo: Photo, size: str) -> None:
    picture = Picture.objects.filter(raw__isnull=False).first()
    assert picture is not None
    for pk in (ad.pk, photo.pk, picture.pk, uuid4()):
        assert as_eve.get(f"/files/{pk}/{size}").status_code == 404
        assert client.get(f"/files/{pk}/{size}").status_code == 302, "a stranger is asked to sign in, whatever the id"
    assert as_eve.get(f"/ads/{ad.pk}/").status_code == 404


def test_what_was_deleted_is_gone(as_mia: Client, ad: Ad, ready: Generation, photo: Photo, mia: User) -> None:
    Generation.objects.filter(pk=ready.pk).update(deleted_at=ready.created_at)
    Photo.objects.filter(pk=photo.pk).update(deleted_at=photo.created_at)
    for address in (f"/generations/{ready.pk}/", f"/ads/{ad.pk}/", f"/files/{ad.pk}/full", f"/files/{photo.pk}/full"):
        assert as_mia.get(address).status_code == 404
