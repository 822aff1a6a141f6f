"""Errors to Sentry, for whoever sets SENTRY_DSN and installs sentry-sdk: without what looks like a secret, and without anything of a person."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.conf import settings

from adsgem.logs import redacted
from keeping.trace import REQUEST, ROW

MISSING = "SENTRY_DSN is set, and the package sentry-sdk is not installed: errors are not reported."


def can() -> bool:
    """Whether the package is there."""
    return find_spec("sentry_sdk") is not None


def begin() -> None:
    """Report errors from now on, where that is wished for and can be done. `manage.py check` tells when it cannot."""
    if not settings.SENTRY_DSN or not can():
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.VERSION,
        send_default_pii=False,
        include_local_variables=False,  # words of marketers, keys, whole pictures
        max_request_body_size="never",
        max_breadcrumbs=0,  # queries and earlier lines are in the log, by the same id
        before_send=_fit_to_leave,
    )


def _fit_to_leave(event: Any, hint: dict[str, Any]) -> Any:
    """The event with the ids of our log, and with every text looked at as each line of that log is."""
    event.pop("request", None)  # its path may hold the token of a review link
    event.pop("user", None)
    if trace := getattr(hint.get("log_record"), "exc_text", None):  # a line of our log keeps its traceback as text
        event["extra"] = {**(event.get("extra") or {}), "trace": trace}
    cleaned = _without_secrets(event)
    cleaned["tags"] = {
        **(cleaned.get("tags") or {}),
        **{name: told for name, told in (("request", REQUEST.get()), ("row", ROW.get())) if told},
    }
    return cleaned


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return value
