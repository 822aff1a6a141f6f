"""A worker that is killed again and again brings everything to its end all the same; bench/storm.py tells how quickly."""

from __future__ import annotations

import dataclasses

import pytest

from bench.storm import Storm, storm
from tests.chaos.conftest import FULL
from tests.chaos.stack import Stack

pytestmark = pytest.mark.chaos
CALM = Storm(
    60, 20.0, (1.0, 2.0, 3.0), {"ready": 60}, painted=62, painted_again=2, ready_again=0, paid_again=0, unpaid=0, verified=0, wrong=""
)


def test_small_pictures_are_all_ready_once_although_their_worker_is_killed_all_the_time(stack: Stack) -> None:
    pictures, kills = (2000, 20) if FULL else (60, 3)
    went = storm(stack, pictures, kills, seed=3)
    # After the last kill there may be nothing left to become ready.
    assert went.whole and len(went.recoveries) >= kills - 1, "\n".join([*went.lines(), stack.logs()])


@pytest.mark.parametrize(
    "wrong",
    [
        {"statuses": {"ready": 59, "failed": 1}},
        {"statuses": {"ready": 59}},
        {"painted_again": 7},
        {"ready_again": 1},
        {"paid_again": 1},
        {"unpaid": 1},
        {"verified": 1},
    ],
)
def test_a_storm_that_did_harm_says_so(wrong: dict[str, object]) -> None:
    assert CALM.whole
    assert not dataclasses.replace(CALM, **wrong).whole  # type: ignore[arg-type]
