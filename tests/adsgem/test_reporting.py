"""What Sentry is told, by a server that stands in for it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest

from adsgem import __version__ as VERSION
from adsgem import reporting
from adsgem.checks import errors_can_be_reported
from tests.adsgem.test_settings import environment, python

FAILS = """
import logging
import django; django.setup()
from keeping import trace
trace.REQUEST.set("from-the-proxy-4")
secret_of_a_local = "a-local-that-stays-here"
try:
    raise ValueError("Bearer abcdefgh12345678 of mia@example.com was refused")
except ValueError:
    logging.getLogger("generations").exception("password=hunter2-hunter2 does not work")
import sentry_sdk
sentry_sdk.flush(10)
"""


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[str]]]:
    """Its address with a key, and what it was sent."""
    heard: list[str] = []

    class Listens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.headers.get("Content-Encoding", ""), bytes)
            heard.append(unpack(body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://key@127.0.0.1:{server.server_port}/1", heard
    server.shutdown()
    server.server_close()


def test_an_error_is_reported_with_its_request_and_without_anything_secret(sentry: tuple[str, list[str]], tmp_path: Path) -> None:
    address, heard = sentry
    done = python("-c", FAILS, env=environment(tmp_path, SENTRY_DSN=address))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for envelope in heard for line in envelope.splitlines() if '"logentry"' in line]
    assert len(events) == 1, heard
    event = events[0]
    assert "ValueError: " in event["extra"]["trace"] and event["tags"]["request"] == "from-the-proxy-4"
    assert event["release"] == VERSION
    for secret in ("abcdefgh12345678", "mia@example.com", "hunter2", "a-local-that-stays-here"):
        assert secret not in "".join(heard)


def test_nobody_is_told_anything_without_the_setting(sentry: tuple[str, list[str]], tmp_path: Path) -> None:
    done = python("-c", FAILS, env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert sentry[1] == []


@pytest.mark.parametrize(
    ("dsn", "there", "found"),
    [("", False, 0), ("https://key@sentry.example.com/1", True, 0), ("https://key@sentry.example.com/1", False, 1)],
)
def test_a_missing_package_is_said_by_check(dsn: str, there: bool, found: int, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SENTRY_DSN = dsn
    monkeypatch.setattr(reporting, "can", lambda: there)
    told = errors_can_be_reported(None)
    assert len(told) == found and all(each.msg == reporting.MISSING for each in told)
