"""What does not answer is left in peace for a while; orders wait for it and lose no try (RELIABILITY: R-14, F-20)."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Transfer, User
from generations import breakers, pipeline, queries, rates, states, tries, writing
from generations.models import Breaker, Generation, Picture
from keeping import store
from painting.builtin import Builtin
from painting.engine import EngineUnavailable, Painted, PictureOrder, Progress


def wind(seconds: float) -> None:
    """Let so many seconds pass for every breaker."""
    for breaker in Breaker.objects.all():
        moved = {name: getattr(breaker, name) - round(seconds * 1000) for name in ("first_failure", "open_until", "probe_until")}
        Breaker.objects.filter(pk=breaker.pk).update(
            **{name: max(value, 1) if getattr(breaker, name) else 0 for name, value in moved.items()}
        )


@pytest.mark.django_db
def test_three_failures_within_a_minute_open_it_and_after_half_a_minute_one_may_try() -> None:
    for _ in range(2):
        breakers.failed("comfyui", "no answer")
        assert breakers.may_try("comfyui")
    breakers.failed("comfyui", "no answer")
    assert not breakers.may_try("comfyui") and [each.name for each in breakers.open_now()] == ["comfyui"]
    wind(29)
    assert not breakers.may_try("comfyui")
    wind(2)
    assert breakers.may_try("comfyui"), "one probe goes through"
    assert not breakers.may_try("comfyui"), "and only one"
    breakers.worked("comfyui")
    assert breakers.may_try("comfyui") and breakers.may_try("comfyui")


@pytest.mark.django_db
def test_a_probe_that_fails_opens_it_again_at_once() -> None:
    for _ in range(3):
        breakers.failed("comfyui", "no answer")
    wind(31)
    assert breakers.may_try("comfyui")
    breakers.failed("comfyui", "still no answer")
    assert not breakers.may_try("comfyui") and Breaker.objects.get().reason == "still no answer"


@pytest.mark.django_db
def test_a_probe_that_nobody_came_back_from_is_followed_by_another() -> None:
    for _ in range(3):
        breakers.failed("comfyui", "no answer")
    wind(31)
    assert breakers.may_try("comfyui") and not breakers.may_try("comfyui")
    wind(61)
    assert breakers.may_try("comfyui")


@pytest.mark.django_db
def test_failures_that_lie_far_apart_open_nothing() -> None:
    for _ in range(6):
        breakers.failed("comfyui", "no answer")
        wind(61)
    assert breakers.may_try("comfyui") and Breaker.objects.get().failures == 1


class Away(Builtin):
    """An engine that cannot be reached as long as it is told to be away."""

    away = True
    calls = 0

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        type(self).calls += 1
        if self.away:
            raise EngineUnavailable("No server answers.")
        return super().paint(order, on_progress)


def test_an_outage_pauses_the_queue_costs_no_try_and_ends_by_itself(
    order: Generation, mia: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Away()
    monkeypatch.setattr(pipeline, "engine_named", lambda name: engine)
    monkeypatch.setattr(tries, "PAUSE", 0.0)
    writing.write(order.pk)
    for _ in range(20):
        pipeline.make_next()
    assert Away.calls == 3, "after three failures nobody asks"
    assert {picture.tries for picture in order.pictures.all()} == {0}
    assert set(order.pictures.values_list("status", flat=True)) <= {Picture.Status.WAITING, Picture.Status.PAINTING}
    client.force_login(mia)
    assert "does not answer at the moment" in client.get(f"/generations/{order.pk}/").content.decode()
    engine.away = False
    wind(31)
    while pipeline.make_next():
        pass
    assert Generation.objects.get(pk=order.pk).status == Generation.Status.READY
    assert not Breaker.objects.filter(open_until__gt=0).exists()
    whole = queries.with_pictures(Generation.objects.all()).get(pk=order.pk)
    assert queries.waits_for(whole) == ""


def test_with_no_room_on_the_disk_orders_wait_and_new_ones_are_refused(
    order: Generation, mia: User, client: Client, settings: Any, serum_jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keeping.room._seen", None)
    monkeypatch.setattr("keeping.room.LOOK_EVERY", -1.0)
    settings.KEEP_FREE_BYTES = 2**62
    writing.write(order.pk)
    assert not pipeline.make_next()
    client.force_login(mia)
    assert "no room left" in client.get(f"/generations/{order.pk}/").content.decode()
    answer = client.post("/api/v1/photos", {"file": io.BytesIO(serum_jpeg)})
    assert answer.status_code == 422 and "no room" in answer.json()["detail"]
    settings.KEEP_FREE_BYTES = 0
    assert pipeline.make_next()


@pytest.mark.django_db
def test_an_hourly_job_runs_once_an_hour_whoever_asks() -> None:
    assert rates.take("hourly", seconds=3600)
    assert not any(rates.take("hourly", seconds=3600) for _ in range(5))
    assert rates.take("other", seconds=3600)
    assert [rates.take("budget", seconds=3600, at_most=3) for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.django_db(transaction=True)
def test_of_eight_processes_that_reach_for_the_hour_one_gets_it() -> None:
    won: list[bool] = []

    def reach() -> None:
        won.append(rates.take("hourly", seconds=3600))
        connection.close()

    threads = [threading.Thread(target=reach) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_an_order_beyond_its_deadline_fails_with_a_sentence_and_its_credits_go_back(order: Generation) -> None:
    writing.write(order.pk)
    Generation.objects.filter(pk=order.pk).update(deadline=states.db_now() - 1)
    pipeline.end_overdue(states.db_now())
    ended = Generation.objects.get(pk=order.pk)
    assert ended.status == Generation.Status.FAILED and ended.finished_at <= timezone.now()
    assert {picture.error_code for picture in ended.pictures.all()} == {"deadline"}
    kinds = sorted(Transfer.objects.values_list("kind", flat=True))
    assert kinds == ["hold"] * ended.pictures.count() + ["void"] * ended.pictures.count()


def test_an_order_that_kills_its_writer_three_times_fails_with_a_sentence(order: Generation) -> None:
    Generation.objects.filter(pk=order.pk).update(deaths=3)
    assert writing.write(order.pk) == []
    ended = Generation.objects.get(pk=order.pk)
    assert (ended.status, ended.error_code) == (Generation.Status.FAILED, "gave_up") and "Order again" in ended.error_message


def test_a_store_that_takes_nothing_pauses_the_work_and_costs_no_try(
    order: Generation, mia: User, client: Client, serum_jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "PAUSE", 0.0)
    whole = default_storage.save

    def full(name: str, content: Any, **kwargs: Any) -> str:
        raise OSError(28, "No space left on device")

    writing.write(order.pk)
    monkeypatch.setattr(default_storage, "save", full, raising=False)
    for _ in range(12):
        pipeline.make_next()
    assert {picture.tries for picture in order.pictures.all()} == {0}
    client.force_login(mia)
    assert "Files cannot be written at the moment" in client.get(f"/generations/{order.pk}/").content.decode()
    photo = client.post("/api/v1/photos", {"file": io.BytesIO(serum_jpeg)})
    assert photo.status_code == 422 and "could not be kept just now" in photo.json()["detail"]
    monkeypatch.setattr(default_storage, "save", whole, raising=False)
    wind(31)
    while pipeline.make_next():
        pass
    assert Generation.objects.get(pk=order.pk).status == Generation.Status.READY
    assert breakers.may_try(breakers.STORE) and breakers.may_try(breakers.STORE)


def test_an_order_whose_photo_cannot_be_read_while_it_is_written_waits_and_loses_no_try(
    order: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(stored: object) -> bytes:
        raise store.StoreUnavailable("EndpointConnectionError: no answer")

    with monkeypatch.context() as while_away:
        while_away.setattr(writing.store, "read", away)
        assert writing.write(order.pk) == []
    waiting = Generation.objects.get(pk=order.pk)
    assert (waiting.status, waiting.tries, waiting.error_code) == (Generation.Status.WRITING, 0, "")
    Generation.objects.filter(pk=order.pk).update(run_after=0)
    assert writing.write(order.pk)
