"""How a simulated ComfyUI answers over HTTP and websocket."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from PIL import Image

if TYPE_CHECKING:
    from tests.fakes.comfy_server import Simulator

SWITCHES_NEVER = {"lock", "state", "http"}


class Listener:
    """One open websocket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.lock = connection, threading.Lock()
        self.names_previews = False

    def send(self, kind: str, data: dict[str, Any]) -> None:
        self.frame(0x1, json.dumps({"type": kind, "data": data}).encode())

    def preview(self, prompt_id: str, node: str) -> None:
        """A preview picture, as event 4 when the client asked for names, else as event 1."""
        file = io.BytesIO()
        Image.new("RGB", (64, 64), (90, 60, 30)).save(file, "JPEG")
        if self.names_previews:
            names = json.dumps({"node_id": node, "prompt_id": prompt_id, "display_node_id": node, "parent_node_id": None, "real_node_id": node, "image_type": "image/jpeg"}).encode()  # fmt: skip
            self.frame(0x2, struct.pack(">II", 4, len(names)) + names + file.getvalue())
        else:
            self.frame(0x2, struct.pack(">II", 1, 1) + file.getvalue())

    def frame(self, kind: int, data: bytes) -> None:
        size = len(data)
        head = (
            bytes([0x80 | kind, size])
            if size < 126
            else struct.pack(">BBH", 0x80 | kind, 126, size)
            if size < 65536
            else struct.pack(">BBQ", 0x80 | kind, 127, size)
        )
        with self.lock, contextlib.suppress(OSError):
            self.connection.sendall(head + data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection. `simulator` is set by a subclass."""

    simulator: Simulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30
    lost = False

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle_one_request()
            return
        self.close_connection = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = parts.path
        if path == "/simulator":
            self._control(method, body)
            return
        simulator = self.simulator
        with simulator.lock:
            simulator.requests.append((method, path))
            simulator.hosts.add(self.headers.get("Host", ""))
            fault = next((fault for fault in simulator.faults if path.startswith(fault.path) and fault.times > 0), None)
            if fault:
                fault.times -= 1
        self.lost = False
        if fault and fault.do == "drop":
            self._hang_up()
            return
        if fault and isinstance(fault.do, float):
            time.sleep(fault.do)
        if fault and isinstance(fault.do, int) and not isinstance(fault.do, bool):
            self._text(fault.do, "upstream is not there")
            return
        self.lost = bool(fault and fault.do == "lose")
        if simulator.token and self.headers.get("Authorization") != f"Bearer {simulator.token}":
            self._text(401, "")
            return
        if path in ("/ws", "/api/ws"):
            self._socket()
            return
        if path.startswith("/api/jobs/") and path.endswith("/cancel") and simulator.jobs and method == "POST":
            self._json({"cancelled": self._cancel(path.split("/")[3])})
            return
        self._route(method, path.removeprefix("/api") if not path.startswith("/api/jobs") else path, body)

    def _route(self, method: str, path: str, body: bytes) -> None:
        first = path.strip("/").split("/")[0]
        answer = getattr(self, f"_{method.lower()}_{first}", None)
        known = any(hasattr(self, f"_{other}_{first}") for other in ("get", "post"))
        if answer is None:
            self._text(405, "405: Method Not Allowed") if known else self._text(404, "")
            return
        try:
            answer(path, body)
        except (ValueError, TypeError, AttributeError, KeyError, UnicodeError):
            self._text(500, "500 Internal Server Error\n\nServer got itself in trouble")

    # --- what is read

    def _get_prompt(self, path: str, body: bytes) -> None:
        state = self.simulator.state
        self._json({"exec_info": {"queue_remaining": len(state.pending) + (state.running is not None)}})

    def _get_queue(self, path: str, body: bytes) -> None:
        with self.simulator.lock:
            state = self.simulator.state
            running, pending = [state.running] if state.running else [], list(state.pending)
        self._json({"queue_running": running, "queue_pending": pending})

    def _get_history(self, path: str, body: bytes) -> None:
        with self.simulator.lock:
            history = dict(self.simulator.state.history)
        parts = path.strip("/").split("/")
        if len(parts) == 1:
            self._json(history)
            return
        entry = history.get(parts[1])
        if entry and self.simulator.swap:
            other = [one for key, one in history.items() if key != parts[1]]
            entry = {**entry, "outputs": other[-1]["outputs"]} if other else entry
        self._json({parts[1]: entry} if entry else {})

    def _get_view(self, path: str, body: bytes) -> None:
        name, folder, kind = self.query.get("filename", ""), self.query.get("subfolder", ""), self.query.get("type", "output")
        if not name or name.startswith("/") or ".." in name or kind not in ("output", "input", "temp"):
            self._text(400, "")
        elif ".." in folder or folder.startswith("/"):
            self._text(403, "")
        else:
            self._picture(name, self.simulator.files.get((kind, folder, name)))

    def _picture(self, name: str, data: bytes | None) -> None:
        simulator, kind = self.simulator, "image/png"
        wrong = simulator.wrong if simulator.wrong_times > 0 else ""
        if wrong:
            simulator.wrong_times -= 1
        if data is None or wrong == "gone":
            self._text(404, "")
            return
        if wrong in ("size", "black"):
            with Image.open(io.BytesIO(data)) as opened:
                width, height = opened.size
            file = io.BytesIO()
            noisy = Image.effect_noise((width + 8, height), 60).convert("RGB")
            (noisy if wrong == "size" else Image.new("RGB", (width, height))).save(file, "PNG")
            data = file.getvalue()
        elif wrong == "empty":
            data = b""
        elif wrong == "html":
            data, kind = b"<!doctype html><title>502</title>", "text/html"
        elif wrong == "truncated":
            data = data[: len(data) // 2]
        self._bytes(
            200,
            data,
            kind,
            {
                "Content-Disposition": f'filename="{name}"',
                "Accept-Ranges": "bytes",
                "ETag": '"1"',
                "Last-Modified": "Mon, 23 Nov 2026 00:50:12 GMT",
            },
        )

    def _get_object_info(self, path: str, body: bytes) -> None:
        info, parts = self.simulator.object_info(), path.strip("/").split("/")
        self._json(info if len(parts) == 1 else {parts[1]: info[parts[1]]} if parts[1] in info else {})

    def _get_models(self, path: str, body: bytes) -> None:
        parts, models = path.strip("/").split("/"), self.simulator.models
        if len(parts) == 1:
            self._json(list(models))
        elif parts[1] in models:
            self._json(models[parts[1]])
        else:
            self._text(404, "")

    def _get_embeddings(self, path: str, body: bytes) -> None:
        self._json([])

    def _get_system_stats(self, path: str, body: bytes) -> None:
        device = {"name": "simulated", "type": "cuda", "index": None, "vram_total": self.simulator.vram, "vram_free": self.simulator.vram, "torch_vram_total": 0, "torch_vram_free": 0}  # fmt: skip
        system = {"os": "posix", "ram_total": 1 << 34, "ram_free": 1 << 33, "comfyui_version": self.simulator.version, "required_frontend_version": "1.27.10", "installed_templates_version": None, "required_templates_version": "0.1.95", "python_version": "3.11.7", "pytorch_version": "2.9.0", "embedded_python": False, "argv": ["main.py"]}  # fmt: skip
        self._json({"system": system, "devices": [device]})

    def _get_features(self, path: str, body: bytes) -> None:
        self._json({"supports_preview_metadata": True, "max_upload_size": 104857600})

    # --- what is written

    def _post_prompt(self, path: str, body: bytes) -> None:
        told = json.loads(body)
        if isinstance(told, dict) and told.get("prompt", {}) is None:
            raise ValueError
        status, answer = self.simulator.accept(told)
        self._json(answer, status)

    def _post_queue(self, path: str, body: bytes) -> None:
        told, simulator = json.loads(body), self.simulator
        with simulator.lock:
            gone = set(told.get("delete") or ())
            simulator.state.pending = [] if told.get("clear") else [item for item in simulator.state.pending if item[1] not in gone]
        simulator.tell_status()
        self._bytes(200, b"")

    def _post_interrupt(self, path: str, body: bytes) -> None:
        told = json.loads(body) if body else {}
        wanted, simulator = told.get("prompt_id"), self.simulator
        with simulator.lock:
            simulator.interrupts.append(told)
            running = simulator.state.running[1] if simulator.state.running else ""
            if wanted is None or wanted == running:
                simulator.interrupting = running
        self._bytes(200, b"")

    def _post_history(self, path: str, body: bytes) -> None:
        told, history = json.loads(body), self.simulator.state.history
        for key in list(history) if told.get("clear") else told.get("delete") or ():
            history.pop(key, None)
        self._bytes(200, b"")

    def _post_free(self, path: str, body: bytes) -> None:
        told = json.loads(body)
        if told.get("free_memory"):
            self.simulator.state.cached = {}
        self._bytes(200, b"")

    def _post_upload(self, path: str, body: bytes) -> None:
        form, files = _multipart(self.headers.get("Content-Type", ""), body)
        folder, kind = form.get("subfolder", ""), form.get("type", "input")
        name, data = files.get("image", ("", b""))
        if kind not in ("input", "temp", "output"):
            raise ValueError
        if not name or ".." in folder.split("/"):
            self._text(400, "")
            return
        if "/" in name:
            if ".." in name.split("/"):
                self._text(400, "")
                return
            raise ValueError
        name = name.replace("\\", "")
        if len(name.encode()) > 255:
            raise ValueError
        store, stem, dot = self.simulator.files, *name.rpartition(".")[::2]
        free, number = name, 0
        if form.get("overwrite") not in ("true", "1"):
            while store.get((kind, folder, free), data) != data:
                number += 1
                free = f"{stem} ({number}).{dot}"
        store[(kind, folder, free)] = data
        self._json({"name": free, "subfolder": folder, "type": kind})

    def _cancel(self, prompt_id: str) -> bool:
        simulator = self.simulator
        with simulator.lock:
            before = len(simulator.state.pending)
            simulator.state.pending = [item for item in simulator.state.pending if item[1] != prompt_id]
            if simulator.state.running and simulator.state.running[1] == prompt_id:
                simulator.interrupting = prompt_id
                return True
            return len(simulator.state.pending) < before

    # --- the simulator's own door

    def _control(self, method: str, body: bytes) -> None:
        simulator = self.simulator
        told = json.loads(body) if body else {}
        for name, value in told.get("set", {}).items():
            assert hasattr(simulator, name) and name not in SWITCHES_NEVER
            setattr(simulator, name, value)
        for path, do, times in told.get("faults", ()):
            simulator.fault(path, do, times)
        if told.get("do") in ("forget", "interrupt"):
            getattr(simulator, told["do"])()
        pictures = [{"prompt_id": one["prompt_id"], "outputs": one["outputs"]} for one in simulator.painted]
        self._json({"posts": dict(simulator.posts), "painted": pictures, "requests": len(simulator.requests)})

    # --- bytes

    def _json(self, data: Any, status: int = 200) -> None:
        self._bytes(status, json.dumps(data).encode(), "application/json; charset=utf-8")

    def _text(self, status: int, text: str) -> None:
        self._bytes(status, text.encode(), "text/plain; charset=utf-8" if text else "")

    def _bytes(self, status: int, data: bytes, kind: str = "", headers: dict[str, str] | None = None) -> None:
        if self.lost:
            self._hang_up()
            return
        self.send_response(status)
        for name, value in {**({"Content-Type": kind} if kind else {}), **(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _socket(self) -> None:
        simulator = self.simulator
        key = self.headers.get("Sec-WebSocket-Key")
        if simulator.sockets == "off" or not key:
            self._text(404 if simulator.sockets == "off" else 400, "")
            return
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        self.wfile.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self.wfile.flush()
        self.close_connection = True
        self.connection.settimeout(None)
        client_id = self.query.get("clientId") or uuid4().hex
        listener = Listener(self.connection)
        if simulator.sockets != "silent":
            listener.send("status", {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client_id})
        with simulator.lock:
            simulator.listeners[client_id] = listener
        first = True
        with contextlib.suppress(OSError, struct.error):
            while (frame := self._frame()) is not None:
                if frame[0] == 0x9:
                    listener.frame(0xA, frame[1])
                elif frame[0] == 0x1 and first:
                    first = False
                    with contextlib.suppress(ValueError, AttributeError):
                        listener.names_previews = bool(json.loads(frame[1]).get("data", {}).get("supports_preview_metadata"))
        # As in the real server, an older socket that closes unregisters a newer one of the same id.
        with simulator.lock:
            simulator.listeners.pop(client_id, None)

    def _frame(self) -> tuple[int, bytes] | None:
        head = self.rfile.read(2)
        if len(head) < 2 or head[0] & 0xF == 0x8:
            return None
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.rfile.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.rfile.read(8))[0]
        mask = self.rfile.read(4)
        return head[0] & 0xF, bytes(byte ^ mask[place % 4] for place, byte in enumerate(self.rfile.read(size)))


def _multipart(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    found = re.search(r"boundary=([^;]+)", kind)
    form: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in body.split(b"--" + found.group(1).strip('"').encode())[1:-1] if found else ():
        head, _, data = part[2:-2].partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        file = re.search(rb'filename="([^"]*)"', head)
        if name and file:
            files[name.group(1).decode()] = (file.group(1).decode(), data)
        elif name:
            form[name.group(1).decode()] = data.decode()
    return form, files
