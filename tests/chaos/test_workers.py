"""Workers that freeze, hang, eat memory or die of one order; bells that are lost, tripled or cannot be rung (RELIABILITY: F-3 to F-9, F-43)."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import boto3
import pytest
import redis

from tests.chaos.conftest import FULL, few
from tests.chaos.stack import ROOT, Stack, answers, free_port, until
from tests.people import PRODUCTS

pytestmark = pytest.mark.chaos
SEGFAULTS, EATS_MEMORY, HANGS = 667_000, 668_000, 669_000  # seeds (tests.chaos.plugged)
WORKER_MEMORY = 6_000_000_000  # bytes of address space


def orders(stack: Stack, number: int) -> list[str]:
    return [stack.order(seed=100 + each) for each in range(number)]


def all_ready_once(stack: Stack, generations: list[str]) -> None:
    """Every order is ready, and no picture was painted twice."""
    for generation in generations:
        assert stack.ended(generation)["status"] == "ready"
    painted = stack.calls("paint")
    assert len(painted) == len(set(painted)) == len(generations)
    stack.verify()


def test_an_emptied_queue_costs_nothing_but_a_moment(stack: Stack) -> None:
    """All bells are lost while the orders wait; the sweep rings again."""
    stack.start("web")
    made = orders(stack, few(50))
    if stack.back_end == "postgres":
        redis.Redis.from_url(stack.redis_url).flushdb()
    else:
        with sqlite3.connect(stack.data / "bell.sqlite3", timeout=20) as bell:
            assert bell.execute("DELETE FROM bell").rowcount >= len(made)
    stack.start("worker", "sweep")
    all_ready_once(stack, made)


RING_THRICE = """
import django; django.setup()
from generations import tasks
from generations.models import Generation, Picture
for _ in range(3):
    for pk in Generation.objects.values_list("pk", flat=True):
        tasks.write_generation.apply_async((str(pk),), ignore_result=True)
    for pk in Picture.objects.values_list("pk", flat=True):
        tasks.make_picture.apply_async((str(pk),), ignore_result=True)
