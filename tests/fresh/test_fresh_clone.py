"""A new machine: clone, one command, a finished ad over HTTP, and nothing left running or lying about."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
PLACEMENTS = {"meta_ig_feed_portrait": (1080, 1350), "google_display_300x250": (300, 250)}
pytestmark = pytest.mark.fresh


class Machine:
    """A folder that stands for a new machine: an empty home, an empty place for temporary files, and the clone."""

    def __init__(self, folder: Path) -> None:
        self.home, self.temporary, self.clone = folder / "home", folder / "tmp", folder / "clone"
        self.log = folder / "server.log"
        self.home.mkdir()
        self.temporary.mkdir()
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(self.clone)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """What a person's shell has: nothing of AdsGem's, of this test run or of its virtual environment."""
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "LC_")) or name in ("LANG", "TERM")
        }
        venv = str(ROOT / ".venv")
        path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(venv))
        return {**kept, "PATH": path, "HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def start(self) -> float:
        """Start script/server from another folder, wait until it is ready, and give the seconds that it took."""
        began = time.monotonic()
        self.server = subprocess.Popen(
            [str(self.clone / "script" / "server"), "--port", str(self.port)],
            cwd=self.home,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while True:
            assert self.server.poll() is None, self.said()
            assert time.monotonic() - began < 900, self.said()
            try:
                if requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return time.monotonic() - began
            except requests.RequestException:
                time.sleep(0.3)

    def said(self) -> str:
        return self.log.read_text()

    def processes(self) -> list[str]:
        """The command lines of all processes that run from the clone."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(self.clone) in command or os.readlink(process / "cwd").startswith(str(self.clone)):
                    found.append(command)
            except OSError:
                continue
        return found

    def stop(self) -> int:
        """Press Ctrl-C, and wait."""
        assert self.server is not None
        self.server.send_signal(signal.SIGINT)
        return self.server.wait(30)

    def first_sign_in(self) -> dict[str, Any]:
        path = self.clone / "data" / "first-sign-in.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine, with the server started for the first time."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    machine.start()
    yield machine
    if machine.server and machine.server.poll() is None:
        os.killpg(machine.server.pid, signal.SIGKILL)


def sign_in(machine: Machine, who: str) -> requests.Session:
    person = machine.first_sign_in()[who]
    session = requests.Session()
    answer = session.post(f"{machine.url}/api/v1/auth/token", json={"email": person["email"], "password": person["password"]}, timeout=10)
    assert answer.status_code == 200, answer.text
    session.headers["Authorization"] = f"Bearer {answer.json()['access']}"
    return session


def finished(machine: Machine, session: requests.Session, order: dict[str, Any]) -> dict[str, Any]:
    """The order when it is done, asked for as a phone would."""
    deadline = time.monotonic() + 120
    seen = []
    while order["status"] not in ("ready", "partly", "failed", "refused", "cancelled"):
        assert time.monotonic() < deadline, (order, machine.said())
        time.sleep(0.3)
        order = session.get(f"{machine.url}/api/v1/generations/{order['id']}", timeout=10).json()
        seen.append(order["progress"])
    assert seen == sorted(seen)
    return order


def test_the_first_ad_is_made_on_a_new_machine(machine: Machine) -> None:
    assert machine.first_sign_in()["url"] == machine.url
    assert machine.first_sign_in()["marketer"]["password"] in machine.said()
    session = sign_in(machine, "marketer")
    templates = session.get(f"{machine.url}/api/v1/templates?page_size=100", timeout=10).json()["results"]
    assert len(templates) >= 12
    with (machine.clone / "templates_app" / "shelf" / "products" / "serum.jpg").open("rb") as file:
        photo = session.post(f"{machine.url}/api/v1/photos", files={"file": file}, timeout=60)
    assert photo.status_code == 201, photo.text
    template = next(each for each in templates if each["needs_photo"])
    wanted = {
        "template": template["id"],
        "photos": [photo.json()["id"]],
        "brief": {"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"},
        "placements": list(PLACEMENTS),
    }
    answer = session.post(f"{machine.url}/api/v1/generations", json=wanted, timeout=10, headers={"Idempotency-Key": "first"})
    assert answer.status_code == 202, answer.text
    order = finished(machine, session, answer.json())
    assert order["status"] == "ready", (order, machine.said())
    assert {ad["placement"] for ad in order["ads"]} == set(PLACEMENTS)
    for ad in order["ads"]:
        file = session.get(f"{machine.url}/api/v1/ads/{ad['id']}/file", timeout=10)
        assert file.status_code == 200
        picture = Image.open(io.BytesIO(file.content))
        picture.load()
        assert picture.size == (ad["width"], ad["height"]) == PLACEMENTS[ad["placement"]]
        assert len(file.content) == ad["bytes"]
        low, high = picture.convert("L").getextrema()
        assert high - low > 100, "an empty picture is no ad"


def test_staff_may_sign_in_too(machine: Machine) -> None:
    assert sign_in(machine, "staff").get(f"{machine.url}/api/v1/me", timeout=10).status_code == 200


def test_every_line_of_the_guide_for_apps_runs(machine: Machine, tmp_path: Path) -> None:
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL))
    person = machine.first_sign_in()["marketer"]
    told = {"BASE": machine.url, "EMAIL": person["email"], "PASSWORD": person["password"], "OUT": str(tmp_path)}
    photo = machine.clone / "templates_app" / "shelf" / "products" / "serum.jpg"
    environment = {**machine.environment(), **told, "PHOTO": str(photo)}
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], env=environment, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "The order is ready" in ran.stdout
    with Image.open(tmp_path / "ad") as ad:
        assert ad.size in PLACEMENTS.values()
    assert zipfile.is_zipfile(tmp_path / "ads.zip")


def test_a_port_in_use_gets_one_sentence(machine: Machine) -> None:
    again = subprocess.run(
        [str(machine.clone / "script" / "server"), "--port", str(machine.port)],
        env=machine.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 2
    assert again.stderr.startswith(f"Port {machine.port} on 127.0.0.1 is taken")
    assert again.stderr.count("\n") == 1


def test_ctrl_c_ends_everything_and_the_next_start_is_quick(machine: Machine) -> None:
    assert len(machine.processes()) >= 4
    assert machine.stop() == 0, machine.said()
    assert machine.processes() == []
    assert "Traceback" not in machine.said()
    seconds = machine.start()
    assert seconds < 10, f"the second start took {seconds:.1f} s"
    assert sign_in(machine, "marketer").get(f"{machine.url}/api/v1/generations", timeout=10).json()["results"]
    assert machine.said().count(machine.first_sign_in()["marketer"]["password"]) == 1, "the passwords are shown once"
    assert machine.stop() == 0
    assert machine.processes() == []


def test_nothing_was_written_outside_the_clone_and_nothing_in_it_that_git_would_see(machine: Machine) -> None:
    # pip asks rustc for its version; where that is rustup's, rustup notes something at home.
    assert [path for path in sorted(machine.home.rglob("*")) if ".rustup" not in path.parts] == []
    assert sorted(machine.temporary.rglob("*")) == []
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=machine.clone, capture_output=True, text=True, check=True)
    assert changed.stdout == ""
