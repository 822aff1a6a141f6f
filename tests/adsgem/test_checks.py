"""What `manage.py check` says of a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from adsgem import checks, schema


def test_a_cut_out_model_that_cannot_be_used_is_told_of(settings: Any, tmp_path: Path) -> None:
    model = tmp_path / "u2net.onnx"
    model.write_bytes(b"weights")
    settings.CUTOUT_MODEL_PATH = model
    (said,) = checks.the_cut_out_model_can_be_used(None)
    assert "onnxruntime is not installed" in said.msg
    settings.CUTOUT_MODEL_PATH = None
    assert checks.the_cut_out_model_can_be_used(None) == []


CHAOS = "tests.chaos.settings"


@pytest.mark.parametrize(
    "module, url, debug, allowed",
    [
        (CHAOS, "http://127.0.0.1:8000", False, True),
        (CHAOS, "https://ads.example.com", False, False),
        ("adsgem.settings", "http://127.0.0.1:8000", False, False),
        ("adsgem.settings", "http://127.0.0.1:8000", True, True),
        ("adsgem.settings", "https://ads.example.com", True, False),
    ],
)
def test_crash_points_are_for_the_chaos_tests_on_ones_own_machine(settings: Any, module: str, url: str, debug: bool, allowed: bool) -> None:
    settings.PUBLIC_URL, settings.DEBUG = url, debug
    settings.CRASHPOINT = {"name": "K9", "times": 1, "marks": "nowhere"}
    settings.SETTINGS_MODULE = module  # the last one: each override begins with none
    assert [message.id for message in checks.nothing_crashes_on_purpose(None)] == ([] if allowed else ["adsgem.E005"])
    settings.CRASHPOINT = None
    assert checks.nothing_crashes_on_purpose(None) == []


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
def test_a_postgresql_that_may_forget_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")  # for this test's transaction
    said = checks.postgresql_forgets_nothing(None, databases=["default"])
    assert any("synchronous_commit off" in message.msg for message in said)
    assert {message.id for message in said} == {"adsgem.E004"}
    assert checks.postgresql_forgets_nothing(None, databases=None) == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    assert not any("synchronous_commit" in message.msg for message in checks.postgresql_forgets_nothing(None, databases=["default"]))


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite")
def test_a_sqlite_that_may_forget_is_refused() -> None:
    """The tests' own database is quick and forgetful, so it is told of."""
    (said,) = checks.sqlite_forgets_nothing(None, databases=["default"])
    assert said.id == "adsgem.E003" and checks.postgresql_forgets_nothing(None, databases=["default"]) == []


@pytest.mark.django_db
def test_old_code_sees_that_the_database_is_newer() -> None:
    assert schema.newer_than_code() == []
    MigrationRecorder(connection).record_applied("generations", "0999_from_next_year")
    assert schema.newer_than_code() == ["generations.0999_from_next_year"]


def test_a_database_of_a_release_that_had_other_apps_is_not_taken_for_a_newer_one(db: None) -> None:
    MigrationRecorder(connection).record_applied("axes", "0001_initial")
    MigrationRecorder(connection).record_applied("token_blacklist", "0001_initial")
    assert schema.newer_than_code() == []
