"""`up --share`: an agent that stands in for ngrok's own, and what happens when there is none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from adsgem import tunnel
from tests.adsgem.test_settings import ROOT, environment, python
from tests.adsgem.test_up import free_port

# Says what ngrok's agent says on its start, then answers its local interface.
AGENT = """#!{python}
import json, os, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
here = pathlib.Path(__file__).parent
(here / "arguments.json").write_text(json.dumps(sys.argv[1:]))
(here / "pid").write_text(str(os.getpid()))
if "{fault}":
    print('t=2026 lvl=eror msg="failed to auth" err="{fault}"', flush=True)
    sys.exit(1)

class Agent(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (here / "asked.json").write_text(json.dumps(asked))
        self.answer({{**asked, "public_url": asked.get("url") or (here / "url").read_text().strip(), "uri": "/api/endpoints/x", "proto": "https", "config": {{}}, "metrics": {{}}}})
    def do_GET(self):
        self.answer({{"tunnels": [], "endpoints": []}}, 200)
    def answer(self, body, status=201):
        data = json.dumps(body).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(data))); self.send_header("Content-Type", "application/json")
        self.end_headers(); self.wfile.write(data)
    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Agent)
print(f't=2026 lvl=info msg="starting web service" obj=web addr=127.0.0.1:{{server.server_port}}', flush=True)
print('t=2026 lvl=info msg="client session established" obj=csess', flush=True)
print('t=2026 lvl=info msg="tunnel session started" obj=tunnels.session', flush=True)
server.serve_forever()
"""


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a stand-in agent that works."""
    install(tmp_path, monkeypatch)
    tunnel.begin()
    yield tmp_path
    tunnel.close()
    tunnel.forget()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str = "") -> None:
    (folder / "url").write_text("https://quick-fox.ngrok.app")
    script = folder / "ngrok"
    script.write_text(AGENT.format(python=sys.executable, fault=fault))
    script.chmod(0o755)
    monkeypatch.setenv("PYNGROK_NGROK_PATH", str(script))
    monkeypatch.setenv("NGROK_AUTHTOKEN", "s3cr3t-token")


def test_a_share_opens_an_https_address_to_our_port(agent: Path) -> None:
    assert tunnel.open_address(8123) == "https://quick-fox.ngrok.app"
    assert json.loads((agent / "asked.json").read_text())["upstream"]["url"] == "http://127.0.0.1:8123"


def test_an_address_of_ones_own_is_asked_for(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGROK_DOMAIN", "ads.ngrok.app")
    assert tunnel.open_address(8123) == "https://ads.ngrok.app"


def test_the_token_is_in_a_private_file_and_not_on_the_command_line(agent: Path) -> None:
    tunnel.open_address(8123)
    assert "s3cr3t-token" not in (agent / "arguments.json").read_text()
    config = Path(settings.DATA_DIR) / "ngrok" / "ngrok.yml"
    assert "s3cr3t-token" in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_refused_token_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, fault="The authtoken is not valid.")
    tunnel.begin()
    with pytest.raises(tunnel.TunnelError, match=r"^ngrok did not open an address: .*The authtoken is not valid") as refusal:
        tunnel.open_address(8123)
    assert "\n" not in str(refusal.value)


def test_without_a_token_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    monkeypatch.setenv("NGROK_AUTHTOKEN", "")
    with pytest.raises(tunnel.TunnelError, match="set NGROK_AUTHTOKEN"):
        tunnel.open_address(8123)
    assert not (tmp_path / "arguments.json").exists()


def test_whoever_comes_by_the_address_is_asked_for_this_runs_password_first(agent: Path) -> None:
    password = tunnel.begin()
    tunnel.open_address(8123)
    rules = json.loads((agent / "asked.json").read_text())["traffic_policy"]["on_http_request"]
    assert [(action["type"], action["config"]["credentials"]) for rule in rules for action in rule["actions"]] == [
        ("basic-auth", [f"adsgem:{password}"])
    ]
    assert len(password) >= 16 and password not in (agent / "arguments.json").read_text()
    assert tunnel.begin() != password


