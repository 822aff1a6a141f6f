"""`manage.py drain`: what is in hand ends, nothing new begins, nothing is lost."""

from __future__ import annotations

import threading
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from adsgem import health
from generations import breakers, draining, pipeline, queries, states, tasks
from generations.models import Breaker, Generation, Picture


def drain(**options: Any) -> str:
    said = StringIO()
    call_command("drain", stdout=said, stderr=said, **options)
    return said.getvalue()


def written(order: Generation) -> Generation:
    """Mia's order with its plan, so that its pictures may be painted."""
    tasks.write_generation(str(order.pk))
    order.refresh_from_db()
    assert order.status == Generation.Status.MAKING
    return order


def test_while_it_lasts_nothing_is_written_painted_or_rung_for(order: Generation) -> None:
    draining.begin(60)
    tasks.write_generation(str(order.pk))
    assert tasks.sweep() == 0
    order.refresh_from_db()
    assert order.status == Generation.Status.WAITING and order.attempt == 0
    assert "being brought up to date" in queries.waits_for(order)
    draining.end()
    written(order)
    draining.begin(60)
    picture = order.pictures.all()[0]
    tasks.make_picture(str(picture.pk))
    picture.refresh_from_db()
    assert picture.status == Picture.Status.WAITING and picture.attempt == 0


def test_after_it_everything_goes_on(order: Generation) -> None:
    draining.begin(60)
    tasks.write_generation(str(order.pk))
    assert drain(end=True) == "Everybody works again.\n"
    written(order)
    for picture in order.pictures.all():
        tasks.make_picture(str(picture.pk))
    order.refresh_from_db()
    assert order.status == Generation.Status.READY
    assert queries.waits_for(order) == ""


def test_a_drain_that_nobody_ends_ends_by_itself(order: Generation) -> None:
    draining.begin(60)
    Breaker.objects.filter(name=queries.DRAIN).update(open_until=states.db_now() - 1)
    assert not draining.on()
    written(order)
    assert breakers.open_now().count() == 0


def test_a_second_drain_does_not_shorten_the_first(db: None) -> None:
    draining.begin(600)
    draining.begin(1)
    assert Breaker.objects.get(name=queries.DRAIN).open_until > states.db_now() + 500_000


def test_with_nothing_in_hand_it_is_done_at_once_and_stands_in_the_log(order: Generation) -> None:
    assert drain(wait=0).endswith("Nothing is in hand.\n")
    assert draining.on()
    drain(end=True)
    assert drain(end=True) == "Nothing was held back.\n"
    kinds = AuditEntry.objects.filter(kind__startswith="drain.").order_by("number").values_list("kind", flat=True)
    assert list(kinds) == ["drain.begun", "drain.ended"]


def test_what_is_still_in_hand_is_said_with_exit_code_1(order: Generation) -> None:
    written(order)
    assert states.claim(order.pictures.all()[0])
    said = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("drain", wait=0, stdout=StringIO(), stderr=said)
    assert end.value.code == 1
    assert said.getvalue().startswith("After 0 seconds still in hand: 1.")


@pytest.mark.django_db(transaction=True)
def test_it_waits_until_the_picture_in_hand_is_finished(order: Generation) -> None:
    written(order)
    picture = order.pictures.all()[0]
    assert states.claim(picture)
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(_drain_with_own_connection()))
    waiting.start()
    deadline = time.monotonic() + 20
    while not draining.on() and time.monotonic() < deadline:
        time.sleep(0.05)
    pipeline.work_claimed("picture", picture.pk, picture.attempt)
    waiting.join(timeout=30)
    lines = said[0].splitlines()
    assert lines[:2] == ["Nothing new is begun for 1800 seconds, or until: manage.py drain --end", "In hand: 1"]
    assert lines[-1] == "Nothing is in hand."
    assert sorted(order.pictures.values_list("status", flat=True)) == [Picture.Status.READY, Picture.Status.WAITING]


def _drain_with_own_connection() -> str:
    from django.db import connection

    try:
        return drain(wait=30)
    finally:
        connection.close()


@pytest.mark.parametrize("given", [{"wait": -1.0}, {"hold": 0.0}, {"hold": 1e9}])
def test_nonsense_is_refused_and_nothing_is_held_back(db: None, given: dict[str, float]) -> None:
    with pytest.raises(CommandError, match="--wait and --hold are seconds"):
        call_command("drain", **given)
    assert not draining.on()


def test_a_queue_that_is_held_back_on_purpose_is_not_reported_as_down(order: Generation) -> None:
    Generation.objects.filter(pk=order.pk).update(created_at="2020-01-01T00:00:00Z")
    assert not health._queue()
    draining.begin(60)
    assert health._queue()
