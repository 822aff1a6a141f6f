"""What nobody needs goes; what somebody may need stays, whoever is quicker."""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from moto import mock_aws
from PIL import Image

from accounts.models import Brand
from generations.models import Photo
from keeping import garbage, store, thumbs
from keeping.models import Pause, StoredFile

LONG_AGO = time.time() - 10 * 24 * 3600


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    """A store of its own: what other tests left there is none of our business."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def keep_old(colour: str) -> StoredFile:
    """A kept picture that nobody asked for since January."""
    stored = store.keep(picture(colour), type="image/png", width=8, height=8)
    StoredFile.objects.filter(pk=stored.pk).update(kept_at="2026-01-01T00:00:00Z")
    os.utime(default_storage.path(stored.name), (LONG_AGO, LONG_AGO))
    return stored


def lay(name: str, data: bytes = b"old") -> str:
    """A file of this name in the store, ten days old, that no row knows."""
    default_storage.save(name, ContentFile(data))
    os.utime(default_storage.path(name), (LONG_AGO, LONG_AGO))
    return name


@pytest.mark.django_db
def test_a_file_that_nothing_points_at_goes_with_its_small_versions(brand: Brand) -> None:
    needed, lost = keep_old("red"), keep_old("blue")
    Photo.objects.create(brand=brand, file=needed)
    names = garbage.names_of(lost)
    for size in thumbs.SIZES:
        thumbs.thumb(lost, size)
    assert all(default_storage.exists(name) for name in names) and len(names) == 1 + len(thumbs.SIZES)
    done = garbage.collect()
    assert not StoredFile.objects.filter(pk=lost.pk).exists() and not any(default_storage.exists(name) for name in names)
    assert store.read(needed) == picture("red") and StoredFile.objects.filter(pk=needed.pk).exists()
    assert (done.rows, done.files) == (1, 1 + len(thumbs.SIZES)) and done.bytes > lost.bytes


@pytest.mark.django_db
def test_a_file_that_somebody_asked_for_lately_stays() -> None:
    stored = keep_old("red")
    store.keep(picture("red"), type="image/png")
    garbage.collect()
    assert store.read(stored) == picture("red")


@pytest.mark.django_db
def test_every_foreign_key_to_a_file_protects_it() -> None:
    """A model that is added later is found by itself."""
    found = {f"{pointer.model.__name__}.{pointer.name}" for pointer in garbage.pointers()}
    assert {"Photo.file", "Photo.cutout", "Picture.raw", "Ad.file", "Brand.logo", "TemplatePreview.file", "Lora.preview"} <= found


@pytest.mark.django_db
def test_files_without_a_row_go_when_they_are_old_and_of_our_making() -> None:
    orphan, small = "ab/" + "ab" * 32 + ".png", "thumbs/thumb/ab/" + "ab" * 32 + ".webp"
    ours = [lay(name) for name in (orphan, small, "ab/.x7.part", "thumbs/large/ab/.y.part", "health/" + "p" * 32)]
    strangers = [lay(name) for name in ("readme.txt", "ab/holiday.png", "other/" + "ab" * 32 + ".png", "health/note")]
    young = "cd/" + "cd" * 32 + ".png"
    default_storage.save(young, ContentFile(b"young"))
    done = garbage.collect()
    assert not any(default_storage.exists(name) for name in ours)
    assert all(default_storage.exists(name) for name in [*strangers, young])
    assert (done.files, done.bytes) == (5, 15)


@pytest.mark.django_db
def test_a_draft_in_somebodys_hands_stays_even_when_everything_may_go() -> None:
    default_storage.save("ab/.being-written.part", ContentFile(b"half"))
    garbage.collect(older_than_hours=0)
    assert default_storage.exists("ab/.being-written.part")


@pytest.mark.django_db
def test_nothing_is_collected_while_a_backup_is_made() -> None:
    stored, orphan = keep_old("red"), lay("ab/" + "ab" * 32 + ".png")
    Pause.objects.update_or_create(pk=Pause.ONLY, defaults={"until": garbage.db_now() + 60_000})
    assert garbage.collect() == garbage.Collected()
    assert default_storage.exists(stored.name) and default_storage.exists(orphan)
    with pytest.raises(garbage.Busy, match="A backup is being made"):
        garbage.remove(stored)
    Pause.objects.update(until=garbage.db_now() - 1)  # the backup was killed: its pause ends by itself
    assert garbage.collect().rows == 1


@pytest.mark.django_db
def test_a_damaged_file_is_removed_at_once_only_when_nothing_points_at_it(brand: Brand) -> None:
    needed, lost = keep_old("red"), keep_old("blue")
    Photo.objects.create(brand=brand, file=needed)
    assert not garbage.remove(needed) and garbage.remove(lost)
    assert default_storage.exists(needed.name) and not default_storage.exists(lost.name)


@pytest.mark.django_db(transaction=True)
def test_a_pause_is_renewed_and_there_is_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.6)
    monkeypatch.setattr(garbage, "RENEW_SECONDS", 0.1)
    with garbage.paused():
        time.sleep(1.0)
        with pytest.raises(garbage.Busy, match="Another backup is running"), garbage.paused():
            pass
        assert garbage.collect() == garbage.Collected()
    assert Pause.objects.get().until == 0


@pytest.mark.django_db(transaction=True)
def test_a_backup_whose_pause_was_lost_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "RENEW_SECONDS", 30)
    with pytest.raises(garbage.Busy, match="Make another one"), garbage.paused():
        Pause.objects.update(until=1)  # as if the database had been away for too long


@pytest.mark.django_db
def test_a_file_that_is_kept_again_just_after_its_row_went_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, take_row = keep_old("red"), garbage._take_row

    def then_somebody_keeps_it(*args: Any) -> bool:
        taken = take_row(*args)
        store.keep(picture("red"), type="image/png")
        return taken

    monkeypatch.setattr(garbage, "_take_row", then_somebody_keeps_it)
    assert garbage.collect().files == 0
    assert store.read(stored) == picture("red") and StoredFile.objects.filter(pk=stored.pk).exists()


class Crowd:
    """Four people keep the same few pictures, point at them and let them go, while two collectors take everything they may."""

    def __init__(self, brand: Brand, *, older_than_hours: float) -> None:
        self.brand, self.older_than_hours = brand, older_than_hours
        self.stop, self.faults, self.collections, self.pointed = threading.Event(), [], 0, 0

    def run(self, rounds: int, *, in_one_transaction: bool) -> None:
        collectors = [threading.Thread(target=self._safely, args=(self._collect,)) for _ in range(2)]
        people = [threading.Thread(target=self._safely, args=(self._keep, seed, rounds, in_one_transaction)) for seed in range(4)]
        for thread in [*collectors, *people]:
            thread.start()
        for thread in people:
            thread.join()
        self.stop.set()
        for thread in collectors:
            thread.join()
        for stored in StoredFile.objects.filter(width=8):
            assert store.size(stored) == stored.bytes

    def _safely(self, work: Any, *args: Any) -> None:
        try:
            work(*args)
        except Exception as fault:
            self.faults.append(repr(fault))
        finally:
            connection.close()

    def _collect(self) -> None:
        while not self.stop.is_set():
            garbage.collect(older_than_hours=self.older_than_hours)
            self.collections += 1

    def _keep(self, seed: int, rounds: int, in_one_transaction: bool) -> None:
        dice = random.Random(seed)
        for _ in range(rounds):
            data = picture(f"#{dice.randrange(6):02x}8040")
            with transaction.atomic() if in_one_transaction else nullcontext():
                stored = store.keep(data, type="image/png", width=8, height=8)
                mine = Photo.objects.create(brand=self.brand, file=stored)
            self.pointed += 1
            if store.read(stored) != data:
                self.faults.append("other bytes")
            mine.delete()


@pytest.mark.django_db(transaction=True)
def test_files_survive_collectors_that_take_whatever_is_not_pointed_at(brand: Brand) -> None:
    crowd = Crowd(brand, older_than_hours=0)
    crowd.run(100, in_one_transaction=True)
    assert crowd.faults == [] and crowd.pointed == 400 and crowd.collections > 5


@pytest.mark.django_db(transaction=True)
def test_files_that_are_pointed_at_in_a_later_transaction_are_protected_by_their_age(brand: Brand) -> None:
    """As the pipeline does it: first the file is kept, then the row moves."""
    crowd = Crowd(brand, older_than_hours=2 / 3600)
    crowd.run(60, in_one_transaction=False)
    assert crowd.faults == [] and crowd.pointed == 240 and crowd.collections > 5


@pytest.fixture
def bucket(settings: Any) -> Iterator[None]:
    """The store in a bucket: a stand-in for S3 in this process."""
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="ads")
        options = {"bucket_name": "ads", "region_name": "us-east-1", "access_key": "a", "secret_key": "b", "file_overwrite": True}
        settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}}
        yield


@pytest.mark.django_db
def test_the_same_holds_in_a_bucket(brand: Brand, bucket: None) -> None:
    needed, lost = (store.keep(picture(colour), type="image/png") for colour in ("red", "blue"))
    StoredFile.objects.filter(pk__in=[needed.pk, lost.pk]).update(kept_at="2026-01-01T00:00:00Z")
    Photo.objects.create(brand=brand, file=needed)
    thumbs.thumb(lost, "thumb")
    orphan, stranger = "ab/" + "ab" * 32 + ".png", "reports/" + "ab" * 32 + ".png"
    for name in (orphan, stranger):
        default_storage.save(name, ContentFile(b"old"))
    done = garbage.collect()
    assert (done.rows, done.files) == (1, 2) and default_storage.exists(orphan), "files without a row are younger than a day"
    assert store.read(needed) == picture("red") and store.size(lost) is None
    time.sleep(1.1)  # a bucket knows whole seconds
    assert garbage.collect(older_than_hours=0).files == 1
    assert not default_storage.exists(orphan) and default_storage.exists(stranger)


@pytest.mark.django_db
def test_a_file_that_goes_while_the_bucket_is_read_is_no_fault(bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    name = default_storage.save("ab/" + "ab" * 32 + ".png", ContentFile(b"old"))
    ask = type(default_storage._wrapped).get_modified_time  # type: ignore[attr-defined]

    def gone(self: Any, name: str) -> Any:
        self.delete(name)
        return ask(self, name)

    monkeypatch.setattr(type(default_storage._wrapped), "get_modified_time", gone)  # type: ignore[attr-defined]
    assert list(garbage.orphans()) == [] and not default_storage.exists(name)
