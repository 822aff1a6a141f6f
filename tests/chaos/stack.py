"""The product as it runs, process by process, on either back end, with its clocks set to seconds; and a client who orders over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
import requests

from tests.people import bottle_png

ROOT = Path(__file__).parent.parent.parent
POSTGRES = os.environ.get("DATABASE_URL_FOR_TESTS") or "postgres://postgres@127.0.0.1:5432/adsgem"
REDIS = os.environ.get("REDIS_FOR_TESTS") or "redis://127.0.0.1:6379"
# A number of its own for each process that runs tests, and for each run: two would empty each other's queues.
REDIS_DB = int(os.environ.get("CHAOS_REDIS_DB") or 12) + int((os.environ.get("PYTEST_XDIST_WORKER") or "gw0")[2:])
BACK_ENDS = ("sqlite", "postgres")
SMALL = "google_display_250x250"
FINAL = ("ready", "partly", "failed", "refused", "cancelled")
PATIENCE = 90.0  # seconds for anything to come to its end


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TooSlow(AssertionError):
    """What we waited for did not come in time: on a busy machine it may have been on its way."""


def until(true: Callable[[], Any], what: str, *, seconds: float = PATIENCE, every: float = 0.05) -> Any:
    """Wait for something to become true, and give it. Fails with a sentence when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        found = true()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise TooSlow(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)


