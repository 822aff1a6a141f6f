"""What the work in hand belongs to: the request it came from, over the bell to the worker and on to the server that paints, and the row."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

HEADER = "X-Request-Id"
MESSAGE_HEADER = "request_of_adsgem"  # of a bell
AN_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")

REQUEST: ContextVar[str] = ContextVar("request", default="")
ROW: ContextVar[str] = ContextVar("row", default="")


def for_the_bell() -> dict[str, Any]:
    """Headers of a message: the request that rings."""
    return {MESSAGE_HEADER: REQUEST.get()} if REQUEST.get() else {}


def of_the_bell(message: Any) -> str:
    """The request that rang, from Celery's request of a task; empty where none did, or where it is no id."""
    told = getattr(message, MESSAGE_HEADER, None) or (getattr(message, "headers", None) or {}).get(MESSAGE_HEADER)
    return told if isinstance(told, str) and AN_ID.fullmatch(told) else ""


def for_a_server() -> dict[str, str]:
    """Headers for a server that works for us: its log and ours can be laid side by side."""
    named = REQUEST.get() or ROW.get()
    return {HEADER: named} if named else {}
