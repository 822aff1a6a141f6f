"""Brings the data up to date: tables, starter shelf, first accounts. Quick when there is nothing to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts import actions
from adsgem import env
from comfy import pool, starters
from generations import signing
from templates_app.models import AdTemplate

SHELVES = (settings.BASE_DIR / "templates_app", settings.BASE_DIR / "comfy" / "workflows")


def sign_in_file() -> Path:
    """Where the first accounts' passwords stand, for the owner of this machine only."""
    return Path(settings.DATA_DIR) / "first-sign-in.json"


def prepare(url: str, tell: Callable[[str], None]) -> dict[str, Any] | None:
    """Bring everything up to date. Gives the first accounts when they were made just now, to be shown once."""
    executor = MigrationExecutor(connection)
    migrated = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if migrated:
        tell("Bringing the database up to date ...")
        call_command("migrate", interactive=False, verbosity=0)
    _load_shelf(tell, again=migrated)
    pool.adopt_from_settings(settings.COMFY_SERVERS)
    signing.identity()  # makes a certificate of our own where none is set
    return _first_accounts(url)


def _load_shelf(tell: Callable[[str], None], *, again: bool) -> None:
    stamp, now = Path(settings.DATA_DIR) / "shelf.stamp", _shelf_hash()
    if not again and stamp.exists() and stamp.read_text() == now and AdTemplate.objects.exists():
        return
    tell("Loading the starter shelf ...")
    starters.load()
    call_command("load_shelf", verbosity=0)
    stamp.write_text(now)


def _shelf_hash() -> str:
    """Changes with every file of the shelf and with the code that loads it."""
    total = hashlib.sha256(settings.VERSION.encode())
    for path in sorted(path for shelf in SHELVES for path in shelf.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(
                f"{path.relative_to(settings.BASE_DIR)} {path.stat().st_size} ".encode() + hashlib.sha256(path.read_bytes()).digest()
            )
    return total.hexdigest()


def _first_accounts(url: str) -> dict[str, Any] | None:
    path = sign_in_file()
    if made := actions.make_first_accounts():
        kept = {"url": url, **{who: {"email": each.email, "password": each.password} for who, each in made.items()}}
        env.write_private(path, kept)
        return kept
    if path.exists():
        kept = json.loads(path.read_text())
        if kept.get("url") != url:
            env.write_private(path, {**kept, "url": url})
    return None
