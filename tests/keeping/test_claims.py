"""What becomes of a row in a worker's hands when the database goes away."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from generations.models import Generation
from keeping import claims


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [OperationalError("server closed the connection unexpectedly"), InterfaceError("connection already closed")]
)
def test_a_database_that_went_away_is_neither_a_death_nor_a_try(order: Generation, error: Exception) -> None:
    assert claims.claim(order)
    with pytest.raises(type(error)), claims.held(order, at_most_seconds=60):
        raise error
    order.refresh_from_db()
    assert order.lease_until is None and order.run_after > claims.db_now() and order.tries == 0
    Generation.objects.update(run_after=0)
    order.refresh_from_db()
    assert claims.claim(order) and order.deaths == 0 and order.tries == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_right_after_a_claim_leaves_no_row_held(order: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Generation, **what: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(Generation, "refresh_from_db", gone)
        with pytest.raises(OperationalError):
            claims.claim(order)
    order.refresh_from_db()
    assert (order.attempt, order.lease_until, order.deaths, order.tries) == (1, None, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_worker_took_meanwhile_stays_in_its_hands(order: Generation) -> None:
    assert claims.claim(order)
    late = Generation.objects.get(pk=order.pk)
    Generation.objects.update(lease_until=1)
    order.refresh_from_db()
    assert claims.claim(order)
    with pytest.raises(OperationalError), claims.held(late, at_most_seconds=60):
        raise OperationalError("server closed the connection unexpectedly")
    order.refresh_from_db()
    assert order.lease_until and order.pauses == 0


@pytest.mark.django_db(transaction=True)
def test_a_row_that_was_put_down_is_not_taken_up_again_by_its_own_heartbeat(order: Generation, settings: Any) -> None:
    assert claims.claim(order)
    with claims.held(order, at_most_seconds=60) as hold:
        assert claims.release(order)
        time.sleep(3 * settings.HEARTBEAT_SECONDS)
    order.refresh_from_db()
    assert hold.lost.is_set() and order.lease_until is None
