"""A backup that is made while people work comes back whole, on an empty machine, on SQLite as on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Brand
from adsgem import backup as backups
from adsgem import env
from adsgem.management.commands import restore as restore_command
from generations import actions, states
from generations.models import Ad, Generation, Photo, Picture
from generations.verify import verify
from keeping import garbage, store
from keeping.models import Pause, StoredFile
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.adsgem.test_settings import ROOT, environment
from tests.people import placements, stored_square

ON_POSTGRESQL = connection.vendor == "postgresql"
DUMP = backups.DUMPS[connection.vendor]
SECRETS = {"SECRET_KEY": env.token(), "JWT_SIGNING_KEY": env.token()}


class Elsewhere:
    """An empty machine: its own data folder, its own database."""

    def __init__(self, folder: Path, address: str) -> None:
        # The log of who did what holds only under the key that these tests wrote it with.
        self.data, self.env = folder / "data", environment(folder, DATABASE_URL=address, AUDIT_KEY=settings.AUDIT_KEY)

    def manage(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**self.env, **changes}, capture_output=True, text=True, timeout=120)

    def ask(self, expression: str) -> str:
        done = self.manage("shell", "--no-imports", "-c", f"from generations.models import *; print({expression})")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]


@pytest.fixture
def elsewhere(tmp_path: Path, transactional_db: None) -> Iterator[Elsewhere]:
    if not ON_POSTGRESQL:
        yield Elsewhere(tmp_path / "elsewhere", "")
        return
    name = f"elsewhere_{uuid.uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    parts = urlsplit(os.environ["DATABASE_URL"])
    yield Elsewhere(tmp_path / "elsewhere", parts._replace(path=f"/{name}").geturl())
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def secrets() -> Iterator[None]:
    """Secrets in the data folder, as they are when the environment has none."""
    path = Path(settings.DATA_DIR) / "secrets.json"
    before = path.read_text()
    path.write_text(json.dumps(SECRETS))
    yield
    path.write_text(before)


def an_order(brand: Brand, photo: Photo) -> Generation:
    return actions.order_generation(
        by=None,
        brand=brand,
        template=AdTemplate.objects.get(slug=AdTemplate.objects.filter(published=True, needs_photo=True).values_list("slug")[:1]),
        brief=Brief.read({"headline": "Wake up to glow", "product": "Serum"}),
        placements=placements("google_display_300x250"),
        photos=[photo],
    )


def make(order: Generation, colour: str) -> None:
    """An order by all its moves; only the files are plain squares."""
    assert states.move(order, Generation.Status.WRITING) and states.move(order, Generation.Status.MAKING)
    for picture in order.pictures.select_related("generation"):
        assert states.move(picture, Picture.Status.PAINTING)
        assert states.move(picture, Picture.Status.FINISHING, raw=stored_square(colour))
        for ad in picture.ads.select_related("picture__generation"):
            assert states.move(ad, Ad.Status.FINISHING)
            assert states.move(ad, Ad.Status.READY, file=stored_square(f"{colour[:-1]}f"))
        assert states.move(picture, Picture.Status.READY)
    states.settle(order)


class Busy:
    """Two people who order and make ads, and drop some, while a backup is made."""

    def __init__(self, brand: Brand, photo: Photo) -> None:
        self.brand, self.photo, self.stop, self.made, self.faults = brand, photo, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(2)]

    def _work(self, number: int) -> None:
        try:
            while not self.stop.is_set():
                order = an_order(self.brand, self.photo)
                if self.made % 4 == 3:
                    states.cancel(order)
                else:
                    make(order, f"#{self.made % 256:02x}{number:02x}00")
                garbage.collect(older_than_hours=0.01)
                self.made += 1
        except Exception as fault:
            self.faults.append(repr(fault))
        finally:
            connection.close()

    def __enter__(self) -> Busy:
        for thread in self.threads:
            thread.start()
        while self.made < 3 and not self.faults:
            threading.Event().wait(0.01)
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_a_backup_under_load_comes_back_on_an_empty_machine(
    brand: Brand, photo: Photo, tmp_path: Path, elsewhere: Elsewhere, secrets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, busy = tmp_path / "backup", Busy(brand, photo)
    monkeypatch.setattr(backups, "crashpoint", lambda name: wait_for(busy, 3))
    with busy:
        made = backups.backup(folder)
    assert not busy.faults and not made.damaged
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["counts"]["files"] == made.files and manifest["counts"]["orders"] < busy.made, "people went on meanwhile"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE((folder / name).stat().st_mode) == 0o600 for name in ("secrets.json", DUMP))

    done = elsewhere.manage("restore", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is wrong" in done.stdout and "Restored." in done.stdout
    assert int(elsewhere.ask("Generation.objects.count()")) == manifest["counts"]["orders"]
    kept = elsewhere.data / "secrets.json"
    assert json.loads(kept.read_text()).items() >= SECRETS.items() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    verified = elsewhere.manage("verify", "--json")
    found = json.loads(verified.stdout)
    assert verified.returncode == 0 and found["ok"] and found["counts"]["files_read"] == made.files
    assert elsewhere.ask("__import__('keeping.garbage').garbage.collect(older_than_hours=24).rows") == "0", "the collector is not paused"

    again = elsewhere.manage("restore", str(folder))
    assert again.returncode == 2 and "in use" in again.stderr
    forced = elsewhere.manage("restore", str(folder), "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    second = elsewhere.manage("backup", str(tmp_path / "second"))
    assert second.returncode == 0 and "secrets of this installation" in second.stdout, second.stderr


def wait_for(busy: Busy, more: int) -> None:
    """Let people make so much more between the database's moment and the files."""
    goal = busy.made + more
    while busy.made < goal and not busy.faults:
        threading.Event().wait(0.01)


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_an_open_order_goes_on_after_a_restore(brand: Brand, photo: Photo, tmp_path: Path, elsewhere: Elsewhere) -> None:
    order = an_order(brand, photo)
    backups.backup(tmp_path / "backup")
    assert elsewhere.manage("restore", str(tmp_path / "backup")).returncode == 0
    run = f"__import__('generations.pipeline').pipeline.run('{order.pk}').status"
    assert elsewhere.ask(run) == "ready"
    assert elsewhere.manage("verify").returncode == 0


