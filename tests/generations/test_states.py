"""Claims, moves and what a late worker may not do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from accounts.models import Brand, Transfer
from generations import actions, states
from generations.models import Ad, Event, Generation, Picture
from generations.verify import verify
from tests.people import placements, stored_square


def begun(order: Generation) -> Picture:
    """The order's first picture, with the order being made."""
    Generation.objects.filter(pk=order.pk).update(status=Generation.Status.MAKING)
    return Picture.objects.filter(generation=order).select_related("generation").first()  # type: ignore[return-value]


def test_the_databases_clock_is_epoch_milliseconds(db: None) -> None:
    assert abs(states.db_now() - time.time() * 1000) < 5000


def test_a_claimed_picture_cannot_be_claimed_again(order: Generation) -> None:
    first, second = begun(order), begun(order)
    assert states.claim(first)
    assert not states.claim(second)
    assert first.attempt == 1 and first.lease_until is not None


def test_a_picture_whose_worker_died_is_claimed_by_the_next_one_and_the_death_is_counted(order: Generation) -> None:
    picture = begun(order)
    assert states.claim(picture)
    Picture.objects.filter(pk=picture.pk).update(lease_until=states.db_now() - 1)
    again = Picture.objects.get(pk=picture.pk)
    assert states.claim(again)
    assert (again.attempt, again.deaths) == (2, 1)


def test_the_late_workers_write_does_not_fit_any_more(order: Generation) -> None:
    late = begun(order)
    assert states.claim(late)
    Picture.objects.filter(pk=late.pk).update(lease_until=states.db_now() - 1)
    assert states.claim(Picture.objects.get(pk=late.pk))
    assert not states.move(late, Picture.Status.PAINTING)
    assert Picture.objects.get(pk=late.pk).status == Picture.Status.WAITING
    assert not Event.objects.filter(kind="picture.painting").exists()


def test_a_picture_that_must_wait_cannot_be_claimed_yet(order: Generation) -> None:
    picture = begun(order)
    assert states.claim(picture)
    assert states.release(picture, after_seconds=60)
    assert not states.claim(Picture.objects.get(pk=picture.pk))


def test_a_status_moves_only_along_the_table(order: Generation) -> None:
    picture = begun(order)
    with pytest.raises(ValueError, match="cannot go from waiting to ready"):
        states.move(picture, Picture.Status.READY)


def test_events_are_numbered_without_a_gap(order: Generation, brand: Brand) -> None:
    picture = begun(order)
    states.claim(picture)
    states.move(picture, Picture.Status.PAINTING)
    states.move(picture, Picture.Status.FINISHING)
    numbers = list(Event.objects.filter(brand=brand).values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 3
    assert Brand.objects.get(pk=brand.pk).event_seq == numbers[-1]


def test_progress_never_falls(order: Generation) -> None:
    picture = begun(order)
    states.claim(picture)
    states.move(picture, Picture.Status.PAINTING)
    states.tell_progress(picture, 0.6)
    states.tell_progress(picture, 0.2)
    assert Picture.objects.get(pk=picture.pk).progress == 0.6


@pytest.mark.django_db(transaction=True)
def test_of_eight_threads_that_reach_for_a_picture_one_gets_it(order: Generation) -> None:
    picture = begun(order)
    won: list[bool] = []
    start = threading.Barrier(8, timeout=30)

    def reach() -> None:
        mine = Picture.objects.get(pk=picture.pk)
        start.wait()
        won.append(states.claim(mine))
        connection.close()

    threads = [threading.Thread(target=reach) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert Picture.objects.get(pk=picture.pk).attempt == 1


@pytest.mark.django_db(transaction=True)
def test_a_held_picture_keeps_its_lease_while_the_work_takes_long(order: Generation, settings: object) -> None:
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 0.6, 0.1  # type: ignore[attr-defined]
    picture = begun(order)
    states.claim(picture)
    with states.held(picture, at_most_seconds=60) as hold:
        time.sleep(1.2)
        assert not states.claim(Picture.objects.get(pk=picture.pk))
        assert not hold.lost.is_set()


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_told_when_its_picture_was_cancelled(order: Generation, settings: object) -> None:
    settings.HEARTBEAT_SECONDS = 0.05  # type: ignore[attr-defined]
    picture = begun(order)
    states.claim(picture)
    with states.held(picture, at_most_seconds=60) as hold:
        states.cancel(order)
        assert hold.lost.wait(3)
    assert Picture.objects.get(pk=picture.pk).status == Picture.Status.CANCELLED


@pytest.fixture
def order_of_two_files(order: Generation) -> Generation:
    """Mia's order of one picture for two squares."""
    squares = placements("google_display_250x250", "google_display_200x200")
    photos = list(order.photos.all())
    return actions.order_generation(
        by=order.created_by,
        brand=order.brand,
        template=order.template_version.template,
        brief=order.brief,
        placements=squares,
        photos=photos,
    )


def finishing(order: Generation) -> Picture:
    """The order's picture, painted, with one of its two files ready and the other in work."""
    picture = begun(order)
    square = stored_square()
    Picture.objects.filter(pk=picture.pk).update(status=Picture.Status.FINISHING, raw=square)
    first, second = picture.ads.order_by("created_at", "pk")[:2]
    Ad.objects.filter(pk=first.pk).update(status=Ad.Status.READY, file=square)
    Ad.objects.filter(pk=second.pk).update(status=Ad.Status.FINISHING)
    return picture


@pytest.mark.parametrize("end", [states.cancel, partial(states.fail, code="deadline", sentence="Too late.")])
def test_a_picture_of_which_a_file_is_ready_stays_and_is_paid_when_its_order_ends_early(
    order_of_two_files: Generation, end: Callable[[Generation], bool]
) -> None:
    picture = finishing(order_of_two_files)
    end(order_of_two_files)
    picture.refresh_from_db()
    order_of_two_files.refresh_from_db()
    assert picture.status == Picture.Status.READY and picture.error_code == ""
    assert sorted(picture.ads.values_list("status", flat=True)) in (["cancelled", "ready"], ["failed", "ready"])
    assert order_of_two_files.status == Generation.Status.PARTLY
    assert Transfer.objects.filter(object_id=picture.pk, kind=Transfer.Kind.CAPTURE).count() == 1
    assert not Transfer.objects.filter(object_id=picture.pk, kind=Transfer.Kind.VOID).exists()
    assert not [problem for problem in verify(rehash=False).problems if problem.code != "unsettled"]


def test_verify_finds_a_file_that_was_given_back(order_of_two_files: Generation) -> None:
    picture = finishing(order_of_two_files)
    Picture.objects.filter(pk=picture.pk).update(status=Picture.Status.CANCELLED)
    assert "unpaid_file" in {problem.code for problem in verify(rehash=False).problems}
