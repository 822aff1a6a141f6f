"""Four clients and a nemesis: what the clients saw can be true, whatever happened (RELIABILITY: the Jepsen-style run)."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.conftest import FULL
from tests.chaos.history import CLIENTS, FIRST_CREDITS, End, Nemesis, Op, Order, faults, run, save
from tests.chaos.stack import Stack, TooSlow

pytestmark = pytest.mark.chaos


def test_what_four_clients_saw_while_everything_was_killed_frozen_and_cut_can_be_true(stack: Stack) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"CHAOS_SEED={seed}")
    ops, end, done = run(stack, 300 if FULL else 25, seed)
    save(ops, stack.folder / "history.jsonl")
    print(
        sorted(Counter((op.kind, op.end) for op in ops).items()), Counter(done), Counter(order[0].status for order in end.orders.values())
    )
    assert faults(ops, end) == [], f"CHAOS_SEED={seed}, {stack.folder}"
    # The run was worth something: every kind of thing was done and worked, and every kind of harm was done.
    missing = {"order", "read", "top up", "balance"} - {op.kind for op in ops if op.ok and op.client < CLIENTS}
    if missing:
        raise TooSlow(f"Between all the harm there was no time for: {', '.join(sorted(missing))}")
    assert set(done) == {kind.__name__ for kind in Nemesis(stack, seed).kinds}
    stack.verify()


def test_a_nemesis_with_the_same_seed_does_the_same(tmp_path: Any) -> None:
    first, again, other = (Nemesis(Stack(tmp_path, "postgres"), seed) for seed in (5, 5, 6))
    plans = [[kind.__name__ for kind in nemesis.dice.sample(nemesis.kinds, len(nemesis.kinds))] for nemesis in (first, again, other)]
    assert plans[0] == plans[1] != plans[2]


# --- the checker: one history that can be true, and what is made wrong in it


def a_true_history() -> tuple[list[Op], End]:
    """A top-up, an order of two pictures of which one fails, one that is cancelled, and one of which nobody knew for long."""
    making = {"g1": "making", "p1": "painting", "p2": "waiting", "a1": "waiting"}
    partly = {"g1": "partly", "p1": "ready", "p2": "failed", "a1": "ready"}
    cancelled = {"g2": "cancelled", "p3": "cancelled", "a3": "cancelled"}
    ops = [
        Op(0, "top up", "t1", 0, 1, "ok", told={"credits": 10}),
        Op(0, "order", "k1", 2, 3, "ok", seen={"g1": "waiting", "p1": "waiting", "p2": "waiting"}, got={"id": "g1"}),
        balance(4, 5, 8, 2),
        Op(1, "read", "g1", 6, 7, "ok", seen=making),
        Op(1, "top up", "t2", 7.1, 7.2, "unknown", told={"credits": 5}),
        Op(2, "read", "g1", 8, 9, "ok", seen=partly),
        balance(10, 11, 14, 0),
        Op(3, "order", "k2", 12, 13, "ok", seen={"g2": "waiting", "p3": "waiting", "a3": "waiting"}, got={"id": "g2"}),
        Op(3, "cancel", "g2", 14, 15, "ok", seen=cancelled),
        Op(3, "order", "k3", 16, 17, "unknown"),
        Op(2, "order", "k4", 16, 17, "fail", got={"code": 402}),
        Op(2, "order", "k5", 16, 17, "unknown"),
        Op(0, "download", "a1", 18, 19, "ok", got={"sha256": "aa"}),
        Op(1, "download", "a1", 20, 21, "ok", got={"sha256": "aa"}),
        balance(22, 23, 13, 1),
        Op(3, "order", "k3", 24, 25, "ok", seen={"g3": "ready", "p4": "ready"}, got={"id": "g3"}),
        balance(26, 27, 13, 0),
    ]
    orders = {
        "k1": [Order("g1", "partly", {"p1": ("ready", 1), "p2": ("failed", 1)})],
        "k2": [Order("g2", "cancelled", {"p3": ("cancelled", 1)})],
        "k3": [Order("g3", "ready", {"p4": ("ready", 1)})],
    }
    return ops, End(orders, {"t1": [10], "t2": [5]}, {"a1": "aa"})


def balance(began: float, ended: float, available: int, held: int) -> Op:
    return Op(0, "balance", "credits", began, ended, "ok", got={"available": available, "held": held})


def changed(index: int, **what: Any) -> list[str]:
    """What the checker says when one operation of the true history was another."""
    ops, end = a_true_history()
    ops[index] = replace(ops[index], **what)
    return faults(ops, end)


def at_the_end(**what: Any) -> list[str]:
    """What it says when something else was there at the end."""
    ops, end = a_true_history()
    return faults(ops, replace(end, **what))


def and_then(*more: Op) -> list[str]:
    """What it says when something was seen afterwards."""
    ops, end = a_true_history()
    return faults([*ops, *more], end)


def orders(**what: list[Order]) -> dict[str, list[Order]]:
    return {**a_true_history()[1].orders, **what}  # type: ignore[dict-item]


def test_a_history_that_can_be_true_has_no_faults() -> None:
    assert faults(*a_true_history()) == []
    assert a_true_history()[0][0].told["credits"] < FIRST_CREDITS


def test_an_acknowledged_order_that_is_not_there_is_found() -> None:
    assert any("is not there" in fault for fault in at_the_end(orders=orders(k2=[])))


def test_an_acknowledged_order_that_cannot_be_read_is_found() -> None:
    assert any("could not be found" in fault for fault in and_then(Op(1, "read", "g1", 30, 31, "fail", got={"code": 404})))


def test_an_order_that_never_ends_is_found() -> None:
    ends = orders(k3=[Order("g3", "making", {"p4": ("ready", 1)})])
    assert any("never ended" in fault for fault in at_the_end(orders=ends))


def test_an_unknown_order_that_is_there_twice_is_found() -> None:
    twice = orders(k5=[Order("g5", "ready", {"p5": ("ready", 1)}), Order("g6", "ready", {"p6": ("ready", 1)})])
    assert any("is there 2 times" in fault for fault in at_the_end(orders=twice))


def test_an_order_that_was_refused_and_is_there_is_found() -> None:
    there = orders(k4=[Order("g4", "ready", {"p9": ("ready", 1)})])
    assert any("was refused" in fault for fault in at_the_end(orders=there))


def test_an_order_of_nobody_is_found() -> None:
    assert any("nobody ordered it" in fault for fault in at_the_end(orders=orders(k9=[Order("g9", "ready", {})])))


@pytest.mark.parametrize(("index", "end", "grants"), [(0, "ok", []), (0, "fail", [10]), (4, "unknown", [5, 5])])
def test_a_top_up_that_counts_too_often_or_not_at_all_is_found(index: int, end: str, grants: list[int]) -> None:
    ops, rows = a_true_history()
    ops[index] = replace(ops[index], end=end)
    said = faults(ops, replace(rows, grants={**rows.grants, ops[index].of: grants}))
    assert any(f"Top-up {ops[index].of} ({end}) counts {len(grants)} times." in fault for fault in said)


def test_an_ended_status_that_changes_is_found() -> None:
    assert any("g1 was partly" in fault for fault in and_then(Op(1, "read", "g1", 30, 31, "ok", seen={"g1": "ready"})))
    assert any("p2 was failed" in fault for fault in and_then(Op(1, "read", "g1", 30, 31, "ok", seen={"p2": "ready"})))
    assert any("a1 was ready" in fault for fault in and_then(Op(1, "read", "g1", 30, 31, "ok", seen={"a1": "failed"})))


def test_a_status_that_goes_back_is_found() -> None:
    assert any("p1 was finishing" in fault for fault in and_then(
        Op(1, "read", "g1", 3.1, 3.2, "ok", seen={"p1": "finishing"}), Op(1, "read", "g1", 3.3, 3.4, "ok", seen={"p1": "painting"})
    ))  # fmt: skip


def test_two_reads_at_the_same_time_may_see_different_moments() -> None:
    assert and_then(Op(1, "read", "g1", 7.5, 8.5, "ok", seen={"p1": "painting"})) == []


def test_an_end_that_is_not_the_one_that_was_seen_is_found() -> None:
    ends = orders(k2=[Order("g2", "cancelled", {"p3": ("failed", 1)})])
    assert any("p3 was cancelled" in fault for fault in at_the_end(orders=ends))


def test_something_that_becomes_ready_after_its_cancel_is_found() -> None:
    open_still = {"g2": "cancelled", "p3": "painting", "a3": "waiting"}
    ops, end = a_true_history()
    ops[8] = replace(ops[8], seen=open_still)
    ready = orders(k2=[Order("g2", "cancelled", {"p3": ("ready", 1)})])
    assert any("p3 is ready, but its order g2 was cancelled" in fault for fault in faults(ops, replace(end, orders=ready)))
    late = Op(1, "read", "g2", 30, 31, "ok", seen={"a3": "ready"})
    assert any("a3 is ready, but its order g2 was cancelled" in fault for fault in faults([*ops, late], end))


def test_a_cancel_that_was_acknowledged_and_did_not_stop_the_order_is_found() -> None:
    assert any("but the order was making" in fault for fault in changed(8, seen={"g2": "making"}))


def test_a_file_that_is_not_the_same_twice_is_found() -> None:
    assert any("2 different contents" in fault for fault in changed(13, got={"sha256": "bb"}))
    assert any("other contents than its row" in fault for fault in at_the_end(files={"a1": "cc"}))


@pytest.mark.parametrize(
    ("index", "available", "held"),
    [
        (2, 10, 0),  # an acknowledged order is missing from it
        (2, 9, 2),  # a credit too many
        (2, 8, 1),  # spent, before anything was ready
        (6, 8, 2),  # what ended was not resolved
        (6, 15, 0),  # given back, although one was ready
        (6, 13, 1),  # ended long before
        (14, 13, 2),  # two orders under one key
        (16, 12, 1),  # it went back to what it was before the last order ended
        (16, 8, 0),  # a top-up that was seen before is gone
    ],
)
def test_a_balance_that_cannot_be_is_found(index: int, available: int, held: int) -> None:
    assert any("cannot be" in fault for fault in changed(index, got={"available": available, "held": held}))


def test_a_top_up_of_which_nobody_knows_may_come_at_any_time() -> None:
    assert changed(6, got={"available": 9, "held": 0}) == []
    ops, end = a_true_history()
    later = [
        replace(op, got={**op.got, "available": op.got["available"] - 5}) if op.kind == "balance" and op.began > 5 else op for op in ops
    ]
    assert faults(later, end) == []
    assert faults(later, replace(end, grants={"t1": [10]})) == []
    assert any("cannot be" in fault for fault in faults(ops, replace(end, grants={"t1": [10]})))