def answers(url: str) -> bool:
    """Whether a server is there and content."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=5).status_code == 200
    return False


class Stack:
    """One installation in a folder of its own. Processes are started by name and, when they die, started again, as a supervisor would."""

    def __init__(self, folder: Path, back_end: str, redis_db: int = REDIS_DB) -> None:
        self.folder, self.back_end = folder, back_end
        self.data, self.log_file, self.marks = folder / "data", folder / "calls.jsonl", folder / "marks"
        self.database, self.server = f"adsgem_chaos_{uuid.uuid4().hex[:12]}", POSTGRES
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redis_url = f"{REDIS}/{redis_db}"
        self.extra: dict[str, str] = {}
        self.kept: dict[str, Kept] = {}
        self.token: dict[str, str] = {}
        self.photo = ""

    # --- settings and data

    @property
    def database_url(self) -> str:
        return urlsplit(self.server)._replace(path=f"/{self.database}").geturl() if self.back_end == "postgres" else ""

    def environment(self, **more: str) -> dict[str, str]:
        """Everything a process of this installation sees of the world."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "ADSGEM_DATA": str(self.data),
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.redis_url if self.back_end == "postgres" else "",
            "CACHE_URL": "",
            "PUBLIC_URL": self.url,
            "LEASE_SECONDS": "1.5",
            "HEARTBEAT_SECONDS": "0.3",
            "SWEEP_SECONDS": "0.5",
            "KEEP_FREE_BYTES": "0",
            "CHAOS_LOG": str(self.log_file),
            **self.extra,
            **more,
        }

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment(**more), capture_output=True, text=True, timeout=300
        )

    def create(self) -> None:
        """An empty data folder and, on PostgreSQL, an empty database."""
        self.data.mkdir(parents=True, exist_ok=True)
        if self.back_end == "postgres":
            self.on_server(f'CREATE DATABASE "{self.database}"')

    def prepare(self) -> None:
        """Tables, shelf, accounts and one photo, from nothing."""
        self.create()
        done = self.manage("prepare")
        assert done.returncode == 0, done.stdout + done.stderr
        with self.running("web"):
            self.sign_in()
            self.photo = self.post("photos", files={"file": ("bottle.png", bottle_png(), "image/png")}).json()["id"]

    def as_data(self) -> str:
        """What `from_data` needs to know this installation again in another process."""
        return json.dumps({"folder": str(self.folder), "back_end": self.back_end, "database": self.database, "photo": self.photo})

    @classmethod
    def from_data(cls, data: str) -> Stack:
        """An installation that another process prepared."""
        known = json.loads(data)
        stack = cls(Path(known["folder"]), known["back_end"])
        stack.database, stack.photo = known["database"], known["photo"]
        return stack

    def copy(self, folder: Path) -> Stack:
        """The same installation once more, somewhere else. This one must not be running."""
        other = Stack(folder, self.back_end)
        shutil.copytree(self.data, other.data)
        if self.back_end == "postgres":
            self.on_server(f'CREATE DATABASE "{other.database}" TEMPLATE "{self.database}"')
        other.photo = self.photo
        return other

    def move(self, server: str, programs: Path) -> None:
        """Take the database to another PostgreSQL, with that one's own programs. This one must not be running."""
        dumped = subprocess.run([programs / "pg_dump", self.database_url], capture_output=True, check=True)
        self.on_server(f'DROP DATABASE "{self.database}"')
        self.server = server
        self.on_server(f'CREATE DATABASE "{self.database}"')
        subprocess.run(
            [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", self.database_url],
            input=dumped.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def drop(self) -> None:
        """End everything and take the database away."""
        for name in list(self.kept):
            self.stop(name)
        if self.back_end == "postgres":
            self.on_server(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
            redis.Redis.from_url(self.redis_url).flushdb()

    def on_server(self, sql: str) -> None:
        """A statement that stands outside any transaction and database of ours."""
        with psycopg.connect(urlsplit(self.server)._replace(path="/postgres").geturl(), autocommit=True) as there:
            there.execute(sql)  # type: ignore[call-overload]

    # --- processes

    def command(self, name: str) -> list[str]:
        kind = name.split("-")[0]
        if kind == "web":
            command = [sys.executable, "-m", "uvicorn", "adsgem.asgi:application", "--port", str(self.port), "--log-level", "warning"]
            return [*command, "--lifespan", "off", "--timeout-graceful-shutdown", "2"]
        if kind == "worker":
            worker = [sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "-A", "adsgem", "--quiet", "worker"]
            worker += ["--pool", "threads", "--concurrency", "2"]
            worker += ["--queues", "words,pictures,files", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
            return [*worker, "--without-heartbeat", "--hostname", f"{name}@%h"]
        return [sys.executable, "manage.py", "sweep"]

    def start(self, *names: str, crash: Mapping[str, Any] | None = None, prefix: tuple[str, ...] = (), **more: str) -> None:
        """Start processes. `crash` is a crash point for them: `{"name": "K4"}`, once unless `times` says more."""
        if crash is not None:
            self.marks.mkdir(exist_ok=True)
            more["CHAOS_CRASHPOINT"] = json.dumps({"times": 1, "marks": str(self.marks), **crash})
        for name in names:
            self.stop(name)
            self.kept[name] = Kept([*prefix, *self.command(name)], self.environment(**more), self.folder / f"{name}.log")
        if "web" in names:
            until(lambda: self.answers("/health/live"), "The web process answers")

    @contextlib.contextmanager
    def running(self, *names: str, **more: Any) -> Iterator[None]:
        self.start(*names, **more)
        try:
            yield
        finally:
            self.stop(*names)

    def stop(self, *names: str) -> None:
        for name in names:
            if kept := self.kept.pop(name, None):
                kept.end()

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process; when it dies of it, it starts again."""
        self.kept[name].process.send_signal(number)

    def crashed(self, name: str, times: int = 1) -> bool:
        """Whether a crash point was reached so often."""
        return len(list(self.marks.glob(f"{name}-*"))) >= times if self.marks.exists() else False

    def logs(self) -> str:
        return "\n".join(f"--- {file.name}\n{file.read_text()[-3000:]}" for file in sorted(self.folder.glob("*.log")))

    # --- the client

    def answers(self, path: str) -> bool:
        return answers(self.url + path)

    def sign_in(self) -> None:
        who = json.loads((self.data / "first-sign-in.json").read_text())["marketer"]
        answer = requests.post(f"{self.url}/api/v1/auth/token", json=who, timeout=30)
        assert answer.status_code == 200, answer.text
        self.token = {"Authorization": f"Bearer {answer.json()['access']}"}

    def _ask(self, method: str, path: str, **what: Any) -> requests.Response:
        """A request as a phone makes it: it signs in again when its token has run out."""
        if not self.token:
            self.sign_in()
        headers = what.pop("headers", {})
        what.setdefault("timeout", 30)
        answer = requests.request(method, f"{self.url}/api/v1/{path}", headers={**self.token, **headers}, **what)
        if answer.status_code == 401:
            self.sign_in()
            answer = requests.request(method, f"{self.url}/api/v1/{path}", headers={**self.token, **headers}, **what)
        return answer

    def get(self, path: str) -> requests.Response:
        return self._ask("GET", path)

    def post(self, path: str, **what: Any) -> requests.Response:
        return self._ask("POST", path, **what)

    def order_body(self, *, seed: int | None = 7, variations: int = 1, engine: str = "auto", template: str = "") -> dict[str, Any]:
        return {
            "template": template or self.template(),
            "photos": [self.photo],
            "brief": {"headline": f"Wake up {uuid.uuid4().hex[:6]}", "cta": "Shop now"},
            "placements": [SMALL],
            "variations": variations,
            "engine": engine,
            **({} if seed is None else {"seed": seed}),
        }

    def template(self) -> str:
        if not hasattr(self, "_template"):
            self._template = next(each["id"] for each in self.get("templates").json()["results"] if each["needs_photo"])
        return str(self._template)

    def order(self, **what: Any) -> str:
        """Order, and give the id."""
        answer = self.post("generations", json=self.order_body(**what))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, generation: str, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for an order's end, and give what the API says of it."""

        def look() -> dict[str, Any] | None:
            with contextlib.suppress(requests.RequestException):
                answer = self.get(f"generations/{generation}")
                if answer.status_code == 200 and answer.json()["status"] in FINAL:
                    return dict(answer.json())
            return None

        return dict(until(look, f"The end of order {generation}", seconds=seconds, every=0.2))

    # --- what is there

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A question to the database itself."""
        if self.back_end == "postgres":
            with psycopg.connect(self.database_url) as there:
                return list(there.execute(sql).fetchall())
        with contextlib.closing(sqlite3.connect(self.data / "adsgem.sqlite3", timeout=20)) as here:
            return list(here.execute(sql).fetchall())

    def takes_writes(self) -> bool:
        """Whether a write begins within two seconds: on SQLite one process at a time may write."""
        if self.back_end == "postgres":
            return True
        with contextlib.closing(sqlite3.connect(self.data / "adsgem.sqlite3", timeout=2, isolation_level=None)) as here:
            try:
                here.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            here.execute("ROLLBACK")
            return True

    def execute(self, sql: str) -> None:
        """A change that nobody of the product makes."""
        if self.back_end == "postgres":
            with psycopg.connect(self.database_url) as there:
                there.execute(sql)  # type: ignore[call-overload]
        else:
            with contextlib.closing(sqlite3.connect(self.data / "adsgem.sqlite3", timeout=20)) as here, here:
                here.execute(sql)

    def calls(self, kind: str) -> list[str]:
        """For whom a writer wrote or an engine painted, one for each call."""
        lines = self.log_file.read_text().splitlines() if self.log_file.exists() else []
        return [call["of"] for call in map(json.loads, lines) if call["kind"] == kind]

    def verify(self) -> None:
        """The invariant checker finds nothing wrong."""
        report = self.manage("verify")
        assert report.returncode == 0, report.stdout + report.stderr + self.logs()


class Kept:
    """A process that is started again when it dies, until it is ended."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self.starts, self.over = 0, threading.Event()
        self._begin()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()

    def _begin(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _keep(self) -> None:
        while not self.over.wait(0.05):
            if self.process.poll() is not None:
                self._begin()

    def end(self) -> None:
        self.over.set()
        self.keeper.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
