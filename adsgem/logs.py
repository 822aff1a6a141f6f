"""What is logged: as lines for people or as JSON, with the ids of request and order, and without anything secret.

LOG_FORMAT=json gives one object a line. The id of a request comes from `X-Request-Id` where a proxy sets one that looks like an id; a task
carries the id of the row it was rung for, and of the request that rang (`keeping/trace.py`). What looks like a secret is taken out of every line, whoever wrote it (RELIABILITY: S-24).
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from celery.signals import task_postrun, task_prerun
from django.http import HttpRequest, HttpResponseBase

from keeping import trace
from keeping.trace import AN_ID, HEADER, REQUEST, ROW

GONE = "[removed]"

# What is kept of each (a name before the secret), and what goes.
SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)(\b(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}",
        r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",  # a JSON web token
        r"()\b(?:sk|pk|ak|whsec|ghp|xox[abp])[-_][A-Za-z0-9_+/=-]{8,}",  # keys by their usual beginnings
        r"(?i)([?&](?:key|token|signature|sig|password|x-amz-signature|x-amz-credential)=)[^&\s\"']+",
        (
            r"(?i)([\"']?\b(?:password|passwd|secret|api[_-]?key|access|refresh|authorization|cookie|csrfmiddlewaretoken)[\"']?\s*[:=]\s*[\"']?)"
            r"[^\s\"',;}&]+"
        ),
        r"(://)[^/\s:@]+:[^/\s@]+(?=@)",  # name and password in an address
        r"()[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # e-mail addresses
    )
)


def redacted(text: str) -> str:
    """The text without what looks like a secret or like somebody's e-mail address."""
    for pattern in SECRETS:
        text = pattern.sub(rf"\g<1>{GONE}", text)
    return text


class Redact(logging.Filter):
    """Takes secrets out of a record, its arguments and its trace, before anybody writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the line stays, without its secrets."""
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = redacted("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        record.request, record.row = REQUEST.get(), ROW.get()
        return True


class JsonLine(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, who wrote it, what; ids where there are some."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: value for name in ("request", "row") if (value := getattr(record, name, ""))}
        if record.exc_text:
            told["trace"] = record.exc_text
        return json.dumps(told, ensure_ascii=False)


class RequestId:
    """Gives each request an id, answers with it, and lets every line that is logged meanwhile carry it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The answer, with its id."""
        if iscoroutinefunction(self):
            return self._later(request)
        name = REQUEST.set(_id_of(request))
        try:
            return _named(self.get_response(request))
        finally:
            REQUEST.reset(name)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        name = REQUEST.set(_id_of(request))
        try:
            return _named(await self.get_response(request))
        finally:
            REQUEST.reset(name)


def _id_of(request: HttpRequest) -> str:
    told = request.headers.get(HEADER, "")
    return told if AN_ID.fullmatch(told) else uuid4().hex


def _named(response: HttpResponseBase) -> HttpResponseBase:
    response[HEADER] = REQUEST.get()
    return response


@task_prerun.connect
def _begins(task: Any = None, args: Any = (), **kwargs: Any) -> None:
    ROW.set(str(args[0]) if args else "")
    if not task.request.is_eager:  # run in the middle of a request, it belongs to that already
        REQUEST.set(trace.of_the_bell(task.request))


@task_postrun.connect
def _is_over(task: Any = None, **kwargs: Any) -> None:
    ROW.set("")
    if not task.request.is_eager:
        REQUEST.set("")
