"""What people take away is out of sight at once, can be brought back for thirty days, and is gone for good after that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import ledger
from accounts.models import AuditEntry, Brand, Transfer, User
from generations import actions, pipeline, purge, queries
from generations.models import Ad, Event, Generation, Photo
from generations.verify import verify

LONG_AGO = timedelta(days=31)


def test_mia_stars_an_ad_and_takes_the_star_off(order: Generation, mia: User) -> None:
    ad = Ad.objects.filter(picture__generation=order)[0]
    assert actions.star_ad(by=mia, ad=ad) and not actions.star_ad(by=mia, ad=ad)
    assert Ad.objects.get(pk=ad.pk).starred
    assert actions.star_ad(by=mia, ad=ad, starred=False) and not Ad.objects.get(pk=ad.pk).starred
    kinds = list(Event.objects.filter(object_id=ad.pk).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["ad.starred", "ad.unstarred"]


def test_a_deleted_ad_comes_back_as_it_was(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    ad = queries.ads_of(mia)[0]
    assert actions.delete_ad(by=mia, ad=ad) and not actions.delete_ad(by=mia, ad=ad)
    assert ad.pk not in set(queries.ads_of(mia).values_list("pk", flat=True))
    assert [each.pk for each in queries.deleted_ads_of(mia)] == [ad.pk]
    assert len(queries.current_ads(queries.generations_of(mia).get())) == 1
    assert actions.restore_ad(by=mia, ad=ad) and not actions.restore_ad(by=mia, ad=ad)
    assert len(queries.current_ads(queries.generations_of(mia).get())) == 2


def test_an_ad_that_is_being_made_cannot_be_deleted_yet(order: Generation, mia: User) -> None:
    with pytest.raises(actions.NotNow, match="still being made"):
        actions.delete_ad(by=mia, ad=queries.ads_of(mia)[0])


def test_a_deleted_order_is_stopped_first_and_comes_back_with_its_ads(order: Generation, mia: User) -> None:
    assert actions.delete_generation(by=mia, generation=order) and not actions.delete_generation(by=mia, generation=order)
    assert not queries.generations_of(mia).exists() and not queries.ads_of(mia).exists()
    gone = queries.deleted_generations_of(mia).get()
    assert gone.status == "cancelled"
    assert actions.restore_generation(by=mia, generation=gone) and queries.generations_of(mia).get().pk == order.pk


def test_a_deleted_photo_is_out_of_sight_and_its_orders_keep_it(order: Generation, mia: User, photo: Photo) -> None:
    assert actions.delete_photo(by=mia, photo=photo) and not actions.delete_photo(by=mia, photo=photo)
    assert not queries.photos_of(mia).exists()
    assert pipeline.run(order.pk).status == "ready"
    assert actions.restore_photo(by=mia, photo=photo) and queries.photos_of(mia).get() == photo


def test_after_thirty_days_an_order_is_gone_with_all_it_had_and_the_books_stay(
    order: Generation, brand: Brand, mia: User, photo: Photo
) -> None:
    pipeline.run(order.pk)
    actions.delete_generation(by=mia, generation=order)
    actions.delete_photo(by=mia, photo=photo)
    assert purge.purge_deleted() == 0
    Generation.objects.filter(pk=order.pk).update(deleted_at=timezone.now() - LONG_AGO)
    Photo.objects.filter(pk=photo.pk).update(deleted_at=timezone.now() - LONG_AGO)
    assert purge.purge_deleted() > 0 and purge.purge_deleted() == 0
    assert not Generation.objects.exists() and not Ad.objects.exists() and not Photo.objects.exists()
    assert Transfer.objects.filter(brand=brand, kind="capture").count() == 2
    assert verify(rehash=False).problems == []


def test_a_photo_that_an_order_has_stays_until_the_order_goes(order: Generation, mia: User, photo: Photo) -> None:
    actions.delete_photo(by=mia, photo=photo)
    Photo.objects.filter(pk=photo.pk).update(deleted_at=timezone.now() - LONG_AGO)
    assert purge.purge_deleted() == 0 and Photo.objects.filter(pk=photo.pk).exists()


def test_after_thirty_days_a_single_ad_is_gone_and_its_words_stay(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    ad = queries.ads_of(mia)[0]
    actions.delete_ad(by=mia, ad=ad)
    Ad.objects.filter(pk=ad.pk).update(deleted_at=timezone.now() - LONG_AGO)
    assert purge.purge_deleted() > 0
    assert not Ad.objects.filter(pk=ad.pk).exists() and order.copies.count() == 1
    assert verify(rehash=False).problems == []


def test_a_deleted_ad_does_not_show_the_words_before_it(order: Generation, mia: User) -> None:
    old = queries.ads_of(pipeline.run(order.pk).created_by or mia).order_by("pk")[0]
    new = actions.change_copy(by=mia, generation=order, ad=old, words={"headline": "Better words"}).ads.get()
    pipeline.finish_ad(new.pk)
    new.refresh_from_db()
    actions.delete_ad(by=mia, ad=new)
    left = {ad.pk for ad in queries.current_ads(queries.generations_of(mia).get())}
    assert left.isdisjoint({old.pk, new.pk}) and len(left) == 1
    assert actions.restore_ad(by=mia, ad=new)
    assert {ad.pk for ad in queries.current_ads(queries.generations_of(mia).get())} == left | {new.pk}
    assert Ad.objects.get(pk=old.pk).deleted_at is None


def test_taking_earlier_words_away_leaves_the_newest(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    old = queries.ads_of(mia).order_by("pk")[0]
    new = actions.change_copy(by=mia, generation=order, ad=old, words={"headline": "Better words"}).ads.get()
    actions.delete_ad(by=mia, ad=old)
    assert new.pk in {ad.pk for ad in queries.current_ads(queries.generations_of(mia).get())}


def test_what_was_taken_away_is_not_begun_again_by_somebody_who_had_it_open(order: Generation, mia: User, max: User, brand: Brand) -> None:
    seen_by_max = queries.generations_of(max).get()
    actions.delete_generation(by=mia, generation=order)
    assert actions.retry_generation(by=max, generation=seen_by_max) == []
    assert ledger.balance(brand).held == 0 and not order.pictures.exclude(status="cancelled").exists()
    actions.restore_generation(by=mia, generation=order)
    assert actions.retry_generation(by=max, generation=Generation.objects.get(pk=order.pk))


def test_it_is_written_down_who_took_what_away(order: Generation, photo: Photo, mia: User, max: User) -> None:
    for _ in range(2):  # a second click says nothing new
        actions.delete_generation(by=mia, generation=order)
        actions.delete_photo(by=max, photo=photo)
    actions.restore_generation(by=max, generation=order)
    actions.restore_photo(by=max, photo=photo)
    told = AuditEntry.objects.filter(kind__in=["order.deleted", "order.restored", "photo.deleted", "photo.restored"]).order_by("number")
    assert list(told.values_list("kind", "actor")) == [
        ("order.deleted", mia.pk),
        ("photo.deleted", max.pk),
        ("order.restored", max.pk),
        ("photo.restored", max.pk),
    ]
