"""What a person may do, and what is refused with nothing left behind."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Brand, IdempotencyKey, User
from generations import actions, pipeline, queries
from generations.models import Ad, Copy, Generation, Photo, Picture
from generations.verify import verify
from prompting.brief import Brief, BriefError
from templates_app.models import AdTemplate, Placement
from tests.people import bottle_png, placements

BRIEF = Brief.read({"headline": "Wake up to glow"})


def order(brand: Brand, template: AdTemplate, photo: Photo | None, by: User | None = None, **changed: Any) -> Generation:
    told: dict[str, Any] = {"brief": BRIEF, "placements": placements("google_display_250x250"), "photos": [photo] if photo else []}
    return actions.order_generation(by=by, brand=brand, template=template, **{**told, **changed})


def test_an_order_is_written_down_whole(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    made = order(
        brand, template, photo, variations=2, placements=placements("meta_ig_feed_square", "google_display_250x250", "meta_ig_stories")
    )
    assert made.status == Generation.Status.WAITING
    assert sorted((p.variation, p.shape) for p in made.pictures.all()) == [(1, "1:1"), (1, "9:16"), (2, "1:1"), (2, "9:16")]
    assert Ad.objects.filter(picture__generation=made, status=Ad.Status.WAITING).count() == 6
    assert made.copies.get().words["headline"] == "Wake up to glow"
    assert {p.seed - made.seed for p in made.pictures.all()} == {0, 1}


def test_the_same_placement_twice_is_one_ad(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    made = order(brand, template, photo, placements=placements("google_display_250x250") * 2)
    assert Ad.objects.filter(picture__generation=made).count() == 1


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"variations": 9}, "variations", "9 variations"),
        ({"variations": 0}, "variations", "0 variations"),
        ({"placements": []}, "placements", "at least one"),
        ({"engine": "comfyui"}, "engine", "ComfyUI"),
        ({"engine": "crayons"}, "engine", "crayons"),
        ({"seed": -1}, "seed", "whole number"),
        ({"photos": []}, "photos", "needs a product photo"),
    ],
)
def test_an_order_that_cannot_be_made_is_refused_in_a_sentence_and_leaves_nothing(
    brand: Brand, template: AdTemplate, photo: Photo, changed: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(actions.OrderRefused) as refusal:
        order(brand, template, photo, **changed)
    assert words in refusal.value.errors[field]
    assert not Generation.objects.exists() and not Picture.objects.exists()


def test_more_than_forty_placements_are_refused_with_the_number(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    many = list(Placement.objects.filter(kind="image").select_related("current")[:41])
    with pytest.raises(actions.OrderRefused, match="41 placements .* at most 40"):
        order(brand, template, photo, placements=many)


def test_a_placement_for_a_logo_takes_no_picture(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    with pytest.raises(actions.OrderRefused, match="does not take a picture"):
        order(brand, template, photo, placements=placements("google_pmax_logo_square"))


def test_somebody_elses_photo_is_not_there(brand: Brand, template: AdTemplate, eve: User) -> None:
    hers = actions.add_photo(by=eve, brand=eve.brands.get(), data=bottle_png())
    with pytest.raises(actions.OrderRefused, match="No photo with this id"):
        order(brand, template, hers)
    assert not Generation.objects.exists()


def test_an_unpublished_template_is_not_offered(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    template.published = False
    with pytest.raises(actions.OrderRefused, match="not offered any more"):
        order(brand, template, photo)


def test_the_same_key_twice_gives_the_first_order_again(brand: Brand, template: AdTemplate, photo: Photo, mia: User) -> None:
    first = order(brand, template, photo, mia, idempotency_key="k1")
    assert order(brand, template, photo, mia, idempotency_key="k1") == first
    assert Generation.objects.count() == 1


def test_a_key_does_not_serve_for_another_order(brand: Brand, template: AdTemplate, photo: Photo, mia: User) -> None:
    order(brand, template, photo, mia, idempotency_key="k1")
    with pytest.raises(actions.KeyReused):
        order(brand, template, photo, mia, idempotency_key="k1", variations=2)
    assert Generation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_at_once_with_one_key_are_one_order(brand: Brand, template: AdTemplate, photo: Photo, mia: User) -> None:
    found: list[Any] = []
    start = threading.Barrier(20, timeout=30)

    def ask() -> None:
        start.wait()
        try:
            found.append(order(brand, template, photo, mia, idempotency_key="once").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20 and len(set(found)) == 1
    assert Generation.objects.count() == 1


def test_a_photo_that_is_no_picture_leaves_no_row(brand: Brand) -> None:
    with pytest.raises(actions.PhotoRefused):
        actions.add_photo(by=None, brand=brand, data=b"just words", name="photo.jpg")
    assert not Photo.objects.exists()


def test_new_words_are_new_ads_over_the_same_picture_and_cost_no_painting(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    painted = Picture.objects.filter(generation=order).values_list("pixels", "attempt")
    before = list(painted)
    copy = actions.change_copy(by=mia, generation=order, words={"headline": "Glow, on time"})
    assert copy.words["cta"] == "Shop now", "what was not named stays"
    for ad in Ad.objects.filter(copy=copy):
        assert pipeline.finish_ad(ad.pk)
    fresh = queries.with_pictures(Generation.objects.filter(pk=order.pk)).get()
    current = queries.current_ads(fresh)
    assert len(current) == 2 and {ad.copy_id for ad in current} == {copy.pk}
    assert all(ad.status == Ad.Status.READY for ad in current)
    assert list(painted) == before
    assert Ad.objects.filter(picture__generation=order).count() == 4


def test_undone_words_give_back_the_ads_from_before(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    copy = actions.change_copy(by=mia, generation=order, words={"headline": "Glow, on time"})
    actions.undo_copy(by=mia, copy=copy)
    fresh = queries.with_pictures(Generation.objects.filter(pk=order.pk)).get()
    assert {ad.copy.words["headline"] for ad in queries.current_ads(fresh)} == {"Wake up to glow"}
    with pytest.raises(BriefError, match="nothing to go back to"):
        actions.undo_copy(by=mia, copy=Copy.objects.get(parent=None, generation=order))


def test_words_that_are_too_long_are_refused_and_nothing_changes(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    with pytest.raises(BriefError, match="too long"):
        actions.change_copy(by=mia, generation=order, words={"headline": "x" * 200})
    assert order.copies.count() == 1


def test_words_cannot_be_laid_over_a_picture_that_is_not_there(order: Generation, mia: User) -> None:
    with pytest.raises(BriefError, match="no finished picture"):
        actions.change_copy(by=mia, generation=order, words={"headline": "Too soon"})
    assert order.copies.count() == 1


def test_a_stopped_order_is_cancelled_and_nothing_of_it_is_made(order: Generation, mia: User) -> None:
    assert actions.cancel_generation(by=mia, generation=order)
    ended = pipeline.run(order.pk)
    assert ended.status == Generation.Status.CANCELLED
    assert set(Picture.objects.filter(generation=order).values_list("status", flat=True)) == {Picture.Status.CANCELLED}
    assert set(Ad.objects.filter(picture__generation=order).values_list("status", flat=True)) == {Ad.Status.CANCELLED}
    assert not actions.cancel_generation(by=mia, generation=order)


def test_after_a_day_a_key_is_free_again(brand: Brand, template: AdTemplate, photo: Photo, mia: User) -> None:
    first = order(brand, template, photo, mia, idempotency_key="k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert order(brand, template, photo, mia, idempotency_key="k1") != first


def test_the_key_of_an_order_that_was_purged_is_free_again(brand: Brand, template: AdTemplate, photo: Photo, mia: User) -> None:
    order(brand, template, photo, mia, idempotency_key="k1").delete()
    assert order(brand, template, photo, mia, idempotency_key="k1").pk


def test_a_file_that_was_damaged_on_disk_is_made_again_for_nothing(order: Generation, mia: User, client: Client) -> None:
    pipeline.run(order.pk)
    ad = Ad.objects.filter(picture__generation=order).select_related("file", "picture__generation").first()
    assert ad is not None and ad.file is not None
    before = ad.pixels
    with default_storage.open(ad.file.name, "wb") as file:
        file.write(b"rust")
    found = verify(repair=True)
    assert [problem.row for problem in found.repaired if str(ad.pk) in problem.row], found
    client.force_login(mia)
    page = client.get(f"/generations/{order.pk}/").content.decode()
    assert "1 file of this order was damaged on our disk" in page
    assert client.post(f"/generations/{order.pk}/again/").status_code == 302
    assert pipeline.finish_ad(ad.pk)
    ad.refresh_from_db()
    assert (ad.status, ad.pixels) == (Ad.Status.READY, before), "the same picture again, signed anew"
    assert verify(repair=False).problems == []
    assert "damaged on our disk" not in client.get(f"/generations/{order.pk}/").content.decode()
    answer = client.post(f"/api/v1/generations/{order.pk}/retry", content_type="application/json")
    assert answer.status_code == 200 and answer.json()["status"] == "ready"
