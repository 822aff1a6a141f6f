"""What is logged carries the ids of request and order, and nothing secret."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app, shared_task
from celery.contrib.testing.worker import start_worker
from celery.signals import worker_ready
from django.test import Client

from adsgem import logs
from adsgem.celery import sweep_beside_the_work
from adsgem.logs import JsonLine, Redact, redacted
from comfy.wire import Address, Wire
from keeping import bell, trace

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLWl0"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        (f"refused {TOKEN} of somebody", TOKEN),
        ("the key sk-proj-abcdefgh12345678 was refused", "sk-proj-abcdefgh12345678"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("GET /files/x?key=abc.def&size=thumb", "abc.def"),
        ("https://bucket/x?X-Amz-Signature=0123456789abcdef&a=1", "0123456789abcdef"),
        ('{"password": "correct horse"}', "correct"),
        ("{'api_key': 'top-secret-1'}", "top-secret-1"),
        ("postgres://adsgem:hunter22@db/adsgem", "hunter22"),
        ("could not write to mia.miravel+ads@example.co.uk", "mia.miravel"),
    ],
)
def test_a_secret_is_taken_out_and_the_rest_stays(line: str, secret: str) -> None:
    told = redacted(line)
    assert secret not in told and logs.GONE in told
    assert redacted(told) == told


@pytest.mark.parametrize("line", ["Picture 7f3c is ready", "3 of 4 tokens were used", "https://example.com/a?size=thumb", "a:b@c"])
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


def written(*, name: str = "generations", **how: Any) -> dict[str, Any]:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, how.get("msg", "x"), how.get("args"), how.get("exc_info"))
    assert Redact().filter(record)
    told: dict[str, Any] = json.loads(JsonLine().format(record))
    return told


def test_arguments_and_traces_are_looked_at_too() -> None:
    assert TOKEN not in str(written(msg="refused %s", args=(TOKEN,)))
    try:
        raise ValueError(f"Bearer {TOKEN}")
    except ValueError as error:
        told = written(msg="It failed", exc_info=(type(error), error, error.__traceback__))
    assert TOKEN not in str(told) and "Traceback" in told["trace"] and "ValueError" in told["trace"]


def test_every_handler_of_this_installation_takes_secrets_out() -> None:
    from django.conf import settings

    assert all("redact" in handler["filters"] for handler in settings.LOGGING["handlers"].values())


def test_a_request_has_an_id_which_its_lines_carry(db: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": "from-the-proxy-1"})
    assert answer["X-Request-Id"] == "from-the-proxy-1"
    made_up = client.get("/health/live", headers={"X-Request-Id": "a b\nc"})["X-Request-Id"]
    assert len(made_up) == 32 and logs.REQUEST.get() == ""
    name = logs.REQUEST.set("abc")
    assert written()["request"] == "abc"
    logs.REQUEST.reset(name)


@shared_task
def tells(row: str) -> str:
    return str(written().get("row", ""))


def test_a_line_of_a_task_carries_the_row_it_was_rung_for() -> None:
    row = str(uuid4())
    assert tells.apply((row,)).get() == row
    assert "row" not in written()


SEEN: list[tuple[str, str]] = []


@shared_task
def remembers(row: str) -> None:
    told = written()
    SEEN.append((told.get("request", ""), told.get("row", "")))


@pytest.fixture
def no_sweep() -> Iterator[None]:
    """A worker inside a test does not sweep beside its work: nobody would end that thread."""
    worker_ready.disconnect(sweep_beside_the_work)
    yield
    worker_ready.connect(sweep_beside_the_work)


@pytest.mark.django_db(transaction=True)
def test_a_request_is_followed_over_the_bell_to_a_worker(no_sweep: None, monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    first, second = str(uuid4()), str(uuid4())
    monkeypatch.setattr(current_app.conf, "task_routes", {"*": {"queue": "words"}})
    # Threads, as everywhere: a solo worker closes sockets of the database that this process has pooled.
    with start_worker(current_app, pool="threads", concurrency=1, perform_ping_check=False, queues=["words"], shutdown_timeout=30):
        name = trace.REQUEST.set("from-the-proxy-2")
        bell.ring(remembers, first)  # type: ignore[arg-type]
        trace.REQUEST.reset(name)
        bell.ring(remembers, second)  # type: ignore[arg-type]
        done = threading.Event()
        for _ in range(300):
            if len(SEEN) >= 2:
                break
            done.wait(0.1)
    assert sorted(SEEN) == sorted([("from-the-proxy-2", first), ("", second)])


@pytest.mark.parametrize("told", ["short", "two words are no id", "x" * 65, 7, None, {"a": "b"}])
def test_what_a_bell_brings_along_is_an_id_or_nothing(told: Any) -> None:
    assert trace.of_the_bell(SimpleNamespace(headers={trace.MESSAGE_HEADER: told})) == ""
    assert trace.of_the_bell(SimpleNamespace(headers=None)) == ""
    assert trace.of_the_bell(SimpleNamespace(headers={trace.MESSAGE_HEADER: "from-the-proxy-2"})) == "from-the-proxy-2"


def test_a_server_that_paints_is_told_for_whom() -> None:
    seen: list[str | None] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["X-Request-Id"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        wire = Wire(Address(f"http://127.0.0.1:{server.server_port}"))
        wire.read("/system_stats")
        row = trace.ROW.set("a-row-of-ours")
        wire.read("/system_stats")
        name = trace.REQUEST.set("from-the-proxy-3")
        wire.read("/system_stats")
        trace.REQUEST.reset(name)
        trace.ROW.reset(row)
    finally:
        server.shutdown()
        server.server_close()
    assert seen == [None, "a-row-of-ours", "from-the-proxy-3"]
