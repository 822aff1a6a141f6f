"""Workers whose clocks are wrong, and one whose clock jumps (RELIABILITY: F-29). Leases and waiting times are the database's, so nobody minds."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.chaos.conftest import few
from tests.chaos.needs import needs
from tests.chaos.stack import Stack

pytestmark = pytest.mark.chaos
ON_POSTGRES = "postgres"
# Waiting goes by the monotonic clock, which nobody can set. The wall clock is what goes wrong on real machines.
WALL_CLOCK_ONLY = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}

LEASE = "30"  # a busy machine may hold a heartbeat up for a while; a clock that counted would be wrong by far more


def wrong_by(offset: str) -> tuple[str, ...]:
    return ("faketime", "-m", "-f", offset)


@pytest.mark.parametrize("stack", [ON_POSTGRES], indirect=True)
def test_workers_two_hours_early_and_two_hours_late_take_nothing_from_each_other(stack: Stack) -> None:
    needs("faketime")
    stack.extra["LEASE_SECONDS"] = LEASE
    stack.start("web", "worker-right")
    stack.start("worker-early", "sweep-early", prefix=wrong_by("+2h"), **WALL_CLOCK_ONLY)
    stack.start("worker-late", "sweep-late", prefix=wrong_by("-2h"), **WALL_CLOCK_ONLY)
    made = [stack.order(seed=10 * each, variations=2) for each in range(max(5, few(40)))]
    all_ready_once(stack, made)
    hands = "SELECT count(DISTINCT date_trunc('hour', finished_at)) FROM generations_picture"
    assert stack.rows(hands)[0][0] >= 2, f"only one of the workers worked\n{stack.logs()}"


@pytest.mark.parametrize("stack", [ON_POSTGRES], indirect=True)
def test_a_clock_that_jumps_back_and_forth_while_a_worker_works_changes_nothing(stack: Stack) -> None:
    needs("faketime")
    clock = stack.folder / "clock"
    clock.write_text("+0")
    found = subprocess.run([*wrong_by("+0"), "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True).stdout.strip()
    jumping = {"LD_PRELOAD": found, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", **WALL_CLOCK_ONLY}
    stack.extra["LEASE_SECONDS"] = LEASE
    stack.start("web", "worker-right")
    stack.start("worker-jumping", "sweep-jumping", **jumping)
    made = [stack.order(seed=10 * each, variations=2) for each in range(max(4, few(40)))]
    for offset in ("+2h", "-2h", "+2h", "-2h", "+0"):
        clock.write_text(offset)
        time.sleep(0.7)
    all_ready_once(stack, made)


def all_ready_once(stack: Stack, generations: list[str]) -> None:
    """No picture was taken out of hands that held it: each was claimed once and painted once."""
    assert {stack.ended(generation)["status"] for generation in generations} == {"ready"}
    assert stack.rows("SELECT DISTINCT attempt, deaths FROM generations_picture") == [(1, 0)]
    painted = stack.calls("paint")
    assert len(painted) == len(set(painted)) == 2 * len(generations)
    stack.verify()
