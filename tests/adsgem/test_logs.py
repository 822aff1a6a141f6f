"""What is logged carries the ids of request and order, and nothing secret."""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task
from django.test import Client

from adsgem import logs
from adsgem.logs import JsonLine, Redact, redacted

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
