"""The whole installation in one folder, and back: database, files, secrets. Made under load, checked file by file (RELIABILITY: R-21).

manifest.json      what is in here; written last, so a backup without one was never finished
database.sqlite3   or database.pgdump: one moment of the database
media/             every file that the database knew at that moment, under its own name
secrets.json       the keys of this installation, when they are kept in its data folder
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import Brand, User
from adsgem import env, schema
from generations import queries, states
from generations.models import Generation
from generations.verify import Report, verify
from keeping import garbage, store
from keeping.crashpoints import crashpoint
from keeping.disk import DurableStorage, fsync
from keeping.models import Pause, StoredFile

FORMAT = 1
AT_ONCE = 16  # files on their way at the same time: a disk, or S3, serves many nearly as fast as one
MANIFEST, SECRETS, MEDIA = "manifest.json", "secrets.json", "media"
DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
COUNTED = {"orders": "generations_generation", "ads": "generations_ad", "people": "accounts_user", "brands": "accounts_brand"}
NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{64})\.[a-z]+")
# What libpq is told by the environment, so that no password stands in a list of processes.
LIBPQ = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
LIBPQ |= {name: name.upper() for name in ("sslmode", "sslrootcert", "sslcert", "sslkey")}
Tell = Callable[[str], object]


class BackupError(Exception):
    """A backup could not be made or restored. The message says what to do."""


@dataclass
class Snapshot:
    """One moment of the database: its dump, and the rows that a backup needs of that moment."""

    dump: Path
    files: list[StoredFile] = field(default_factory=list)
    migrations: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def read(self, cursor: Any) -> None:
        """Read the rows through a cursor that sees this moment."""
        cursor.execute("SELECT sha256, bytes, type FROM keeping_storedfile ORDER BY sha256")
        self.files = [StoredFile(sha256=sha256, bytes=size, type=kind) for sha256, size, kind in cursor.fetchall()]
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        self.migrations = [(app, name) for app, name in cursor.fetchall()]
        for name, table in COUNTED.items():
            cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - our own table names
            self.counts[name] = cursor.fetchone()[0]


@dataclass(frozen=True)
class Made:
    """A finished backup. `damaged` are files that could not be copied whole, each with the reason."""

    files: int
    bytes: int
    damaged: list[str]
    secrets: bool


def backup(folder: Path, tell: Tell = lambda line: None) -> Made:
    """Write everything into a new or empty folder. Raises BackupError; the folder is no backup then.

    People may go on working: the database is copied first, as of one moment, and then the files that it knew then, while the collector
    pauses. So there may be a file too many in a backup, and never a row without its file.
    """
    _new_folder(folder)
    if "keeping_pause" not in connection.introspection.table_names():
        raise BackupError("There is nothing to back up yet: the database has no tables. Run manage.py prepare first.")
    try:
        with garbage.paused():
            tell("Copying the database ...")
            snapshot = _dump(folder / DUMPS[connection.vendor])
            crashpoint("B1")
            tell(f"Copying {len(snapshot.files)} files ...")
            damaged = _copy_files(snapshot.files, folder / MEDIA)
    except garbage.Busy as busy:
        raise BackupError(str(busy)) from busy
    if secrets := _secrets(Path(settings.DATA_DIR) / SECRETS):
        env.write_private(folder / SECRETS, secrets)
    total = sum(stored.bytes for stored in snapshot.files)
    manifest = {
        "format": FORMAT,
        "adsgem": settings.VERSION,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "database": {"engine": connection.vendor, "bytes": snapshot.dump.stat().st_size, "sha256": _hash(snapshot.dump)},
        "migrations": [".".join(each) for each in snapshot.migrations],
        "counts": {**snapshot.counts, "files": len(snapshot.files), "file_bytes": total},
        "damaged": damaged,
        "secrets": bool(secrets),
    }
    # The storage knows how to write a file whole or not at all.
    DurableStorage(location=folder).save(MANIFEST, ContentFile(json.dumps(manifest, indent=2).encode()))
    return Made(files=len(snapshot.files) - len(damaged), bytes=total, damaged=damaged, secrets=bool(secrets))


def restore(folder: Path, *, force: bool = False, tell: Tell = lambda line: None) -> Report:
    """Bring a backup back, then bring its tables up to date and look at everything. Gives that report. Raises BackupError.

    Refuses a database in which somebody works, unless `force`: then the backup takes its place. Files come before rows.
    """
    check(folder)
    secrets = _secrets(folder / SECRETS)
    if not force and in_use():
        raise BackupError("This installation is in use: it has people and brands. Restore into an empty one, or say --force to replace it.")
    tell("Copying the files back ...")
    _files_back(folder / MEDIA)
    tell("Restoring the database ...")
    dump = folder / DUMPS[connection.vendor]
    connections.close_all()
    if connection.vendor == "sqlite":
        _load_sqlite(dump)
    else:
        _load_postgresql(dump)
    if secrets:
        env.write_private(Path(settings.DATA_DIR) / SECRETS, secrets)
    call_command("migrate", interactive=False, verbosity=0)
    Pause.objects.update(until=0, holder=None)  # the backup paused the collector, and so the copy says
    for generation in queries.unsettled_generations():
        states.settle(generation)  # its last picture was ready at that moment, and the sum of it was to follow
    tell("Looking at everything ...")
    return verify()


def check(folder: Path) -> None:
    """Look whether this is a whole backup that can be restored here. Raises BackupError."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        newer = manifest["format"] > FORMAT or _version(manifest["adsgem"]) > _version(settings.VERSION)
        migrations = [tuple(each.split(".", 1)) for each in manifest["migrations"]]
        database = manifest["database"]
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is no finished backup: it has no {MANIFEST}. Use another one.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / MANIFEST} cannot be read. Use another backup.") from error
    if newer or schema.unknown((app, name) for app, name in migrations):
        raise BackupError(f"This backup was made by AdsGem {manifest['adsgem']}, which is newer than this one. Update AdsGem first.")
    if database["engine"] != connection.vendor:
        raise BackupError(
            f"This backup is of {database['engine']}, and DATABASE_URL names {connection.vendor}. Set DATABASE_URL to the same kind."
        )
    dump = folder / DUMPS[connection.vendor]
    if not dump.is_file() or _hash(dump) != database["sha256"]:
        raise BackupError(f"{dump} is missing or damaged. Use another backup.")