def test_no_tunnel_is_opened_without_a_password(agent: Path) -> None:
    tunnel.forget()
    with pytest.raises(tunnel.TunnelError, match="opened by manage.py share"):
        tunnel.open_address(8123)
    assert not (agent / "arguments.json").exists()


def test_the_address_is_drawn_for_a_phone() -> None:
    drawn = tunnel.code_for_phones("https://quick-fox.ngrok.app")
    lines = drawn.splitlines()
    assert len(lines) > 10 and set(drawn) <= set(" \u00a0\u2580\u2584\u2588\n")
    assert drawn != tunnel.code_for_phones("https://slow-fox.ngrok.app")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `manage.py share` with the stand-in agent, its output in a file."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int, fault: str = "") -> subprocess.Popen[str]:
        install(tmp_path, monkeypatch, fault=fault)
        given = environment(tmp_path, NGROK_AUTHTOKEN="s3cr3t-token", PYNGROK_NGROK_PATH=str(tmp_path / "ngrok"))
        with (tmp_path / "said").open("w") as said:
            command = [sys.executable, "manage.py", "share", "--port", str(port)]
            started.append(subprocess.Popen(command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def wait_for(holds: Callable[[], bool], what: Path) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline, what.read_text()
        time.sleep(0.1)


def status(port: int, host: str) -> int:
    """What the server on this port answers when it is asked for under this name, over the tunnel's https."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        asked.request("GET", "/account/sign-in/", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return asked.getresponse().status
    except OSError:
        return 0
    finally:
        asked.close()


def test_a_share_answers_under_its_address_follows_it_when_it_breaks_and_ends_with_the_server(
    shared: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    port, said = free_port(), tmp_path / "said"
    process = shared(port)
    wait_for(lambda: "AdsGem is at https://quick-fox.ngrok.app/" in said.read_text(), said)
    told = said.read_text()
    assert told.startswith("*** Everybody on the internet will reach this machine")
    assert "Name and password that the address asks for: adsgem" in told
    assert tunnel.code_for_phones("https://quick-fox.ngrok.app") in told
    assert (status(port, "quick-fox.ngrok.app"), status(port, "elsewhere.example.com")) == (200, 400)

    (tmp_path / "url").write_text("https://slow-badger.ngrok.app")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    wait_for(lambda: "AdsGem is at https://slow-badger.ngrok.app/" in said.read_text(), said)
    assert "ngrok's program ended." in said.read_text()
    wait_for(lambda: status(port, "slow-badger.ngrok.app") == 200, said)
    assert status(port, "quick-fox.ngrok.app") == 400

    agent_id = int((tmp_path / "pid").read_text())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert status(port, "slow-badger.ngrok.app") == 0
    with pytest.raises(ProcessLookupError):
        os.kill(agent_id, 0)
    assert {path.name for path in (tmp_path / "data" / "ngrok").iterdir()} == {"ngrok.yml"}


def test_a_token_that_ngrok_refuses_ends_a_share_at_once(shared: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = shared(free_port(), fault="The authtoken is not valid.")
    assert process.wait(timeout=60) == 1
    told = (tmp_path / "said").read_text()
    assert "ngrok did not open an address" in told and "The authtoken is not valid" in told and "Traceback" not in told
    assert "AdsGem is at" not in told and not (tmp_path / "data" / "first-sign-in.json").exists()


ASK = """
import django; django.setup()
from django.test import Client
for path in ("/", "/library/", "/health/live"):
    answer = Client().get(path, headers={"host": "quick-fox.ngrok.app"}, secure=True)
    print(path, answer.status_code, answer.get("Location", ""))
"""


def test_behind_a_tunnel_every_page_asks_who_is_there(tmp_path: Path) -> None:
    shared = environment(tmp_path, SHARED="yes", PUBLIC_URL="https://quick-fox.ngrok.app")
    said = python("-c", ASK, env=shared)
    assert said.returncode == 0, said.stderr
    for line in said.stdout.splitlines():
        _, status, location = line.split(" ")
        assert (status, location.split("?")[0]) == ("302", "/account/sign-in/") or status == "404", line
    assert "/health/live 302" in said.stdout
