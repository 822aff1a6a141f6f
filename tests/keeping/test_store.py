"""The store keeps a file whole or not at all, and a row never without its file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from keeping import disk, store
from keeping.claims import db_now
from keeping.models import StoredFile

pytestmark = pytest.mark.django_db


def path_of(stored: StoredFile) -> Path:
    return Path(default_storage.path(stored.name))


def test_the_same_bytes_twice_are_one_file_and_one_row() -> None:
    first, second = (store.keep(b"mug", type="image/png", width=1, height=2) for _ in range(2))
    assert first == second and StoredFile.objects.filter(pk=hashlib.sha256(b"mug").hexdigest()).count() == 1
    assert path_of(first).read_bytes() == b"mug" and (first.bytes, first.width, first.height) == (3, 1, 2)


def test_keeping_again_makes_a_row_young_by_the_databases_clock() -> None:
    stored = store.keep(b"serum", type="image/png")
    StoredFile.objects.filter(pk=stored.pk).update(kept_at="2026-01-01T00:00:00Z")
    again = store.keep(b"serum", type="image/png")
    assert abs(again.kept_at.timestamp() * 1000 - db_now()) < 5000
    assert again.created_at == stored.created_at


def test_a_file_that_went_missing_or_is_too_short_is_written_again() -> None:
    stored = store.keep(b"bottle", type="image/png")
    path_of(stored).unlink()
    assert store.size(stored) is None
    store.keep(b"bottle", type="image/png")
    assert store.read(stored) == b"bottle"
    path_of(stored).write_bytes(b"bot")
    store.keep(b"bottle", type="image/png")
    assert store.read(stored) == b"bottle"


def test_a_file_that_lies_there_without_a_row_is_not_trusted() -> None:
    stored = store.keep(b"candle", type="image/png")
    StoredFile.objects.filter(pk=stored.pk).delete()
    path_of(stored).write_bytes(b"cradle")  # as long as the right one
    assert store.read(store.keep(b"candle", type="image/png")) == b"candle"


def test_a_file_that_a_collector_took_before_the_row_was_written_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    create = StoredFile.objects.get_or_create

    def taken(**fields: Any) -> Any:
        made = create(**fields)
        path_of(made[0]).unlink()
        return made

    monkeypatch.setattr(StoredFile.objects, "get_or_create", taken)
    assert store.read(store.keep(b"lamp", type="image/png")) == b"lamp"


@pytest.mark.parametrize("point, name_is_there", [("K5", False), ("K6", True)])
def test_a_worker_that_dies_while_it_writes_leaves_a_whole_file_or_a_draft(
    monkeypatch: pytest.MonkeyPatch, point: str, name_is_there: bool
) -> None:
    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Died

    monkeypatch.setattr(disk, "crashpoint", die)
    data = b"chair " + point.encode()
    stored = StoredFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), type="image/png")
    with pytest.raises(Died):
        store.keep(data, type="image/png")
    assert path_of(stored).exists() is name_is_there
    assert not StoredFile.objects.filter(pk=stored.pk).exists()


def test_a_full_disk_leaves_no_row_and_no_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    stored = StoredFile(sha256=hashlib.sha256(b"sofa").hexdigest(), bytes=4, type="image/png")
    with pytest.raises(OSError):
        store.keep(b"sofa", type="image/png")
    assert not StoredFile.objects.filter(pk=stored.pk).exists()
    assert not path_of(stored).exists() and not list(path_of(stored).parent.glob(".*.part"))