def in_use() -> bool:
    """Whether anybody would miss what this database holds."""
    tables = connection.introspection.table_names()
    return any(model._meta.db_table in tables and model._base_manager.exists() for model in (User, Brand, Generation))


def _new_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = any(folder.iterdir())
        folder.chmod(0o700)
    except OSError as error:
        raise BackupError(f"{folder} cannot be used: {error.strerror}. Name a folder that is new or empty.") from error
    if taken:
        raise BackupError(f"{folder} is not empty. Name a folder that is new or empty.")


def _dump(dump: Path) -> Snapshot:
    return _dump_sqlite(dump) if connection.vendor == "sqlite" else _dump_postgresql(dump)


def _dump_sqlite(dump: Path) -> Snapshot:
    snapshot = Snapshot(dump)
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source, closing(sqlite3.connect(dump)) as copy:
        source.backup(copy)  # in one step, so it is one moment; others go on writing
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        snapshot.read(copy.cursor())
    dump.chmod(0o600)
    fsync(dump)
    return snapshot


def _dump_postgresql(dump: Path) -> Snapshot:
    snapshot = Snapshot(dump)
    with transaction.atomic(), connection.cursor() as cursor:
        # pg_dump and our own questions see the same moment.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (moment,) = cursor.fetchone()
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={moment}", f"--file={dump}")
        snapshot.read(cursor)
    dump.chmod(0o600)
    return snapshot


def _load_sqlite(dump: Path) -> None:
    """SQLite copies page by page inside one transaction of the target: it is the old database or the new one, never half of each."""
    target = connection.settings_dict["NAME"]
    try:
        with closing(sqlite3.connect(dump)) as source, closing(sqlite3.connect(target, timeout=20)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(f"The database could not be restored: {error}. Stop AdsGem and try again.") from error


def _load_postgresql(dump: Path) -> None:
    """Into an empty schema; what stood there is set aside, and put back when it does not work."""
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL has one
    aside = bool(connection.introspection.table_names())
    if aside:
        _execute("DROP SCHEMA IF EXISTS before_restore CASCADE", "ALTER SCHEMA public RENAME TO before_restore", "CREATE SCHEMA public")
    try:
        name = connection.get_connection_params()["dbname"]
        _run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", f"--dbname={name}", str(dump))
    except BackupError:
        if aside:
            _execute("DROP SCHEMA public CASCADE", "ALTER SCHEMA before_restore RENAME TO public")
        raise
    _execute("DROP SCHEMA IF EXISTS before_restore CASCADE")


def _execute(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _run(tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database. Raises BackupError with what it said last."""
    found = shutil.which(tool)
    if found is None:
        raise BackupError(
            f"{tool} is not on this machine. Install PostgreSQL's client programs, for instance: apt-get install postgresql-client"
        )
    parameters = connection.get_connection_params()
    told = {f"PG{LIBPQ[name]}": str(value) for name, value in parameters.items() if name in LIBPQ and value}
    done = subprocess.run([found, *arguments], env=env.for_child(**told), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise BackupError(f"{tool} could not do its work: {said[0]}")


def _copy_files(files: list[StoredFile], media: Path) -> list[str]:
    """Copy each file, and look that it is what its name says. Gives a line for each that is not: those are damaged here, too."""
    folders = {media / stored.sha256[:2] for stored in files}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [fault for fault in pool.map(partial(_copy_file, media), files) if fault]
        list(pool.map(fsync, [*folders, media] if folders else []))
    return faults


def _copy_file(media: Path, stored: StoredFile) -> str:
    try:
        data = store.read(stored)
    except FileNotFoundError:
        return f"{stored.name} is gone"
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        return f"{stored.name} is damaged"
    copy = media / stored.name
    copy.write_bytes(data)  # no draft and rename: there is no backup before its manifest is there
    fsync(copy)
    return ""


def _files_back(media: Path) -> None:
    """Bring the files back that are what their names say; the look at the end names who misses the others."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_file_back, media.glob("??/*.*")))


def _file_back(path: Path) -> None:
    name = f"{path.parent.name}/{path.name}"
    match, data = NAME.fullmatch(name), path.read_bytes()
    if match and hashlib.sha256(data).hexdigest() == match[2] and not _is_there(name, data):
        default_storage.save(name, ContentFile(data))


def _is_there(name: str, data: bytes) -> bool:
    try:
        with default_storage.open(name, "rb") as file:
            return bool(file.read() == data)
    except FileNotFoundError:
        return False


def _secrets(path: Path) -> dict[str, str]:
    """The secrets that are kept in a file; none when they stand in the environment."""
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BackupError(f"{path} cannot be read as secrets. Use another backup.") from error
    return kept


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