"""


def test_every_bell_rung_three_times_makes_each_picture_once(stack: Stack) -> None:
    stack.start("web")
    made = orders(stack, few(30))
    stack.start("worker-a", "worker-b", "sweep")
    subprocess.run([str(ROOT / ".venv/bin/python"), "-c", RING_THRICE], cwd=ROOT, env=stack.environment(), check=True, timeout=60)
    all_ready_once(stack, made)


@pytest.mark.parametrize("point", ["K13", "K15"] if FULL else ["K13"])
def test_a_frozen_worker_that_wakes_up_late_changes_nothing(stack: Stack, point: str) -> None:
    """Another worker finishes meanwhile; what the sleeper writes then meets the fence."""
    stack.start("web", "sweep")
    stack.start("worker-a", crash={"name": point, "signal": int(signal.SIGSTOP)})
    generation = stack.order()
    until(lambda: stack.crashed(point), "The freezing")
    if not stack.takes_writes():
        # On SQLite, whoever is frozen inside a write holds up everybody until it goes on; nothing is lost.
        stack.kill("worker-a", signal.SIGCONT)
        assert stack.ended(generation)["status"] == "ready"
        stack.verify()
        return
    stack.start("worker-b")
    made = stack.ended(generation)
    assert made["status"] == "ready"
    before = stack.rows("SELECT id, status, file_id, attempt FROM generations_ad ORDER BY id")
    stack.kill("worker-a", signal.SIGCONT)
    time.sleep(4)
    assert stack.rows("SELECT id, status, file_id, attempt FROM generations_ad ORDER BY id") == before
    fenced = stack.rows("SELECT count(*) FROM generations_step WHERE error LIKE 'Another worker had it%'")[0][0]
    assert fenced >= 1, stack.logs()
    stack.verify()


POISON = [(SEGFAULTS, "after several tries"), (EATS_MEMORY, "Something went wrong on our side")]


@pytest.mark.parametrize(("seed", "sentence"), POISON if FULL else POISON[:1])
def test_a_poison_pill_fails_in_the_end_and_its_neighbours_end_ready(stack: Stack, seed: int, sentence: str) -> None:
    stack.start("web", "sweep")
    stack.start("worker", prefix=("prlimit", f"--as={WORKER_MEMORY}"))
    poison = stack.order(seed=seed)
    neighbours = orders(stack, 4)
    made = stack.ended(poison)
    assert made["status"] == "failed" and sentence in made["pictures"][0]["error"]["detail"], made
    for generation in neighbours:
        assert stack.ended(generation)["status"] == "ready"
    deaths = stack.rows("SELECT max(deaths) FROM generations_picture WHERE status = 'ready'")[0][0]
    assert deaths <= 1, "only what was in hand when the worker died the first time"
    stack.verify()


def test_an_order_that_hangs_is_given_back_at_its_deadline(stack: Stack) -> None:
    stack.extra["DEADLINE_SECONDS"] = "6"
    stack.start("web", "worker", "sweep")
    began = time.monotonic()
    made = stack.ended(stack.order(seed=HANGS), seconds=30)
    assert made["status"] == "failed" and "in time" in made["pictures"][0]["error"]["detail"]
    assert time.monotonic() - began < 15
    # The deadline of this order is as short: a machine that is busy may need longer for it, and that says nothing of the thread.
    until(
        lambda: stack.ended(stack.order())["status"] == "ready",
        "The next order is made: the other thread of the worker goes on",
    )
    stack.verify()


def test_an_order_is_taken_quickly_while_the_broker_is_away_and_made_when_it_is_back(stack: Stack, tmp_path: Path) -> None:
    if stack.back_end == "sqlite":
        broken = stack.data / "bell.sqlite3"
        with sqlite3.connect(broken, timeout=20) as bell:
            bell.execute("BEGIN EXCLUSIVE")  # the file is there, and nobody can ring
            stack.start("web")
            began = time.monotonic()
            generation = stack.order()
            assert time.monotonic() - began < 25
            bell.rollback()
        stack.start("worker", "sweep")
        assert stack.ended(generation)["status"] == "ready"
        return
    port, there = free_port(), stack.redis_url
    stack.redis_url = f"redis://127.0.0.1:{port}/0"
    server = None
    try:
        stack.start("web", "worker", "sweep")
        stack.template()
        began = time.monotonic()
        generation = stack.order()
        assert time.monotonic() - began < 2
        alone = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
        server = subprocess.Popen(["redis-server", "--port", str(port), *alone], stdout=subprocess.DEVNULL)
        assert stack.ended(generation)["status"] == "ready"
        stack.verify()
    finally:
        stack.redis_url = there
        if server:
            server.terminate()
            server.wait()


class Gate:
    """A door in front of a server: closed, every connection is cut, those that are open, too."""

    def __init__(self, port: int) -> None:
        self.behind, self.open, self.pairs = port, True, list[socket.socket]()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._let_in, daemon=True).start()

    def shut(self) -> None:
        self.open = False
        for each in self.pairs:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self.door.close()

    def _let_in(self) -> None:
        while True:
            try:
                guest, _ = self.door.accept()
            except OSError:
                return
            if not self.open:
                guest.close()
                continue
            inside = socket.create_connection(("127.0.0.1", self.behind))
            self.pairs += [guest, inside]
            for source, target in ((guest, inside), (inside, guest)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def move_to_s3(stack: Stack, address: str) -> None:
    """All files of an installation, in a bucket of their own."""
    who = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=address, **who)
    s3.create_bucket(Bucket="ads")
    media = stack.data / "media"
    for file in media.rglob("*.*"):
        s3.upload_file(str(file), "ads", str(file.relative_to(media)))


def test_orders_wait_for_a_store_that_does_not_answer(stack: Stack) -> None:
    """Files are on S3, and S3 goes away for a while: nothing is ready that has no file, and no try is lost."""
    bucket, gate = free_port(), None
    server = subprocess.Popen(
        [str(ROOT / ".venv/bin/moto_server"), "-p", str(bucket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{bucket}/"), "The S3 server answers")
        move_to_s3(stack, f"http://127.0.0.1:{bucket}")
        gate = Gate(bucket)
        keys = {"S3_ACCESS_KEY_ID": "test", "S3_SECRET_ACCESS_KEY": "test", "S3_REGION": "us-east-1"}
        stack.extra |= {"S3_BUCKET": "ads", "S3_ENDPOINT_URL": f"http://127.0.0.1:{gate.port}", **keys}
        stack.start("web", "sweep")
        stack.photo = stack.post("photos", files={"file": ("can.jpg", (PRODUCTS / "can.jpg").read_bytes(), "image/jpeg")}).json()["id"]
        made = orders(stack, 2)
        gate.shut()
        stack.start("worker")
        until(lambda: stack.rows("SELECT 1 FROM generations_breaker WHERE name = 'files' AND open_until > 0"), "The pause")
        assert stack.rows("SELECT count(*) FROM generations_ad WHERE status = 'ready'") == [(0,)]
        gate.open = True
        for generation in made:
            assert stack.ended(generation)["status"] == "ready"
        stack.verify()
    finally:
        if gate:
            gate.close()
        server.kill()
        server.wait()


def test_two_sweeps_and_two_hourly_rounds_do_each_thing_once(stack: Stack) -> None:
    stack.start("web", "worker-a", "worker-b", "sweep-a", "sweep-b")
    all_ready_once(stack, orders(stack, few(40)))


def test_calls_are_written_down(stack: Stack) -> None:
    """The tests above count calls: the counting must work."""
    stack.start("web", "worker", "sweep")
    stack.ended(stack.order())
    assert [json.loads(line)["kind"] for line in stack.log_file.read_text().splitlines()] == ["write", "paint"]


def test_a_worker_of_an_old_release_ends_on_the_tables_of_a_new_one(stack: Stack) -> None:
    stack.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('generations', '9999_from_the_future', CURRENT_TIMESTAMP)")
    for name in ("worker", "sweep"):
        ended = subprocess.run(stack.command(name), cwd=ROOT, env=stack.environment(), capture_output=True, text=True, timeout=60)
        assert ended.returncode == 75, ended.stderr
        assert "brought up to date by newer code (generations.9999_from_the_future)" in ended.stderr
