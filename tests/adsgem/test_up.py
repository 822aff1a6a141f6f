"""`manage.py up` as a person starts it: the real processes on a free port, and what it says when it cannot begin."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import User
from adsgem import env, preparing
from adsgem.management.commands import up
from tests.adsgem.test_settings import ROOT, environment


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, *arguments: str, **given: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env=environment(folder, **given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_port_in_use_gets_one_sentence_before_anything_starts(tmp_path: Path, taken: int) -> None:
    process = start(tmp_path, "--port", str(taken))
    said, complained = process.communicate(timeout=30)
    assert process.returncode == 2
    assert complained.startswith(f"Port {taken} on 127.0.0.1 is taken") and complained.count("\n") == 1
    assert said == ""
    assert not (tmp_path / "data" / "adsgem.sqlite3").exists()


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("127.0.0.1", 0, "from 1 to 65535"),
        ("127.0.0.1", 70000, "from 1 to 65535"),
        ("no.such.host.invalid", 8000, "no address of this machine"),
    ],
)
def test_an_address_that_cannot_be_served_is_refused(host: str, port: int, sentence: str) -> None:
    with pytest.raises(env.SettingError, match=sentence):
        up.refuse_taken_port(host, port)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("", "127.0.0.1")])
def test_the_address_that_is_shown_works_in_a_browser(host: str, shown: str) -> None:
    assert up.host_in_url(host) == shown


def test_a_share_without_a_token_is_refused_with_what_to_do(tmp_path: Path) -> None:
    process = start(tmp_path, "--port", str(free_port()), "--share")
    _, complained = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "set NGROK_AUTHTOKEN" in complained and complained.count("\n") == 1


def test_a_machine_with_an_address_of_its_own_is_not_shared_through_a_tunnel(tmp_path: Path) -> None:
    process = start(tmp_path, "--port", str(free_port()), "--share", PUBLIC_URL="https://ads.example.com", NGROK_AUTHTOKEN="x")
    _, complained = process.communicate(timeout=30)
    assert process.returncode == 2 and "PUBLIC_URL is set" in complained


def test_first_accounts_are_kept_for_the_owner_only_and_made_once(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preparing, "sign_in_file", lambda: tmp_path / "first-sign-in.json")
    said: list[str] = []
    made = preparing.prepare("http://127.0.0.1:8000", said.append)
    path = tmp_path / "first-sign-in.json"
    assert made is not None and json.loads(path.read_text()) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(made) == {"url", "marketer", "staff"}
    for who, staff in (("marketer", False), ("staff", True)):
        user = User.objects.get(email=made[who]["email"])
        assert user.check_password(made[who]["password"]) and user.is_staff is staff
    assert preparing.prepare("http://127.0.0.1:9000", said.append) is None
    assert json.loads(path.read_text()) == {**made, "url": "http://127.0.0.1:9000"}


def test_the_shelf_is_loaded_again_only_when_it_changed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(preparing, "call_command", lambda name, **options: called.append(name))
    for _ in range(2):
        preparing.prepare("http://127.0.0.1:8000", lambda line: None)
    loads_at_first = called.count("load_shelf")
    monkeypatch.setattr(preparing, "_shelf_hash", lambda: "something new")
    preparing.prepare("http://127.0.0.1:8000", lambda line: None)
    assert (loads_at_first <= 1, called.count("load_shelf")) == (True, loads_at_first + 1)
    assert "migrate" not in called


def test_sweep_can_be_rung_once_from_a_shell(db: None) -> None:
    call_command("sweep", "--once")


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.fresh
def test_the_whole_product_starts_serves_and_ends_together(tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, "--port", str(port))
    try:
        deadline = time.monotonic() + 90
        while get(f"http://127.0.0.1:{port}/health/ready")[0] != 200:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.3)
        children = children_of(process.pid)
        assert len(children) == 3
        assert {os.getpgid(child) for child in children} == set(children)
        # A worker that is shot is replaced.
        os.kill(children[1], signal.SIGKILL)
        while children[1] in (now := children_of(process.pid)) or len(now) != 3:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        children = now
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, complained
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    kept = json.loads((tmp_path / "data" / "first-sign-in.json").read_text())
    assert kept["url"] == f"http://127.0.0.1:{port}"
    assert kept["marketer"]["password"] in said and kept["staff"]["email"] in said
    assert f"AdsGem is at http://127.0.0.1:{port}/" in said
    assert "The worker process ended (SIGKILL). It starts again." in said
    assert "Traceback" not in complained and "Warning" not in complained