@pytest.mark.django_db(transaction=True)
def test_an_order_that_was_about_to_be_summed_up_is_settled_by_a_restore(
    brand: Brand, photo: Photo, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    order = an_order(brand, photo)
    make(order, "#102030")
    Generation.objects.filter(pk=order.pk).update(status=Generation.Status.MAKING)
    backups.backup(tmp_path / "backup")
    done = elsewhere.manage("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert elsewhere.ask("Generation.objects.get().status") == "ready"


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_a_backup_that_was_killed_is_refused(brand: Brand, photo: Photo, tmp_path: Path, elsewhere: Elsewhere) -> None:
    """Killed for real, by the crash point inside it."""
    backups.backup(tmp_path / "first")
    assert elsewhere.manage("restore", str(tmp_path / "first")).returncode == 0
    plugged = tmp_path / "killing.py"
    plugged.write_text(f"from adsgem.settings import *\nCRASHPOINT = {{'name': 'B1', 'times': 1, 'marks': {str(tmp_path)!r}}}\n")
    killed = elsewhere.manage(
        "backup", str(tmp_path / "killed"), "--skip-checks", DJANGO_SETTINGS_MODULE="killing", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"
    )
    assert killed.returncode == -signal.SIGKILL and (tmp_path / "killed" / DUMP).exists()
    refused = elsewhere.manage("restore", str(tmp_path / "killed"), "--force")
    assert refused.returncode == 2 and "no finished backup" in refused.stderr
    waits = elsewhere.manage("backup", str(tmp_path / "third"))
    assert waits.returncode == 2 and "stopped less than two minutes ago" in waits.stderr
    assert elsewhere.manage("verify").returncode == 0


# --- what is refused, and what for


@pytest.fixture
def made(brand: Brand, photo: Photo, tmp_path: Path, transactional_db: None) -> Path:
    backups.backup(tmp_path / "backup")
    return tmp_path / "backup"


def refusal(folder: Path, **options: Any) -> str:
    people = Brand.objects.count()
    with pytest.raises(CommandError) as refused:
        call_command("restore", str(folder), **options)
    assert refused.value.returncode == 2 and Brand.objects.count() == people > 0
    return str(refused.value)


def change(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


@pytest.mark.django_db(transaction=True)
def test_an_installation_that_is_in_use_is_not_replaced_by_accident(made: Path) -> None:
    assert "say --force" in refusal(made)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("newer", [{"adsgem": "99.0.0"}, {"format": 2}, {"migrations": ["generations.0999_from_next_year"]}])
def test_a_backup_of_a_newer_adsgem_is_refused(made: Path, newer: dict[str, Any]) -> None:
    change(made, **newer)
    assert "Update AdsGem first" in refusal(made, force=True)


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_the_other_kind_of_database_is_refused(made: Path) -> None:
    other = "sqlite" if ON_POSTGRESQL else "postgresql"
    change(made, database={"engine": other, "sha256": ""})
    assert "Set DATABASE_URL to the same kind" in refusal(made, force=True)


@pytest.mark.django_db(transaction=True)
def test_a_damaged_dump_is_refused(made: Path) -> None:
    with (made / DUMP).open("r+b") as dump:
        dump.seek(100)
        dump.write(b"\x00\x01\x02")
    assert "missing or damaged" in refusal(made, force=True)
    (made / DUMP).unlink()
    assert "missing or damaged" in refusal(made, force=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": "x"}'])
def test_a_manifest_that_makes_no_sense_is_refused(made: Path, text: str) -> None:
    (made / "manifest.json").write_text(text)
    assert "cannot be read" in refusal(made, force=True)


@pytest.mark.django_db(transaction=True)
def test_secrets_that_cannot_be_read_stop_a_restore_before_it_begins(made: Path) -> None:
    (made / "secrets.json").write_text("{")
    assert "cannot be read as secrets" in refusal(made, force=True)


@pytest.mark.django_db(transaction=True)
def test_a_folder_that_is_taken_is_not_written_into(made: Path) -> None:
    before = sorted(made.rglob("*"))
    with pytest.raises(CommandError, match="not empty") as refused:
        call_command("backup", str(made))
    assert refused.value.returncode == 2 and sorted(made.rglob("*")) == before
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("backup", str(made / "manifest.json" / "inside"))


@pytest.mark.django_db(transaction=True)
def test_two_backups_at_once_are_one(tmp_path: Path, brand: Brand) -> None:
    with garbage.paused(), pytest.raises(CommandError, match="Another backup is running"):
        call_command("backup", str(tmp_path / "backup"))
    assert Pause.objects.get().until == 0


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_manifest(
    tmp_path: Path, brand: Brand, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, name: str, content: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups.DurableStorage, "save", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup" / "manifest.json").exists() and Pause.objects.get().until == 0


@pytest.mark.django_db(transaction=True)
def test_a_file_that_was_damaged_before_is_named_and_the_rest_is_kept(
    tmp_path: Path, brand: Brand, photo: Photo, elsewhere: Elsewhere, capsys: pytest.CaptureFixture[str]
) -> None:
    cutout = photo.cutout
    assert cutout is not None
    good = store.read(photo.file)
    Path(default_storage.path(photo.file.name)).write_bytes(good[:-1] + b"x")
    Path(default_storage.path(cutout.name)).unlink()
    try:
        with pytest.raises(SystemExit) as stopped:
            call_command("backup", str(tmp_path / "backup"))
        said = capsys.readouterr()
        assert stopped.value.code == 1 and f"{photo.file.name} is damaged" in said.err and f"{cutout.name} is gone" in said.err
        done = elsewhere.manage("restore", str(tmp_path / "backup"))
        assert done.returncode == 1 and f"wrong: StoredFile {photo.file_id}" in done.stdout and f"needed by Photo {photo.pk}" in done.stdout
    finally:
        store.keep(good, type=photo.file.type)
        Path(default_storage.path(photo.file.name)).write_bytes(good)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_rots_inside_the_backup_is_not_brought_back(made: Path, photo: Photo, elsewhere: Elsewhere) -> None:
    copy = made / "media" / photo.file.name
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    (made / "media" / "ab").mkdir(exist_ok=True)
    (made / "media" / "ab" / "readme.txt").write_text("not ours")
    done = elsewhere.manage("restore", str(made))
    assert done.returncode == 1 and f"wrong: StoredFile {photo.file_id}: it is gone" in done.stdout
    assert not (elsewhere.data / "media" / photo.file.name).exists() and not (elsewhere.data / "media" / "ab" / "readme.txt").exists()


@pytest.mark.django_db
def test_secrets_that_stand_in_the_environment_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    made = backups.Made(files=0, bytes=0, damaged=[], secrets=False)
    monkeypatch.setattr("adsgem.management.commands.backup.backup", lambda folder, tell: made)
    call_command("backup", str(tmp_path))
    assert "stand in the environment and are not in it" in capsys.readouterr().out


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite needs no programs")
@pytest.mark.django_db(transaction=True)
def test_a_missing_program_of_postgresql_is_named(tmp_path: Path, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups.shutil, "which", lambda tool: None)
    with pytest.raises(CommandError, match="pg_dump is not on this machine"):
        call_command("backup", str(tmp_path / "backup"))


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite copies in one transaction")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_restored_is_as_it_was(made: Path, brand: Brand) -> None:
    (made / DUMP).write_bytes(b"no dump at all")
    manifest = json.loads((made / "manifest.json").read_text())
    change(made, database={**manifest["database"], "sha256": backups._hash(made / DUMP)})
    assert "pg_restore could not do its work" in refusal(made, force=True)
    assert not verify(rehash=False).problems and Brand.objects.filter(pk=brand.pk).exists()


@pytest.mark.skipif(ON_POSTGRESQL, reason="a file of SQLite")
@pytest.mark.django_db(transaction=True)
def test_the_copy_of_a_sqlite_database_is_one_whole_file(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir() if path.is_file() and path.name.startswith("database")) == [DUMP]
    with closing(sqlite3.connect(made / DUMP)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT COUNT(*) FROM keeping_storedfile").fetchone() == (StoredFile.objects.count(),)


@pytest.mark.django_db
def test_a_database_without_tables_has_nothing_to_back_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    with pytest.raises(CommandError, match="nothing to back up yet"):
        call_command("backup", str(tmp_path))


@pytest.mark.django_db
def test_a_disk_that_fills_up_during_a_restore_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restore_command, "restore", full)
    with pytest.raises(CommandError, match="No space left on device. Make room") as refused:
        call_command("restore", str(tmp_path))
    assert refused.value.returncode == 2
