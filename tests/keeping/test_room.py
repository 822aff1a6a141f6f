"""New work stops while there is still room for what is being made."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keeping import room


class Disk(NamedTuple):
    free: int


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_seen", None)


def test_a_machine_with_room_takes_work(settings: Any) -> None:
    settings.KEEP_FREE_BYTES = 1
    assert room.enough_room() and 0 < room.free_bytes() < sys.maxsize


def test_a_full_disk_stops_new_work_and_a_freed_one_takes_it_again(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KEEP_FREE_BYTES = 1000
    monkeypatch.setattr(room, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Disk(free=999))
    assert not room.enough_room()
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Disk(free=1000))
    assert room.enough_room()


def test_the_fuller_of_two_disks_counts(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "not-yet"}}}
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "django.db.backends.sqlite3", "NAME": "/proc/ads.sqlite3"})
    free = {str(tmp_path): 5, "/proc": 7}
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Disk(free[str(place)]))
    assert room.free_bytes() == 5
    monkeypatch.setattr(room, "_seen", None)
    free["/proc"] = 3
    assert room.free_bytes() == 3


def test_what_s3_and_postgresql_hold_is_not_measured_here(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "django.db.backends.postgresql", "NAME": "ads"})
    settings.KEEP_FREE_BYTES = 2**50
    assert room.enough_room()


def test_a_thousand_orders_a_second_look_at_the_disk_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: looks.append(place) or Disk(free=2**60))
    for _ in range(1000):
        room.free_bytes()
    assert len(looks) <= 2 * 2
