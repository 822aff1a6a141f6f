"""`up --share`: an agent that stands in for ngrok's own, and what happens when there is none."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from adsgem import tunnel
from tests.adsgem.test_settings import environment, python

# Says what ngrok's agent says on its start, then answers its local interface.
AGENT = """#!{python}
import json, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
here = pathlib.Path(__file__).parent
(here / "arguments.json").write_text(json.dumps(sys.argv[1:]))
if "{fault}":
    print('t=2026 lvl=eror msg="failed to auth" err="{fault}"', flush=True)
    sys.exit(1)

class Agent(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (here / "asked.json").write_text(json.dumps(asked))
        self.answer({{**asked, "public_url": asked.get("url") or "https://quick-fox.ngrok.app", "uri": "/api/endpoints/x", "proto": "https", "config": {{}}, "metrics": {{}}}})
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
    yield tmp_path
    tunnel.close()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str = "") -> None:
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
    with pytest.raises(tunnel.TunnelError, match=r"^ngrok did not open an address: .*The authtoken is not valid") as refusal:
        tunnel.open_address(8123)
    assert "\n" not in str(refusal.value)


def test_without_a_token_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    monkeypatch.setenv("NGROK_AUTHTOKEN", "")
    with pytest.raises(tunnel.TunnelError, match="set NGROK_AUTHTOKEN"):
        tunnel.open_address(8123)
    assert not (tmp_path / "arguments.json").exists()


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
