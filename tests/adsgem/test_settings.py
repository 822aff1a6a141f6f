"""The settings file under several environments, each read by a fresh Python."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
DUMP = """
import json, adsgem.settings as s
print(json.dumps({name: getattr(s, name) for name in dir(s) if name.isupper()}, default=str))
"""
PRODUCTION = {
    "PUBLIC_URL": "https://ads.example.com",
    "DATABASE_URL": "postgres://adsgem:secret@db.example.com:5432/adsgem",
    "BROKER_URL": "redis://queue.example.com:6379/0",
    "CACHE_URL": "redis://queue.example.com:6379/1",
    "S3_BUCKET": "adsgem-media",
    "S3_ENDPOINT_URL": "https://s3.example.com",
}


def environment(folder: Path, **given: str) -> dict[str, str]:
    """This environment with nothing of AdsGem's in it but what is given."""
    listed = {line.lstrip("#").split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines()}
    ours = dict.fromkeys(listed & set(os.environ), "")
    return {**os.environ, **ours, "DJANGO_SETTINGS_MODULE": "adsgem.settings", "ADSGEM_DATA": str(folder / "data"), **given}


def python(*arguments: str, **env: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, env=env["env"])


def settings(folder: Path, **given: str) -> dict[str, Any]:
    done = python("-c", DUMP, env=environment(folder, **given))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_empty_environment_gives_one_machine_with_everything_in_its_data_folder(tmp_path: Path) -> None:
    found = settings(tmp_path)
    data = tmp_path / "data"
    assert found["DATABASES"]["default"]["NAME"] == str(data / "adsgem.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"] == {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    assert found["CELERY_BROKER_URL"] == f"adsgem-sqlite://localhost/{data}/bell.sqlite3"
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert found["STORAGES"]["default"]["BACKEND"] == "keeping.disk.DurableStorage"
    assert found["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert "storages" not in found["INSTALLED_APPS"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "secrets.json").stat().st_mode) == 0o600


def test_without_an_address_cookies_work_over_plain_http_on_this_machine_only(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert (found["SESSION_COOKIE_SECURE"], found["SECURE_SSL_REDIRECT"], found["SECURE_HSTS_SECONDS"]) == (False, False, 0)
    assert not found["SESSION_COOKIE_NAME"].startswith("__Host-")


def test_an_https_address_hardens_cookies_and_transport(tmp_path: Path) -> None:
    found = settings(tmp_path, PUBLIC_URL="https://ads.example.com/")
    assert found["ALLOWED_HOSTS"] == ["ads.example.com"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://ads.example.com"]
    assert found["SESSION_COOKIE_NAME"] == "__Host-session" and found["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000
    assert "session_cookie_domain" not in {name.lower() for name in found}


def test_scaling_out_is_a_change_of_variables(tmp_path: Path) -> None:
    found = settings(tmp_path, **PRODUCTION)
    database = found["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql" and database["HOST"] == "db.example.com"
    assert database["OPTIONS"]["pool"]["max_size"] == 8 and not database.get("CONN_MAX_AGE")
    assert found["CELERY_BROKER_URL"] == PRODUCTION["BROKER_URL"]
    assert found["CACHES"]["default"] == {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": PRODUCTION["CACHE_URL"]}
    assert found["STORAGES"]["default"]["BACKEND"].endswith("S3Storage")
    assert "https://s3.example.com" in found["SECURE_CSP"]["img-src"]


def test_files_in_s3_are_signed_short_lived_and_never_public(tmp_path: Path) -> None:
    options = settings(tmp_path, **PRODUCTION)["STORAGES"]["default"]["OPTIONS"]
    assert options["querystring_auth"] is True and options["querystring_expire"] <= 300
    assert options["default_acl"] is None
    asked = (
        "import django; django.setup(); from django.core.files.storage import default_storage as s; "
        "c = s.connection.meta.client.meta.config; print(c.signature_version, c.connect_timeout, c.read_timeout)"
    )
    done = python("-c", asked, env=environment(tmp_path, DJANGO_SETTINGS_MODULE="adsgem.settings", **PRODUCTION))
    assert done.stdout.split() == ["s3v4", "3", "20"], done.stderr


def test_tokens_are_signed_with_a_key_of_their_own_and_live_five_minutes(tmp_path: Path) -> None:
    found = settings(tmp_path)
    jwt = found["SIMPLE_JWT"]
    assert jwt["SIGNING_KEY"] != found["SECRET_KEY"] and len(jwt["SIGNING_KEY"]) >= 32
    assert (jwt["ACCESS_TOKEN_LIFETIME"], jwt["REFRESH_TOKEN_LIFETIME"]) == ("0:05:00", "1 day, 0:00:00")
    assert jwt["ROTATE_REFRESH_TOKENS"] is jwt["BLACKLIST_AFTER_ROTATION"] is jwt["CHECK_REVOKE_TOKEN"] is True
    assert jwt["AUDIENCE"] and jwt["ISSUER"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"PUBLIC_URL": "http://ads.example.com"}, "PUBLIC_URL must begin with https:// outside this machine"),
        ({"DEBUG": "yes", "ALLOWED_HOSTS": "ads.example.com"}, "works on this machine only"),
        ({"DEBUG": "yes", "PUBLIC_URL": "https://ads.example.com"}, "works on this machine only"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name each host"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY must be at least 50 random characters."),
        ({"BROKER_URL": "sqlite:///x"}, "BROKER_URL must be an address that begins with redis://"),
        ({"LEASE_SECONDS": "soon"}, "LEASE_SECONDS must be a number from 1 to 3600"),
        ({"ADSGEM_DATA": "/dev/null/data"}, "ADSGEM_DATA must be a folder that AdsGem may write to"),
    ],
)
def test_nonsense_ends_in_one_sentence_and_exit_code_2(tmp_path: Path, given: dict[str, str], sentence: str) -> None:
    done = python("manage.py", "migrate", "--check", env=environment(tmp_path, **given))
    assert done.returncode == 2
    assert sentence in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "data" / "adsgem.sqlite3").exists()


def test_production_settings_have_no_security_warnings(tmp_path: Path) -> None:
    done = python("-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING", env=environment(tmp_path, **PRODUCTION))
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_sqlite_really_runs_with_the_promised_pragmas(tmp_path: Path) -> None:
    done = python("manage.py", "check", "--database", "default", env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "adsgem.sqlite3").exists()
