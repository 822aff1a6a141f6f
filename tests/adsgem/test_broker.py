"""The embedded bell: what is put is got once, the urgent first, by one process only."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from adsgem import broker

broker.register()
PICTURES = Queue("pictures")


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Connection]:
    """A bell of this test's own."""
    with Connection(address(tmp_path)) as connection:
        yield connection


def address(folder: Path) -> str:
    return f"{broker.SCHEME}://localhost/{folder}/bell.sqlite3"


def ring(connection: Connection, *bodies: object, queue: str = "pictures", priority: int = 0) -> None:
    with connection.Producer() as producer:
        for body in bodies:
            producer.publish(body, routing_key=queue, declare=[Queue(queue)], priority=priority)


def hear(connection: Connection, queue: str = "pictures") -> list[object]:
    """Everything that waits, taken off the queue."""
    heard, channel = [], connection.default_channel
    while message := channel.basic_get(queue):
        heard.append(message.decode())
        message.ack()
    return heard


def test_what_is_rung_is_heard_once_and_in_order(bell: Connection) -> None:
    ring(bell, "one", "two", "three")
    assert hear(bell) == ["one", "two", "three"]
    assert hear(bell) == []


def test_the_urgent_is_heard_first(bell: Connection) -> None:
    ring(bell, "calm", priority=0)
    ring(bell, "urgent", priority=9)
    ring(bell, "soon", priority=5)
    assert hear(bell) == ["urgent", "soon", "calm"]


def test_one_queue_does_not_hear_the_other(bell: Connection) -> None:
    ring(bell, "a word", queue="words")
    assert hear(bell, "pictures") == []
    assert hear(bell, "words") == ["a word"]


def test_a_worker_that_looked_in_vain_hears_the_next_ring_of_another_process(bell: Connection, tmp_path: Path) -> None:
    assert hear(bell) == []
    with Connection(address(tmp_path)) as other:
        ring(other, "from elsewhere")
    assert hear(bell) == ["from elsewhere"]


def test_a_worker_that_looked_in_vain_hears_its_own_ring(bell: Connection) -> None:
    assert hear(bell) == []
    ring(bell, "from here")
    assert hear(bell) == ["from here"]


def test_nothing_is_searched_while_nothing_has_changed(bell: Connection) -> None:
    channel = bell.default_channel
    assert hear(bell) == []
    seen: list[str] = []
    channel.file.set_trace_callback(seen.append)
    for _ in range(20):
        assert channel.basic_get("pictures") is None
    assert len(seen) == 20
    assert all("data_version" in statement for statement in seen)


def test_queues_are_counted_and_emptied(bell: Connection) -> None:
    ring(bell, "one", "two")
    channel = bell.default_channel
    assert channel.queue_declare("pictures").message_count == 2
    assert channel.queue_purge("pictures") == 2
    assert hear(bell) == []


def test_what_was_taken_and_not_acknowledged_comes_back_when_a_worker_stops_cleanly(tmp_path: Path) -> None:
    with Connection(address(tmp_path)) as first:
        ring(first, "unfinished")
        assert first.default_channel.basic_get("pictures") is not None
    with Connection(address(tmp_path)) as second:
        assert hear(second) == ["unfinished"]


def test_messages_are_json_in_a_file_of_the_bells_own(bell: Connection, tmp_path: Path) -> None:
    ring(bell, {"picture": 1})
    (text,) = sqlite3.connect(tmp_path / "bell.sqlite3").execute("SELECT message FROM bell").fetchone()
    assert json.loads(text)["content-type"] == "application/json"


def test_a_bell_that_a_power_cut_broke_is_put_aside_and_rings_again(tmp_path: Path) -> None:
    with Connection(address(tmp_path)) as before:
        ring(before, *range(100))
    path = tmp_path / "bell.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    broker.mend(address(tmp_path))
    with Connection(address(tmp_path)) as after:
        ring(after, "again")
        assert hear(after) == ["again"]


def test_a_sound_bell_is_left_as_it_is(bell: Connection, tmp_path: Path) -> None:
    ring(bell, "still here")
    broker.mend(address(tmp_path))
    assert hear(bell) == ["still here"]


def test_a_broken_bell_is_told_as_a_connection_error_so_that_no_request_fails(tmp_path: Path) -> None:
    (tmp_path / "bell.sqlite3").write_bytes(b"this is no database" * 100)
    with Connection(address(tmp_path)) as connection, pytest.raises(OperationalError), connection._reraise_as_library_errors():
        ring(connection, "unheard")


def _first_look(place: str) -> str:
    with Connection(place) as connection:
        return str(hear(connection))


def test_processes_that_open_a_new_bell_in_the_same_moment_do_not_lock_each_other_out(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        for number in range(10):
            folder = tmp_path / str(number)
            folder.mkdir()
            assert pool.map(_first_look, [address(folder)] * 6, chunksize=1) == ["[]"] * 6


def _listen(place: str, heard: object) -> None:
    """Take messages until none has come for a while."""
    with Connection(place) as connection:
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 3.0:
            for body in hear(connection):
                heard.put(body)  # type: ignore[attr-defined]
                quiet_since = time.monotonic()
            time.sleep(0.01)


def test_four_processes_that_start_together_share_the_work_without_a_double(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    heard = spawn.Queue()
    workers = [spawn.Process(target=_listen, args=(address(tmp_path), heard)) for _ in range(4)]
    for worker in workers:
        worker.start()
    with Connection(address(tmp_path)) as bell:
        ring(bell, *range(200))
    got = [heard.get(timeout=20) for _ in range(200)]
    for worker in workers:
        worker.join(10)
        assert worker.exitcode == 0
    assert sorted(got) == list(range(200))
    assert heard.empty()
