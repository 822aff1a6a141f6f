"""What a server tells on its websocket while it works: hints for progress and a preview, never the truth."""

from __future__ import annotations

import json
import logging
import struct
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from uuid import uuid4

import websocket

from comfy.wire import CONNECT_SECONDS, Address

log = logging.getLogger(__name__)

# How much of a picture's progress the nodes make; the sampler's steps make the rest. The end belongs to the download.
NODES, FETCH = 0.2, 0.05
PING_SECONDS = 20.0
_PREVIEW, _PREVIEW_WITH_NAMES = 1, 4
_OVER = ("execution_error", "execution_interrupted")


@dataclass(frozen=True)
class Hint:
    """How far a job is (0 to 1, never falling), and the newest preview picture (JPEG or PNG) if there is one."""

    fraction: float
    preview: bytes | None = None


OnHint = Callable[[Hint], None]


class Meter:
    """Progress from nodes and sampler steps. It never falls, and the last part is left for fetching the picture."""

    def __init__(self, nodes: Collection[str], samplers: Sequence[str]) -> None:
        self.nodes, self.samplers = set(nodes), [node for node in samplers if node in nodes]
        self.done: set[str] = set()
        self.steps: dict[str, float] = {}
        self.running = ""
        self.fraction = 0.0

    def see(self, kind: str, told: Mapping[str, Any]) -> None:
        """Take one message of our own job in."""
        if kind == "execution_cached":
            self.done.update(told.get("nodes") or ())
        elif kind == "executing":
            self.done.add(self.running)
            self.running = str(told.get("node"))
        elif kind == "executed":
            self.done.add(str(told.get("node")))
        elif kind == "progress":
            self._step(str(told.get("node")), told)
        elif kind == "progress_state":
            for node, state in (told.get("nodes") or {}).items():
                self._step(node, state)
                if state.get("state") == "finished":
                    self.done.add(node)
        self.fraction = max(self.fraction, (1 - FETCH) * self._share())

    def _step(self, node: str, told: Mapping[str, Any]) -> None:
        most = float(told.get("max") or 0)
        if node in self.samplers and most > 0:
            self.steps[node] = min(1.0, float(told.get("value") or 0) / most)

    def _share(self) -> float:
        nodes = len(self.done & self.nodes) / max(1, len(self.nodes))
        if not self.samplers:
            return nodes
        steps = sum(1.0 if node in self.done else self.steps.get(node, 0.0) for node in self.samplers) / len(self.samplers)
        return NODES * nodes + (1 - NODES) * steps


class Ear:
    """The websocket of one job, with a client id of its own. Without it (refused, cut, silent) everything goes on, only less smoothly."""

    def __init__(self, address: Address, prompt_id: str, *, wanted: bool = True) -> None:
        self.address, self.prompt_id, self.client_id = address, prompt_id, str(uuid4())
        self._left = 2 if wanted else 0  # connections it may still open: one, and one after a cut
        self._socket: websocket.WebSocket | None = None
        self._pinged = 0.0
        self._preview: bytes | None = None

    def __enter__(self) -> Ear:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def listen(self, seconds: float, meter: Meter, on_hint: OnHint) -> bool:
        """Hear for at most so many seconds. True at once when the job seems to be over: then ask over HTTP."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._socket is None and not self._open():
                time.sleep(left)
                return False
            heard = self._hear(left)
            if heard is None:
                continue
            kind, told = heard
            meter.see(kind, told)
            on_hint(Hint(meter.fraction, self._preview))
            if kind in _OVER or (kind == "executing" and told.get("node") is None):
                return True
        return False

    def _open(self) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        named: dict[str, Any] = {"host": self.address.host, "sslopt": {"server_hostname": self.address.name}} if self.address.ip else {}
        try:
            self._socket = websocket.create_connection(
                f"{self.address.socket}/ws?clientId={self.client_id}",
                timeout=CONNECT_SECONDS,
                header=[f"{name}: {value}" for name, value in self.address.headers.items()],
                suppress_origin=True,
                redirect_limit=0,
                http_no_proxy=["*"],
                **named,
            )
            self._socket.send(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
        except (websocket.WebSocketException, OSError, ValueError) as error:
            log.info("No websocket to %s: %s", self.address.url, type(error).__name__)
            self._close()
            return False
        self._pinged = time.monotonic()
        return True

    def _close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.shutdown()  # type: ignore[no-untyped-call] # no polite closing: it would wait for an answer

    def _hear(self, seconds: float) -> tuple[str, Mapping[str, Any]] | None:
        """One message of our own job; None for anything else, for silence and for a cut."""
        assert self._socket is not None
        try:
            if time.monotonic() - self._pinged > PING_SECONDS:
                self._pinged = time.monotonic()
                self._socket.ping()
            self._socket.settimeout(min(seconds, PING_SECONDS))
            kind, data = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            log.info("The websocket to %s was cut: %s", self.address.url, type(error).__name__)
            self._close()
            return None
        if kind == websocket.ABNF.OPCODE_CLOSE:
            self._close()
            return None
        if kind == websocket.ABNF.OPCODE_BINARY:
            self._look(data)
            return None
        return self._message(data)

    def _message(self, data: bytes) -> tuple[str, Mapping[str, Any]] | None:
        try:
            message = json.loads(data)
            told = message["data"]
            ours = told.get("prompt_id") == self.prompt_id
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return (str(message.get("type")), told) if ours else None

    def _look(self, frame: bytes) -> None:
        """Keep a preview that is of our own job; one without names came to our own client id."""
        if len(frame) < 8:
            return
        event, number = struct.unpack(">II", frame[:8])
        if event == _PREVIEW:
            self._preview = frame[8:]
        elif event == _PREVIEW_WITH_NAMES:
            try:
                ours = json.loads(frame[8 : 8 + number]).get("prompt_id") == self.prompt_id
            except (ValueError, AttributeError):
                return
            if ours:
                self._preview = frame[8 + number :]
