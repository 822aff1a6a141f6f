"""An update in the middle of the work: what an earlier release took in is finished by this one (RELIABILITY: F-31, F-32)."""

from __future__ import annotations

import gzip
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql

from adsgem.schema import GONE
from tests.chaos.conftest import few
from tests.chaos.stack import BACK_ENDS, ROOT, Stack, until

pytestmark = pytest.mark.chaos
RELEASES = sorted((Path(__file__).parent / "releases").glob("*.tar.gz"))
EACH = [pytest.param((release, back_end), id=f"{release.name[:-7]}-{back_end}") for release in RELEASES for back_end in BACK_ENDS]
# What the orders of a release end as, when not "ready" (tests/chaos/releases/README.md).
ENDS = {"Changed my mind": "cancelled"}
OPEN = "SELECT count(*) FROM generations_{} WHERE status NOT IN ('ready', 'partly', 'failed', 'refused', 'cancelled')"


@pytest.fixture
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """An installation as the earlier release left it."""
    release, back_end = request.param
    stack = Stack(tmp_path, back_end)
    with tarfile.open(release) as tar:
        tar.extractall(stack.data, filter="data")
    with sqlite3.connect(stack.data / "adsgem.sqlite3") as database:
        database.executescript(gzip.decompress((stack.data / "adsgem.sql.gz").read_bytes()).decode())
    if back_end == "postgres":
        stack.create()
        _into_postgres(database, stack)
        (stack.data / "adsgem.sqlite3").unlink()
    database.close()
    yield stack
    stack.drop()


AS_IT_WAS = """
import json, sys
import django; django.setup()
from django.core.management import call_command
for app, name in json.loads(sys.argv[1]):
    call_command("migrate", app, name, verbosity=0)
"""


def _into_postgres(database: sqlite3.Connection, stack: Stack) -> None:
    """The tables as they were by the migrations of that time, then every row, as the types there want it."""
    applied = dict(database.execute("SELECT app, max(name) FROM django_migrations GROUP BY app"))
    applied = {app: name for app, name in applied.items() if app not in GONE}  # nobody can make their tables any more, or asks for them
    subprocess.run([sys.executable, "-c", AS_IT_WAS, json.dumps(list(applied.items()))], cwd=ROOT, env=stack.environment(), check=True)
    with psycopg.connect(stack.database_url) as there:
        there.execute("SET session_replication_role = replica")  # rows come in any order
        tables = [name for (name,) in there.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            there.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table)))
        for table in tables:
            columns = list(there.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", [table]))
            names = [name for name, _ in columns]
            quoted = ", ".join(f'"{name}"' for name in names)
            rows = database.execute(f"SELECT {quoted} FROM {table}").fetchall()
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join([sql.Placeholder()] * len(names))
            )
            there.cursor().executemany(
                insert, [[_typed(value, kind) for value, (_, kind) in zip(row, columns, strict=True)] for row in rows]
            )
        for table, column in there.execute("SELECT table_name, column_name FROM information_schema.columns WHERE is_identity = 'YES'"):
            number = sql.SQL("SELECT setval(pg_get_serial_sequence({t}, {c}), coalesce(max({i}), 0) + 1, false) FROM {n}")
            there.execute(number.format(t=table, c=column, i=sql.Identifier(column), n=sql.Identifier(table)))


def _typed(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "timestamp with time zone":
        return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo("UTC"))
    return value


@pytest.mark.parametrize("old", EACH, indirect=True)
def test_what_the_release_before_took_in_is_finished_by_this_one(old: Stack) -> None:
    ready = "SELECT id, file_id FROM generations_ad WHERE status = 'ready'"
    before = old.rows(ready)
    assert before and old.rows(OPEN.format("generation"))[0][0] >= 5
    prepared = old.manage("prepare")
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    old.start("worker", "sweep")
    until(
        lambda: not any(old.rows(OPEN.format(table))[0][0] for table in ("generation", "picture", "ad")), "The end of all work", seconds=180
    )
    headline = "brief_data ->> 'headline'"
    for name, status in old.rows(f"SELECT {headline}, status FROM generations_generation"):
        assert status == ENDS.get(name, "ready"), f"{name}\n{old.logs()}"
    assert set(before) <= set(old.rows(ready)), "what was ready is what it was"
    assert "Painted, not finished" not in painted(old), "what was painted is not painted again"
    old.verify()


