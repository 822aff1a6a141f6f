"""What `manage.py check` says about this machine: what cannot work is told here, not by a traceback later."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.utils import timezone
from PIL import features

from adsgem import env, reporting
from adsgem.celery import app
from finishing import learned
from finishing.certificates import CertificateError, look_at
from generations import signing

# Each line keeps a promise of the queue: nothing but JSON, no task lost with its worker, no task begun twice while it still runs.
CELERY_PROMISES: dict[str, Any] = {
    "task_serializer": "json",
    "result_serializer": "json",
    "accept_content": ["json"],
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "task_soft_time_limit": 900,
    "task_time_limit": 960,
    "task_publish_retry": False,
    "result_expires": timedelta(days=7),
    "visibility_timeout": 3600,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_soft_shutdown_timeout": 60,
}
POSTGRESQL_PROMISES = ("fsync", "full_page_writes", "synchronous_commit")
CERTIFICATE_ENDS_SOON = timedelta(days=60)
CHAOS_SETTINGS = "tests.chaos.settings"
READABLE = ("painting/scenes", "finishing/fonts")


@register
def type_is_set_with_raqm(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without raqm, scripts that join or run right to left are set wrongly."""
    if features.check("raqm"):
        return []
    hint = "On Debian or Ubuntu: apt-get install libfribidi0. On a Mac: brew install fribidi."
    return [
        checks.Warning(
            "Text layout (raqm) is missing FriBiDi: Arabic, Hebrew and Indic headlines are refused.", hint=hint, id="adsgem.W001"
        )
    ]


@register
def pictures_and_fonts_are_there(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The scenes and fonts that come with AdsGem can be read."""
    folders = [settings.BASE_DIR / name for name in READABLE]
    return [
        Error(f"The folder {folder} is missing, empty or may not be read.", hint="Get a complete copy of the repository.", id="adsgem.E001")
        for folder in folders
        if not (os.access(folder, os.R_OK | os.X_OK) and any(folder.iterdir()))
    ]


@register
def the_cut_out_model_can_be_used(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A model that is set and cannot be used is told of; products are cut out without it meanwhile."""
    path = settings.CUTOUT_MODEL_PATH
    reason = learned.unavailable(str(path)) if path else ""
    return [checks.Warning(reason, id="adsgem.W002")] if reason else []


@register
def files_can_be_signed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The certificate that is set signs; one of our own does, too, but others are told that they do not know its signer."""
    try:
        looked = look_at(signing.usable_identity())
    except (CertificateError, OSError) as error:
        hint = "Mend C2PA_CERT and C2PA_KEY, or unset both: then AdsGem makes a certificate of its own."
        return [Error(f"Finished files cannot be signed. {error}", hint=hint, id="adsgem.E006")]
    if looked.until - timezone.now() < CERTIFICATE_ENDS_SOON:
        hint = "Set C2PA_CERT and C2PA_KEY to a new one in time: afterwards, files go out unsigned."
        return [checks.Warning(f"The certificate that signs finished files ends on {looked.until:%d %B %Y}.", hint=hint, id="adsgem.W003")]
    return []


@register
def errors_can_be_reported(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever gave an address of Sentry believes that errors go there."""
    if not settings.SENTRY_DSN or reporting.can():
        return []
    return [checks.Warning(reporting.MISSING, hint=".venv/bin/pip install sentry-sdk", id="adsgem.W004")]


@register
def celery_keeps_its_promises(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """No Celery setting has drifted from what the pipeline relies on."""
    found = {name: app.conf[name] for name in CELERY_PROMISES}
    for name in ("broker_transport_options", "result_backend_transport_options"):
        if (app.conf[name] or {}).get("visibility_timeout") != CELERY_PROMISES["visibility_timeout"]:
            found["visibility_timeout"] = f"{found['visibility_timeout']}, but not in {name}"
    return [
        Error(f"Celery's {name} is {found[name]!r}; the pipeline relies on {promise!r}.", id="adsgem.E002")
        for name, promise in CELERY_PROMISES.items()
        if found[name] != promise
    ]


@register(Tags.database)
def sqlite_forgets_nothing(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """SQLite writes ahead and waits for the disk, so that a paid picture survives a power cut."""
    if connection.vendor != "sqlite" or not databases:
        return []
    with connection.cursor() as cursor:
        mode, synchronous = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
    if (mode, synchronous) == ("wal", 2) or mode == "memory":
        return []
    return [Error(f"SQLite runs with journal_mode {mode} and synchronous {synchronous}, not WAL and FULL (2).", id="adsgem.E003")]


@register(Tags.database)
def postgresql_forgets_nothing(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PostgreSQL waits for the disk, so that what it said is done is still done after a power cut."""
    if connection.vendor != "postgresql" or not databases:
        return []
    with connection.cursor() as cursor:
        found = {name: cursor.execute(f"SHOW {name}").fetchone()[0] for name in POSTGRESQL_PROMISES}
    return [
        Error(
            f"PostgreSQL runs with {name} off: a power cut may lose or damage orders and credits.",
            hint=f"Set {name} = on in postgresql.conf, or for this database and account, and reload.",
            id="adsgem.E004",
        )
        for name, value in found.items()
        if value == "off"
    ]


@register
def nothing_crashes_on_purpose(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Crash points are for the chaos tests on one's own machine."""
    if not getattr(settings, "CRASHPOINT", None):
        return []
    at_home = urlsplit(settings.PUBLIC_URL).hostname in env.LOOPBACK
    if at_home and (settings.DEBUG or settings.SETTINGS_MODULE == CHAOS_SETTINGS):
        return []
    return [
        Error("CRASHPOINT is set: AdsGem would kill its own processes.", hint=f"It belongs into {CHAOS_SETTINGS} only.", id="adsgem.E005")
    ]
