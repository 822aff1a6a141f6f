"""Databases that restart under load, and databases that others hold (RELIABILITY: F-27, F-28)."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.chaos.conftest import FULL, few
from tests.chaos.needs import needs, postgres_programs
from tests.chaos.stack import Stack, free_port
from tests.people import bottle_png

pytestmark = pytest.mark.chaos
ON_SQLITE = "sqlite"
ON_POSTGRES = "postgres"


class Cluster:
    """A PostgreSQL of our own, which may be restarted without asking anybody."""

    def __init__(self) -> None:
        programs = postgres_programs()
        assert programs
        self.programs, self.port = programs, free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        # It does not run as root, and must be able to walk to its folder.
        self.person = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        self.folder = Path(self._run("mktemp", "-d", "-t", "adsgem-chaos-XXXXXXXX").strip())
        self._run(programs / "initdb", "-D", self.folder / "rows", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        listening = f"-h 127.0.0.1 -p {self.port} -k {self.folder}"
        self._control("start", "-o", listening)

    def restart(self) -> None:
        """As if it had crashed: nobody is asked, nothing is finished."""
        self._control("restart", "-m", "immediate")

    def end(self) -> None:
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    def _control(self, *what: str) -> None:
        self._run(self.programs / "pg_ctl", "-D", self.folder / "rows", "-s", "-w", "-l", self.folder / "log", *what)

    def _run(self, *command: str | Path) -> str:
        # Its output goes nowhere: the server would hold a pipe open.
        out = subprocess.PIPE if command[0] == "mktemp" else subprocess.DEVNULL
        # Without our own folder for temporary files: the other person may not enter it.
        world = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        done = subprocess.run([*self.person, *command], cwd="/", env=world, check=True, text=True, stdout=out, timeout=60)
        return done.stdout or ""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    needs("postgres-server")
    made = Cluster()
    yield made
    made.end()


def until_taken(stack: Stack, key: str, body: dict[str, object]) -> str:
    """Order as a patient phone does, which asks again with its key when it was refused or heard nothing. Gives the id."""
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(requests.RequestException):
            answer = stack.post("generations", json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 202:
                return str(answer.json()["id"])
            assert answer.status_code >= 500 or answer.status_code == 429, answer.text
        assert time.monotonic() < deadline, f"No order was taken in 90 s.\n{stack.logs()}"
        time.sleep(0.2)


@pytest.mark.parametrize("stack", [ON_POSTGRES], indirect=True)
def test_a_database_that_crashes_every_other_second_loses_no_order_and_doubles_none(cluster: Cluster, stack: Stack) -> None:
    number, seconds = few(50), 60 if FULL else 6  # two ads each
    stack.extra["LEASE_SECONDS"] = "6"  # longer than a restart takes, as in life: each one must not look like three deaths of a worker
    stack.move(cluster.url, cluster.programs)
    stack.start("web", "worker-a", "worker-b", "sweep")
    bodies = {uuid.uuid4().hex: stack.order_body(seed=10 * each, variations=2) for each in range(number)}
    restarts = 0

    def crash() -> None:
        nonlocal restarts
        while restarts < seconds // 2:
            time.sleep(2)
            cluster.restart()
            restarts += 1

    with ThreadPoolExecutor(4) as people:
        crashing = people.submit(crash)
        orders = list(people.map(lambda each: until_taken(stack, *each), bodies.items()))
        crashing.result()
    ended = {stack.ended(generation)["status"] for generation in orders}
    why = "SELECT error_code, error_message, attempt, deaths, pauses FROM generations_picture WHERE status <> 'ready'"
    assert ended == {"ready"}, stack.rows(why)
    assert len(set(orders)) == number == stack.rows("SELECT count(*) FROM generations_generation")[0][0]
    assert stack.rows(
        "SELECT kind, count(*) FROM accounts_transfer WHERE kind IN ('hold', 'capture', 'void') GROUP BY kind ORDER BY kind"
    ) == [
        ("capture", 2 * number),
        ("hold", 2 * number),
    ]
    # What was painted and could not be written down is painted again: never more than what was in the four hands at each crash.
    assert len(stack.calls("paint")) <= 2 * number + 4 * restarts
    stack.verify()


class Answers:
    """What people hear over HTTP while something goes on: never an error, and never a word about locks."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.orders, self.slowest = stack, list[str](), 0.0

    def ask(self, over: Callable[[], bool]) -> None:
        """Order, read and upload, again and again."""
        while not over():
            for answer in (self._timed(self._order), self._timed(self._read), self._timed(self._upload)):
                assert answer.status_code < 400 or answer.status_code == 429, answer.text
            time.sleep(0.5)

    def _timed(self, request: Callable[[], requests.Response]) -> requests.Response:
        began = time.monotonic()
        answer = request()
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    def _order(self) -> requests.Response:
        answer = self.stack.post("generations", json=self.stack.order_body(seed=600 + len(self.orders)))
        if answer.status_code == 202:
            self.orders.append(answer.json()["id"])
        return answer

    def _read(self) -> requests.Response:
        return self.stack.get("generations")

    def _upload(self) -> requests.Response:
        return self.stack.post("photos", files={"file": ("bottle.png", bottle_png(), "image/png")})

    def all_ready(self) -> None:
        for generation in self.orders:
            assert self.stack.ended(generation)["status"] == "ready"
        assert "database is locked" not in self.stack.logs()
        self.stack.verify()


@pytest.mark.parametrize("stack", [ON_SQLITE], indirect=True)
def test_a_writer_that_holds_the_database_for_long_makes_others_wait_and_nobody_fail(stack: Stack) -> None:
    seconds = 10 if FULL else 3
    stack.start("web", "worker", "sweep")
    answers, held = Answers(stack), threading.Event()
    stack.order()
    with sqlite3.connect(stack.data / "adsgem.sqlite3", timeout=20, isolation_level=None) as other, ThreadPoolExecutor(4) as people:
        other.execute("BEGIN IMMEDIATE")
        asking = [people.submit(answers.ask, held.is_set) for _ in range(4)]
        time.sleep(seconds)
        held.set()
        other.execute("ROLLBACK")
        for each in asking:
            each.result()
    assert answers.slowest > seconds - 1, "nobody had to wait, so nobody was held up"
    answers.all_ready()


@pytest.mark.parametrize("stack", [ON_SQLITE], indirect=True)
def test_eight_writers_never_lock_anybody_out(stack: Stack) -> None:
    stack.start("web", "worker-a", "worker-b", "sweep")
    answers = Answers(stack)
    stack.template()
    end = time.monotonic() + (60 if FULL else 6)

    def write() -> int:
        written = 0
        with contextlib.closing(sqlite3.connect(stack.data / "adsgem.sqlite3", timeout=20, isolation_level=None)) as mine:
            while time.monotonic() < end:
                mine.execute("BEGIN IMMEDIATE")
                mine.execute("UPDATE accounts_brand SET name = name")
                mine.execute("COMMIT")
                written += 1
                time.sleep(0.01)
        return written

    with ThreadPoolExecutor(8 + 2) as crowd:
        writing = [crowd.submit(write) for _ in range(8)]
        asking = [crowd.submit(answers.ask, lambda: time.monotonic() > end) for _ in range(2)]
        assert all(each.result() > 10 for each in writing)
        for each in asking:
            each.result()
    answers.all_ready()
