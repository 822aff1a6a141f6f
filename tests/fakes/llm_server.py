"""A server that speaks OpenAI's chat, image and moderation API, needs no key and no model, and goes wrong on demand.

In a test: `with LlmServer() as server: ... server.url` (ends in /v1). `server.script("rate_limit", "ok")` plays faults of `faults.py`, one a
request; `server.always = "quota"` plays one for ever; `server.reply = {...}` is what the next answers say. Without a reply the answer is made of
the JSON schema that was asked for, the same for the same request. `server.requests` has every request, in order.
As a process of its own: `python -m tests.fakes.llm_server --port N --log FILE`; each request is then a JSON line in FILE, and a script is taken at
`POST /script` (`{"faults": ["quota"], "always": "", "speaks": ["json_schema"]}`).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import email
import email.policy
import hashlib
import io
import json
import re
import socket
import struct
import threading
import time
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from tests.fakes.faults import FAULTS, Fault

# What a server can do; take one away to make it an older, smaller or local one.
ALL = frozenset(
    {"json_schema", "json_object", "vision", "max_completion_tokens", "max_tokens", "images", "moderations", "usage", "partial_images"}
)
SEEN_NUDE = "nude"  # a text with this word is flagged, as OpenAI's moderation would


@dataclass
class Asked:
    """One request: method, path without /v1, the JSON body or the form's fields, uploaded files by field, and the headers."""

    method: str
    path: str
    body: dict[str, Any]
    files: list[tuple[str, bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = "ok"

    @property
    def text(self) -> str:
        """Everything the messages say, for searching."""
        return json.dumps(self.body.get("messages", self.body), ensure_ascii=False)


class LlmServer:
    """The server in a thread. `speaks` is what it can do; `prefix` paths are as at OpenAI's."""

    def __init__(self, *, port: int = 0, speaks: frozenset[str] = ALL, hang_seconds: float = 30.0, log: Path | None = None) -> None:
        self.speaks, self.hang_seconds, self.log = speaks, hang_seconds, log
        self.models = ["fake-large", "fake-image"]
        self.requests: list[Asked] = []
        self.reply: dict[str, Any] | str | None = None
        self.always = ""
        self.vary = 0  # another number paints other pictures for the same prompt
        self._script: list[str] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._http = _Http(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def script(self, *faults: str) -> None:
        """What happens to the next requests, one each; "ok" answers well. After them `always`, or well."""
        for name in faults:
            assert name == "ok" or name in FAULTS, name
        with self._lock:
            self._script.extend(faults)

    def asked(self, path: str) -> list[Asked]:
        """The requests of a path, such as "/chat/completions"."""
        return [each for each in self.requests if each.path == path]

    def next_fault(self, asked: Asked) -> Fault | None:
        """Write the request down and say what happens to it."""
        with self._lock:
            name = self._script.pop(0) if self._script else self.always or "ok"
            asked.fault = name
            self.requests.append(asked)
            if self.log:
                told = {**asdict(asked), "files": [(name, len(data)) for name, data in asked.files]}
                with self.log.open("a") as file:
                    file.write(json.dumps(told, ensure_ascii=False) + "\n")
        return FAULTS.get(name)

    def wait(self, seconds: float) -> bool:
        """Wait as a slow server does. True when the server is being stopped."""
        return self._over.wait(seconds)

    def start(self) -> LlmServer:
        """Serve until `stop`."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """End it, also what hangs."""
        self._over.set()
        self._http.shutdown()
        self._http.server_close()

    def serve(self) -> None:
        """Serve in this thread, for ever."""
        self._http.serve_forever()

    __enter__ = start

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], fake: LlmServer) -> None:
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """/v1/models."""
        asked = Asked("GET", self._path(), {}, headers=dict(self.headers))
        if asked.path == "/requests":
            self._json(200, [{"path": each.path, "fault": each.fault, "body": each.body} for each in self.server.fake.requests])
            return
        fault = self.server.fake.next_fault(asked)
        if self._played(fault):
            return
        if asked.path == "/models":
            self._json(
                200, {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "us"} for name in self.server.fake.models]}
            )
        else:
            self._refuse(404, f"No such path: {asked.path}.")

    def do_POST(self) -> None:
        """Everything else."""
        fake = self.server.fake
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = _parsed(self._path(), raw, dict(self.headers))
        if asked.path == "/script":
            fake.script(*asked.body.get("faults", []))
            fake.always = asked.body.get("always", fake.always)
            fake.speaks = frozenset(asked.body["speaks"]) if "speaks" in asked.body else fake.speaks
            self._json(200, {})
            return
        fault = fake.next_fault(asked)
        if self._played(fault):
            return
        if asked.path == "/chat/completions":
            self._chat(asked.body, fault)
        elif asked.path in ("/images/generations", "/images/edits") and "images" in fake.speaks:
            self._picture(asked, fault)
        elif asked.path == "/moderations" and "moderations" in fake.speaks:
            self._json(200, moderated(asked.body))
        else:
            self._refuse(404, f"No such path: {asked.path}.")

    # --- what it says

    def _chat(self, body: dict[str, Any], fault: Fault | None) -> None:
        fake = self.server.fake
        if wrong := _unsupported(body, fake.speaks):
            self._refuse(400, f"Unsupported parameter: '{wrong}'.", code="unsupported_parameter", param=wrong)
            return
        answer = completion(body, fake.reply)
        if "usage" not in fake.speaks:
            del answer["usage"]
        if fault and fault.twist:
            answer = fault.twist(answer)
        if body.get("stream"):
            self._events(_chunks(answer), end="[DONE]")
        else:
            self._json(200, answer)

    def _picture(self, asked: Asked, fault: Fault | None) -> None:
        body, fake = asked.body, self.server.fake
        width, height = size_of(str(body.get("size", "1024x1024")))
        if fault and fault.wire == "wrong_size":
            width, height = width // 2, height // 2
        picture = painted(
            f"{body.get('prompt', '')}|{fake.vary}|{[hashlib.sha256(data).hexdigest() for _, data in asked.files]}", width, height
        )
        usage = {
            "input_tokens": 50,
            "output_tokens": 1056,
            "total_tokens": 1106,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 50},
        }
        if str(body.get("stream", "")).lower() != "true":
            self._json(200, {"created": 1, "data": [{"b64_json": _b64(picture)}], "usage": usage})
            return
        kind = "image_edit" if asked.path.endswith("edits") else "image_generation"
        about = {"background": "opaque", "created_at": 1, "output_format": "png", "quality": "low", "size": f"{width}x{height}"}
        few = int(body.get("partial_images") or 0) if "partial_images" in fake.speaks else 0
        events = [
            {"type": f"{kind}.partial_image", "b64_json": _b64(painted(f"part {number}", 64, 64)), "partial_image_index": number, **about}
            for number in range(few)
        ]
        events.append({"type": f"{kind}.completed", "b64_json": _b64(picture), "usage": usage, **about})
        self._events(events)

    def _refuse(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        self._json(status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})

    # --- how it says it

    def _played(self, fault: Fault | None) -> bool:
        """Whether this fault is the whole answer."""
        if fault is None or fault.twist or fault.wire == "wrong_size":
            return False
        fake = self.server.fake
        self.close_connection = True
        match fault.wire:
            case "hang":
                fake.wait(fake.hang_seconds)
            case "drip":
                self._drip()
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            case "close":
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
            case "short":
                self._head(200, {"Content-Type": "application/json", "Content-Length": "5000"})
                self.wfile.write(b'{"choices": [{"mess')
            case _:
                self._head(fault.status, {**fault.headers, "Content-Length": str(len(fault.body))})
                self.wfile.write(fault.body)
        return True

    def _drip(self) -> None:
        """A byte now and then: every single read is quick enough, and the answer never ends."""
        self._head(200, {"Content-Type": "application/json", "Content-Length": "100000"})
        until = time.monotonic() + self.server.fake.hang_seconds
        while time.monotonic() < until and not self.server.fake.wait(0.1):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _events(self, events: list[dict[str, Any]], *, end: str = "") -> None:
        self.close_connection = True
        self._head(200, {"Content-Type": "text/event-stream", "Connection": "close"})
        for event in events:
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.wfile.write(f"{name}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()
        if end:
            self.wfile.write(f"data: {end}\n\n".encode())

    def _json(self, status: int, told: Any) -> None:
        body = json.dumps(told, ensure_ascii=False).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        if self.close_connection and "Connection" not in headers:
            self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _path(self) -> str:
        return self.path.split("?")[0].removeprefix("/v1").rstrip("/")


def _parsed(path: str, raw: bytes, headers: dict[str, str]) -> Asked:
    """JSON, or a form with files."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if not kind.startswith("multipart/"):
        return Asked("POST", path, json.loads(raw or b"{}"), headers=headers)
    whole = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw, policy=email.policy.HTTP)
    fields: dict[str, Any] = {}
    files: list[tuple[str, bytes]] = []
    for part in whole.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        if part.get_filename():
            files.append((name, data))
        else:
            fields[name] = data.decode()
    return Asked("POST", path, fields, files, headers)


def _unsupported(body: dict[str, Any], speaks: frozenset[str]) -> str:
    """The name of what this server does not know; "" when it knows all that was sent."""
    kind = body.get("response_format", {}).get("type", "text")
    if kind != "text" and kind not in speaks:
        return "response_format"
    for name in ("max_completion_tokens", "max_tokens"):
        if name in body and name not in speaks:
            return name
    pictured = any(
        isinstance(each["content"], list) and any(part["type"] == "image_url" for part in each["content"]) for each in body["messages"]
    )
    return "image_url" if pictured and "vision" not in speaks else ""


def completion(body: dict[str, Any], reply: dict[str, Any] | str | None) -> dict[str, Any]:
    """A good answer to a chat request."""
    if isinstance(reply, str):
        said = reply
    elif reply is not None:
        said = json.dumps(reply, ensure_ascii=False)
    else:
        schema = _schema_of(body)
        said = json.dumps(filled(schema), ensure_ascii=False) if schema else "A quiet marble counter in the morning sun."
    sent = _prompt_tokens(body["messages"])
    usage = {"prompt_tokens": sent, "completion_tokens": len(said) // 4, "total_tokens": sent + len(said) // 4}
    message = {"role": "assistant", "content": said, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": usage}


def _prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """A quarter of the letters; a picture counts as eight hundred, however large it is."""
    pictures = [part for each in messages if isinstance(each["content"], list) for part in each["content"] if part["type"] == "image_url"]
    addresses = sum(len(part["image_url"]["url"]) for part in pictures)
    return (len(json.dumps(messages, ensure_ascii=False)) - addresses) // 4 + 800 * len(pictures)


def _schema_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema that was asked for: where it belongs, or written out in the messages."""
    told = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if told:
        return dict(told)
    decoder = json.JSONDecoder()
    for message in body["messages"]:
        texts = message["content"] if isinstance(message["content"], list) else [{"type": "text", "text": message["content"]}]
        for text in (part["text"] for part in texts if part["type"] == "text"):
            for place in re.finditer(r'\{"', text):
                with contextlib.suppress(ValueError):
                    found, _ = decoder.raw_decode(text, place.start())
                    if "properties" in found:
                        return dict(found)
    return None


def filled(schema: dict[str, Any], name: str = "text") -> Any:
    """A value of this schema."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {each: filled(inner, each) for each, inner in schema["properties"].items()}
        case "array":
            few = max(int(schema.get("minItems", 2)), 2)
            words = [
                filled(schema["items"], f"{name} {'abcdefghijkl'[number % 12]}")
                for number in range(min(few, int(schema.get("maxItems", few))))
            ]
            enum = schema["items"].get("properties", {}).get("angle", {}).get("enum")
            return [{**filled(schema["items"], name), "angle": angle} for angle in enum] if enum else words
        case "integer" | "number":
            return 1
        case "boolean":
            return False
    said = f"The {name.replace('_', ' ')}"
    return said[: int(schema.get("maxLength", 200))]


def _chunks(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer in small pieces, as a stream has them."""
    choice = answer["choices"][0]
    said = choice["message"]["content"] or ""
    about = {"id": answer["id"], "object": "chat.completion.chunk", "created": 1, "model": answer["model"]}
    pieces = [said[start : start + 20] for start in range(0, len(said), 20)]
    told = [{**about, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    told.append({**about, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    return [*told, {**about, "choices": [], "usage": answer.get("usage")}]


def moderated(body: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's moderation: flags a text with a certain word."""
    given = body.get("input", "")
    parts = given if isinstance(given, list) else [{"type": "text", "text": given}]
    text = " ".join(part if isinstance(part, str) else part.get("text", "") for part in parts).lower()
    flagged = SEEN_NUDE in text
    names = ("sexual", "hate", "violence", "harassment", "self-harm", "illicit")
    categories = {name: flagged and name == "sexual" for name in names}
    result = {
        "flagged": flagged,
        "categories": categories,
        "category_scores": {name: float(hit) for name, hit in categories.items()},
        "category_applied_input_types": {name: ["text"] for name in names},
    }
    return {"id": "modr-1", "model": body.get("model", ""), "results": [result]}


def size_of(text: str) -> tuple[int, int]:
    """Width and height of "1024x1280"; "auto" is a square."""
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (1024, 1024)


def painted(prompt: str, width: int, height: int) -> bytes:
    """A PNG that depends on the prompt and on nothing else: a soft slope of two colours with a little grain."""
    digest = hashlib.sha256(prompt.encode()).digest()
    first, second = (np.frombuffer(digest[at : at + 3], np.uint8).astype(np.float32) for at in (0, 3))
    slope = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    grain = np.random.default_rng(int.from_bytes(digest[8:16])).normal(0, 3, (height, width, 1)).astype(np.float32)
    pixels = first * (1 - slope) + second * slope + grain
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB").save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    told = parser.parse_args()
    server = LlmServer(port=told.port, log=told.log)
    print(server.url, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
