"""Settings from the environment: what is understood, and what is refused with which sentence."""

from __future__ import annotations

import multiprocessing
import re
import stat
from pathlib import Path

import pytest

from adsgem import env

NAME = "ADSGEM_TEST_SETTING"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> object:
    """Sets the one variable that these tests read."""
    return lambda value: monkeypatch.setenv(NAME, value)


def test_a_variable_set_to_nothing_counts_as_not_set(given) -> None:  # type: ignore[no-untyped-def]
    given("  ")
    assert env.text(NAME, "default") == "default"
    assert env.flag(NAME, True) is True
    assert env.words(NAME, ("a",)) == ["a"]


@pytest.mark.parametrize(("value", "meant"), [("yes", True), ("TRUE", True), ("1", True), ("off", False), ("No", False), ("0", False)])
def test_yes_and_no_are_understood_in_the_usual_words(given, value: str, meant: bool) -> None:  # type: ignore[no-untyped-def]
    given(value)
    assert env.flag(NAME) is meant


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        (lambda: env.flag(NAME), "perhaps", "must be yes or no, not 'perhaps'"),
        (lambda: env.number(NAME, 5, at_least=1, at_most=10), "eleven", "must be a number from 1 to 10, not 'eleven'"),
        (lambda: env.number(NAME, 5, at_least=1, at_most=10), "11", "must be a number from 1 to 10, not '11'"),
        (lambda: env.number(NAME, 5, at_least=1, at_most=10), "nan", "must be a number from 1 to 10, not 'nan'"),
        (lambda: env.address(NAME), "example.com", "must be an address that begins with http:// or https://"),
        (lambda: env.address(NAME), "http://", "must be an address that begins with http:// or https://"),
        (lambda: env.address(NAME), "http://host:port", "must be an address that begins with"),
        (lambda: env.addresses(NAME), "http://127.0.0.1:8188, gpu2", "must be an address that begins with"),
        (lambda: env.public_url(NAME, ""), "http://ads.example.com", "must begin with https:// outside this machine"),
        (lambda: env.public_url(NAME, ""), "https://example.com/ads", "must be a host without a path"),
        (lambda: env.hosts(NAME, (), debug=False), "a.example.com,*", "must name each host"),
        (lambda: env.hosts(NAME, (), debug=False), "*.example.com", "must name each host"),
        (lambda: env.hosts(NAME, (), debug=True), "localhost,ads.example.com", "works on this machine only, not for ads.example.com"),
        (lambda: env.file(NAME), "/nowhere/model.onnx", "names the file /nowhere/model.onnx, and there is none"),
        (lambda: env.database(NAME, Path("x")), "mysql://u:p@h/db", "must be an address that begins with postgres:// or"),
        (lambda: env.database(NAME, Path("x")), "postgres://host", "names no database"),
        (lambda: env.cache(NAME), "memcache://127.0.0.1", "must be an address that begins with redis://"),
        (lambda: env.email(NAME), "mail.example.com", "must be an address that begins with smtp://"),
        (lambda: env.long_enough(NAME, "short", 50), "", "must be at least 50 random characters"),
        (lambda: env.long_enough(NAME, "ab" * 40, 50), "", "must be at least 50 random characters"),
        (lambda: env.encryption_keys(NAME, "not-a-key"), "", "must be keys of 32 bytes in URL-safe base64"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_that_names_the_setting(given, read, value: str, sentence: str) -> None:  # type: ignore[no-untyped-def]
    given(value)
    with pytest.raises(env.SettingError, match=rf"{NAME}.*|DEBUG.*") as refusal:
        read()
    assert sentence in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_refused_address_does_not_show_its_password(given) -> None:  # type: ignore[no-untyped-def]
    given("mysql://root:s3cr3t@db/ads")
    for read in (lambda: env.database(NAME, Path("x")), lambda: env.cache(NAME), lambda: env.address(NAME)):
        with pytest.raises(env.SettingError) as refusal:
            read()
        assert "s3cr3t" not in str(refusal.value)


def test_a_data_folder_that_cannot_be_made_is_refused(given, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("in the way")
    given(str(tmp_path / "file" / "data"))
    with pytest.raises(env.SettingError, match="must be a folder that AdsGem may write to"):
        env.folder(NAME, tmp_path)


def test_a_postgres_address_with_a_quoted_password_is_understood(given) -> None:  # type: ignore[no-untyped-def]
    given("postgres://adsgem:p%40ss@db.example.com:5433/ads")
    found = env.database(NAME, Path("x"))
    assert (found["ENGINE"], found["NAME"], found["PASSWORD"], found["PORT"]) == ("django.db.backends.postgresql", "ads", "p@ss", 5433)


def test_the_env_file_is_read_and_the_real_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"# a comment\n{NAME}=from the file\n{NAME}_TWO='two words'\n")
    monkeypatch.setenv(NAME, "from outside")
    monkeypatch.delenv(f"{NAME}_TWO", raising=False)
    env.read_file(tmp_path / ".env")
    assert (env.text(NAME), env.text(f"{NAME}_TWO")) == ("from outside", "two words")
    monkeypatch.delenv(f"{NAME}_TWO")


MAKERS = {"SECRET_KEY_T": env.token, "ENCRYPTION_KEYS_T": env.encryption_key}


def test_secrets_are_made_once_for_the_owners_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = env.secrets(path, MAKERS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert env.secrets(path, MAKERS) == first
    assert env.encryption_keys(NAME, first["ENCRYPTION_KEYS_T"])


def test_a_secret_given_by_the_environment_is_used_and_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_T", "mine")
    assert env.secrets(tmp_path / "secrets.json", MAKERS)["SECRET_KEY_T"] == "mine"
    assert "mine" not in (tmp_path / "secrets.json").read_text()


def test_a_new_version_adds_its_secret_and_keeps_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    old = env.secrets(path, {"SECRET_KEY_T": env.token})
    new = env.secrets(path, MAKERS)
    assert new["SECRET_KEY_T"] == old["SECRET_KEY_T"]
    assert set(new) == set(MAKERS)


def test_a_damaged_secrets_file_is_not_quietly_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{half")
    with pytest.raises(env.SettingError, match="cannot be read as secrets"):
        env.secrets(path, MAKERS)
    assert path.read_text() == "{half"


def _secrets_of(path: str) -> dict[str, str]:
    return env.secrets(Path(path), MAKERS)


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        found = pool.map(_secrets_of, [str(tmp_path / "secrets.json")] * 12, chunksize=1)
    assert len({tuple(sorted(each.items())) for each in found}) == 1


def test_the_example_file_lists_every_setting_that_is_read() -> None:
    root = env.BASE_DIR
    listed = (root / ".env.example").read_text()
    source = (root / "adsgem" / "settings.py").read_text() + (root / "adsgem" / "tunnel.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', source)) - {"SHARED", "PYNGROK_NGROK_PATH"}
    assert len(read) > 25
    assert [name for name in sorted(read) if f"#{name}=" not in listed] == []


def test_nobody_else_reads_the_environment() -> None:
    rooms = "accounts templates_app generations prompting painting finishing comfy keeping studio staff api adsgem".split()
    files = [path for room in rooms for path in (env.BASE_DIR / room).rglob("*.py")]
    readers = {
        str(path.relative_to(env.BASE_DIR))
        for path in files
        if "environ[" in (text := path.read_text()) or "getenv" in text or "environ.get" in text
    }
    assert readers == {"adsgem/env.py"}


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(" from-the-file\n")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert env.text("OPENAI_API_KEY") == "from-the-file"
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    assert env.text("OPENAI_API_KEY") == "from-the-environment"
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(env.SettingError, match="OPENAI_API_KEY_FILE names"):
        env.text("OPENAI_API_KEY")


def test_a_format_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(env.SettingError, match="LOG_FORMAT must be line or json, not 'xml'"):
        env.choice("LOG_FORMAT", "line", ("line", "json"))
