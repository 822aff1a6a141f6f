"""Keeps a few processes alive on one machine, and takes them all along when it goes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

QUICK_SECONDS = 10.0  # a child that lived shorter has not really started
QUICK_AT_MOST = 5  # so many in a row, and another try is no use
TICK_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Child:
    """One process that should always run."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    start_at: float = field(default=0.0)
    hopeless: frozenset[int] = frozenset()  # exit codes after which another try is no use
    planned: bool = False  # its end is meant: it starts again with a new environment

    @property
    def alive(self) -> bool:
        """Whether its process runs now."""
        return self.process is not None and self.process.poll() is None

    def start_again(self) -> None:
        """End it, when it runs, and have it start as soon as it has ended."""
        self.start_at = 0.0
        if self.alive and self.process:
            self.planned = True
            self.process.terminate()


class Supervisor:
    """Starts children, starts the dead ones again after a pause that grows, and ends them all when told to.

    `grace` is how many seconds a child has to put its work down after it was asked to end. `on_tick` is called ten times a second.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        grace: float = 15.0,
        tell: Callable[[str], None] = print,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self.children, self.environment, self.grace = children, dict(environment), grace
        self.tell, self.on_tick = tell, on_tick
        self.asked_to_stop = 0

    def run(self) -> int:
        """Run until a signal comes (exit code 0), or until a child will not start (1)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        hopeless = None
        try:
            while not self.asked_to_stop and hopeless is None:
                hopeless = next((child for child in self.children if not self._keep_alive(child)), None)
                self.on_tick()
                time.sleep(TICK_SECONDS)
        finally:
            self.end()
        if hopeless is None:
            return 0
        if not hopeless.quick_deaths:
            self.tell(f"The {hopeless.name} process cannot do its work, so AdsGem stopped. Its message stands above.")
            return 1
        self.tell(
            f"The {hopeless.name} process ended {QUICK_AT_MOST} times right after its start, so AdsGem stopped. Its messages stand above."
        )
        return 1

    def end(self) -> None:
        """Ask every child to end, wait for `grace`, then end by force what is left. A second signal ends by force at once."""
        before = self.asked_to_stop
        for child in self.children:
            if child.alive and child.process:
                child.process.terminate()
        deadline = time.monotonic() + self.grace
        while any(child.alive for child in self.children) and time.monotonic() < deadline and self.asked_to_stop <= max(before, 1):
            time.sleep(TICK_SECONDS)
        for child in self.children:
            if child.process is not None:
                _end_group(child.process)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.asked_to_stop += 1
        if self.asked_to_stop == 1:
            self.tell("Stopping. Press Ctrl-C again to stop without waiting for the work in hand: it is taken up on the next start.")

    def _keep_alive(self, child: Child) -> bool:
        """Start the child when it is time to. False: it is hopeless."""
        now = time.monotonic()
        if child.alive or now < child.start_at:
            return True
        if child.process is not None:
            code, child.process = child.process.returncode, None
            if child.planned:
                child.planned = False
                return True
            if code in child.hopeless:
                child.quick_deaths = 0
                return False
            child.quick_deaths = child.quick_deaths + 1 if now - child.started < QUICK_SECONDS else 0
            if child.quick_deaths >= QUICK_AT_MOST:
                return False
            pause = min(30.0, 0.25 * 2**child.quick_deaths)
            self.tell(f"The {child.name} process ended ({_reason(code)}). It starts again.")
            child.start_at = now + pause
            return True
        child.started = now
        child.process = subprocess.Popen(  # noqa: S603 - commands of our own
            child.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            process_group=0,  # so that Ctrl-C in the terminal reaches the supervisor only
            preexec_fn=_follow_parent,  # noqa: PLW1509 - one system call, no lock that another thread could hold
        )
        return True


def _follow_parent() -> None:
    """Have the kernel end this process when the supervisor is killed (Linux)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
