"""`manage.py up`: the whole product on one machine, under one supervisor."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from adsgem import broker, env, preparing, schema, tunnel
from adsgem.management.commands.tunnel import NO_USE
from adsgem.supervisor import Child, Supervisor

EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
PAINTERS = 2  # pictures made side by side


class Command(BaseCommand):
    """Web, workers and sweep; each starts again when it dies, and all end together."""

    help = "Prepare everything, then serve pages, API, workers and sweep until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to listen, and `--share`."""
        parser.add_argument("--port", type=int, default=8000, help="the port to serve on (default 8000)")
        parser.add_argument("--host", default="127.0.0.1", help="the address to serve on (default: this machine only)")
        parser.add_argument("--share", action="store_true", help="also open a public https address through ngrok (needs NGROK_AUTHTOKEN)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stopped. Exit code 2 when it cannot begin, 1 when a process will not stay alive."""
        host, port = options["host"], options["port"]
        refuse_taken_port(host, port)
        if newer := schema.newer_than_code():
            raise env.SettingError(schema.sentence(newer))
        sys.exit(self._shared(host, port) if options["share"] else self._local(host, port))

    def _local(self, host: str, port: int) -> int:
        """Serve at an address of our own. Gives the exit code."""
        url = own_url(f"http://{host_in_url(host)}:{port}")
        made = self._prepare(url)
        supervisor = Supervisor(
            children(host, port),
            environment=_environment(url),
            tell=self._tell,
            on_tick=once_open(host, port, lambda: self._welcome(url, made)),
        )
        return supervisor.run()

    def _prepare(self, url: str) -> dict[str, Any] | None:
        made = preparing.prepare(url, self._tell)
        broker.mend(settings.CELERY_BROKER_URL)
        connections.close_all()
        return made

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _shared(self, host: str, port: int) -> int:
        """Serve at the address that a tunnel gives us: the tunnel first, and with its address everything else. Gives the exit code."""
        if env.text("PUBLIC_URL"):
            raise env.SettingError("--share is for trying things out; PUBLIC_URL is set, so this machine has an address already.")
        try:
            tunnel.check()
        except tunnel.TunnelError as error:
            raise env.SettingError(str(error)) from error
        self._warn()
        password, served = tunnel.begin(), children(host, port)
        for child in served:
            child.start_at = float("inf")  # until there is an address: pages answer to no other name
        hold = [sys.executable, str(settings.BASE_DIR / "manage.py"), "tunnel", "--port", str(port)]
        supervisor = Supervisor(
            [Child("tunnel", hold, hopeless=frozenset({NO_USE})), *served], environment=_environment(""), tell=self._tell
        )
        known = ""
        welcome: Callable[[], None] | None = None

        def follow() -> None:
            nonlocal known, welcome
            if (found := tunnel.address()) and found != known:
                made, known = self._prepare(found), found
                supervisor.environment = _environment(found, shared=True)
                for child in served:
                    child.start_again()
                welcome = once_open(host, port, lambda: self._welcome_from_far(found, password, made))
            if welcome:
                welcome()

        supervisor.on_tick = follow
        try:
            return supervisor.run()
        finally:
            tunnel.forget()

    def _warn(self) -> None:
        self._tell("*** Everybody on the internet will reach this machine by a public address, until you press Ctrl-C. ***")
        self._tell("It is for trying things out: people must know the password below, and then sign in. Do not use it for production.")
        if not tunnel.agent().exists():
            self._tell(f"ngrok's program is not here: pyngrok downloads it now from ngrok (about 10 MB) into {tunnel.folder()}.")

    def _welcome_from_far(self, url: str, password: str, made: Mapping[str, Any] | None) -> None:
        self._tell(tunnel.code_for_phones(url))
        self._tell(f"Name and password that the address asks for: {tunnel.GUARDS_NAME}   {password}")
        self._welcome(url, made)

    def _welcome(self, url: str, made: Mapping[str, Any] | None) -> None:
        self._tell(f"\nAdsGem is at {url}/   (Ctrl-C stops it)")
        if made:
            self._tell("Sign in with one of these; they are shown this once:")
            for who in ("marketer", "staff"):
                self._tell(f"  {who:<9} {made[who]['email']}   {made[who]['password']}")
        if preparing.sign_in_file().exists():
            self._tell(f"The first passwords stand in {preparing.sign_in_file()}, for you only.")


def _environment(url: str, *, shared: bool = False) -> dict[str, str]:
    """What the processes are told beside what we were told: where people reach them."""
    return env.for_child(PUBLIC_URL=url, TMPDIR=str(settings.FILE_UPLOAD_TEMP_DIR), SHARED="yes" if shared else "")


def children(host: str, port: int) -> list[Child]:
    """The processes of one machine."""
    python = sys.executable
    # Files are read by synchronous iterators, which is meant: they are read in a thread of their own.
    calm = ["-W", "ignore:StreamingHttpResponse must consume"]
    web = [python, *calm, "-m", "uvicorn", "adsgem.asgi:application", "--host", host, "--port", str(port)]
    # An open event stream would hold a stop for half a minute.
    web += ["--timeout-graceful-shutdown", "3", "--log-level", "warning", "--no-access-log", "--no-server-header", "--lifespan", "off"]
    quiet = ["-W", "ignore:You're running the worker"]  # as root: true in many a container, and no help in every log
    worker = [python, *quiet, "-m", "celery", "-A", "adsgem", "--quiet", "worker", "--pool", "threads", "--concurrency", str(PAINTERS)]
    worker += [
        "--queues",
        ",".join(settings.QUEUES),
        "--loglevel",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    return [Child("web", web), Child("worker", worker), Child("sweep", [python, str(settings.BASE_DIR / "manage.py"), "sweep"])]


def refuse_taken_port(host: str, port: int) -> None:
    """Raises SettingError when nobody could be served at this address."""
    if not 1 <= port <= 65535:
        raise env.SettingError(f"A port is a number from 1 to 65535, not {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise env.SettingError(f"{host} is no address of this machine.") from error
    except PermissionError as error:
        raise env.SettingError(f"Port {port} needs more rights. Choose one above 1023, for instance: --port 8000") from error
    except OSError as error:
        another = f"Choose another one, for instance: --port {port + 1 if port < 65535 else 8000}"
        raise env.SettingError(f"Port {port} on {host} is taken by another program, or is not ours to take. {another}") from error


def own_url(local: str) -> str:
    """Where people reach this machine: PUBLIC_URL when it is set, else where it listens. Raises SettingError."""
    return env.public_url("PUBLIC_URL", local).geturl()


def host_in_url(host: str) -> str:
    """The host as it stands in an address of this machine."""
    if host in EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def once_open(host: str, port: int, then: Callable[[], None]) -> Callable[[], None]:
    """Something to call again and again: does `then` one time, as soon as the port answers."""
    done = False

    def look() -> None:
        nonlocal done
        if done:
            return
        try:
            socket.create_connection((host_in_url(host).strip("[]"), port), timeout=1).close()
        except OSError:
            return
        done = True
        then()

    return look