def painted(stack: Stack) -> set[str]:
    """The headlines of the orders of which this release has painted a picture."""
    ids = {uuid.UUID(pk) for pk in stack.calls("paint")}
    of = "SELECT p.id, g.brief_data ->> 'headline' FROM generations_picture p JOIN generations_generation g ON g.id = p.generation_id"
    return {headline for pk, headline in stack.rows(of) if uuid.UUID(str(pk)) in ids}


@pytest.mark.parametrize("old", EACH, indirect=True)
def test_a_migration_that_is_killed_is_brought_to_its_end_by_the_next(old: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    fresh = Stack(tmp_path_factory.mktemp("fresh"), old.back_end)
    fresh.create()
    untouched = old.copy(tmp_path_factory.mktemp("untouched") / "old")
    try:
        assert fresh.manage("migrate").returncode == 0
        pending = untouched.manage("showmigrations", "--plan").stdout.count("[ ]")
        for turn in range(few(10)):
            each = untouched.copy(tmp_path_factory.mktemp("killed") / "old")
            try:
                killed_in(each, random.randrange(pending), random.random() * 0.05)
                again = each.manage("migrate")
                assert again.returncode == 0, f"turn {turn}\n{again.stdout}{again.stderr}"
                assert schema(each) == schema(fresh)
                each.verify()
            finally:
                each.drop()
    finally:
        fresh.drop()
        untouched.drop()


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_migrate_that_dies_after_each_migration_goes_on_where_it_was(back_end: str, tmp_path: Path) -> None:
    """At the named point M1, again and again, and at last without."""
    stack, fresh = Stack(tmp_path / "dies", back_end), Stack(tmp_path / "fresh", back_end)
    try:
        stack.create()
        fresh.create()
        stack.marks.mkdir(parents=True, exist_ok=True)
        point = json.dumps({"name": "M1", "times": few(50), "marks": str(stack.marks)})
        applied = 0
        while (done := stack.manage("migrate", CHAOS_CRASHPOINT=point)).returncode == -signal.SIGKILL:
            applied, before = int(stack.rows("SELECT count(*) FROM django_migrations")[0][0]), applied
            assert applied == before + 1
        assert done.returncode == 0 and stack.crashed("M1", few(50)), done.stdout + done.stderr
        assert fresh.manage("migrate").returncode == 0
        assert schema(stack) == schema(fresh)
    finally:
        stack.drop()
        fresh.drop()


def killed_in(stack: Stack, nth: int, seconds: float) -> None:
    """Kill `migrate` some moments after it has begun its n-th migration."""
    environment = stack.environment(PYTHONUNBUFFERED="1")
    migrate = subprocess.Popen([sys.executable, "manage.py", "migrate"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, bufsize=0)
    assert migrate.stdout
    heard = b""
    while heard.count(b"Applying ") <= nth and (more := migrate.stdout.read(1)):
        heard += more
    time.sleep(seconds)
    migrate.kill()
    migrate.stdout.close()
    migrate.wait()
    assert b"Applying " in heard


def schema(stack: Stack) -> list[object]:
    """Everything that the database says of its tables."""
    if stack.back_end == "sqlite":
        return list(stack.rows("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"))
    columns = "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    rules = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    )
    triggers = "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    return [
        sorted(stack.rows(f"{columns} WHERE table_schema = 'public'"), key=str),
        sorted(stack.rows(rules), key=str),
        sorted(stack.rows("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")),
        sorted(stack.rows(triggers)),
    ]
