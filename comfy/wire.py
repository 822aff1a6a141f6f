"""HTTP to one ComfyUI server: addresses, token, limits and timeouts, and errors that say whether anything was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from comfy.errors import BytesGone, ServerDown, ServerRefused, SubmitUnknown, TooLarge
from keeping import trace
from keeping.crashpoints import crashpoint

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
# A server with many custom nodes describes them in several megabytes; a raw picture of our shapes has at most about twenty.
JSON_AT_MOST, PICTURE_AT_MOST = 48 << 20, 64 << 20


@dataclass(frozen=True)
class Address:
    """Where a server is, and what it wants to see. `url` is its root, as `http://gpu-1:8188` or `https://host/comfy`.

    With `ip`, that address is asked under the url's name, and the name is never looked up again: it was judged with this answer.
    """

    url: str
    token: str = ""
    ip: str = ""

    @property
    def name(self) -> str:
        """The host's name."""
        return urlsplit(self.url).hostname or ""

    @property
    def host(self) -> str:
        """The host's name and port, as the Host header says them."""
        return urlsplit(self.url).netloc

    @property
    def root(self) -> str:
        """What requests are sent to."""
        parts = urlsplit(self.url)
        if self.ip:
            host = f"[{self.ip}]" if ":" in self.ip else self.ip
            parts = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
        return parts.geturl().rstrip("/")

    @property
    def headers(self) -> dict[str, str]:
        """What every request and the websocket carry. ngrok shows browsers a page of its own unless told not to."""
        headers = {"ngrok-skip-browser-warning": "1"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    @property
    def socket(self) -> str:
        """The root of its websocket."""
        return ("wss" if self.root.startswith("https:") else "ws") + self.root[self.root.index(":") :]


class _Named(HTTPAdapter):
    """TLS to an IP address under a name: the name is sent, and the certificate must be its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """With the name."""
        super().init_poolmanager(*args, **kwargs, server_hostname=self.name, assert_hostname=self.name)


class Wire:
    """Requests to one server. Threads each have a session of their own; nothing here ever sends a request twice."""

    def __init__(self, address: Address, *, timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)) -> None:
        self.address, self.timeouts = address, timeouts
        self._local = threading.local()

    def read(self, path: str) -> Any:
        """The JSON of a GET. Raises ServerDown."""
        return self._json(self._send("GET", path, seconds=self.timeouts[1]))

    def write(self, path: str, body: Mapping[str, Any]) -> None:
        """A POST whose answer says nothing (`/queue`, `/interrupt`, `/history`, `/free`). Raises ServerDown."""
        self._send("POST", path, json=body).close()

    def ask(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        """A POST whose answer matters, headers read and body not yet. Raises ServerDown when surely nothing was sent, else SubmitUnknown."""
        try:
            return self._raw("POST", path, json=body)
        except requests.RequestException as error:
            if nothing_was_sent(error):
                raise ServerDown(f"{self.address.url} cannot be reached: {_short(error)}") from error
            raise SubmitUnknown(f"The answer of {self.address.url} was lost: {_short(error)}") from error

    def upload(self, name: str, subfolder: str, data: bytes) -> str:
        """Put a picture into the server's input folder and give the name that a graph uses for it. Raises ServerDown or TooLarge."""
        files = {"image": (name, data, "image/png")}
        form = {"subfolder": subfolder, "type": "input", "overwrite": "true"}
        told = self._json(self._send("POST", "/upload/image", files=files, data=form))
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise ServerRefused(f"{self.address.url} does not answer an upload as ComfyUI does.")
        return f"{told['subfolder']}/{told['name']}" if told.get("subfolder") else told["name"]

    def download(self, query: Mapping[str, str]) -> bytes:
        """The bytes of a result. Raises BytesGone when the file is not there."""
        response = self._raw_or_down("GET", "/view", params=dict(query))
        with response:
            if response.status_code in (400, 404):
                raise BytesGone(f"The picture {query.get('filename')} is not on {self.address.url} any more.")
            self.judge(response)
            return self._body(response, PICTURE_AT_MOST, at_half="K12")

    def optional(self, method: str, path: str) -> Any | None:
        """The JSON of a request that older servers do not know; None when this one does not."""
        response = self._raw_or_down(method, path, json={} if method == "POST" else None)
        with response:
            if response.status_code in (404, 405):
                return None
            self.judge(response)
            return self._json(response)

    def body(self, response: requests.Response) -> Any:
        """The JSON of an answer whatever its status; None when it is none. Raises SubmitUnknown when it breaks off."""
        try:
            with response:
                return json.loads(self._body(response, JSON_AT_MOST))
        except ValueError:
            return None
        except ServerDown as error:
            raise SubmitUnknown(str(error)) from error

    def _send(self, method: str, path: str, **what: Any) -> requests.Response:
        response = self._raw_or_down(method, path, **what)
        self.judge(response)
        return response

    def _raw_or_down(self, method: str, path: str, **what: Any) -> requests.Response:
        try:
            return self._raw(method, path, **what)
        except requests.RequestException as error:
            raise ServerDown(f"{self.address.url} does not answer: {_short(error)}") from error

    def _raw(self, method: str, path: str, *, seconds: float | None = None, **what: Any) -> requests.Response:
        timeouts = (self.timeouts[0], seconds or self.timeouts[1])
        url = self.address.root + path
        return self.session.request(method, url, timeout=timeouts, stream=True, allow_redirects=False, headers=trace.for_a_server(), **what)

    @property
    def session(self) -> requests.Session:
        """This thread's own."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers.update(self.address.headers)
            if self.address.ip:
                session.headers["Host"] = self.address.host
                session.mount("https://", _Named(self.address.name))
            session.trust_env = False  # a .netrc would replace the token, and a proxy would see the pictures
        return session

    def judge(self, response: requests.Response) -> None:
        """Raise what a bad status means for every request."""
        status = response.status_code
        if status < 300:
            return
        response.close()
        if status in (401, 403):
            raise ServerRefused(f"{self.address.url} does not let us in (HTTP {status}). Check its token.")
        if status == 413:
            raise TooLarge(f"{self.address.url} takes no upload of this size.")
        if status in (404, 405) or status < 400:
            raise ServerRefused(f"{self.address.url} does not answer as ComfyUI does (HTTP {status}). Check its address.")
        raise ServerDown(f"{self.address.url} answers HTTP {status}.")

    def _json(self, response: requests.Response) -> Any:
        with response:
            try:
                return json.loads(self._body(response, JSON_AT_MOST))
            except ValueError as error:
                raise ServerRefused(f"{self.address.url} does not answer in JSON. Check its address.") from error

    def _body(self, response: requests.Response, at_most: int, *, at_half: str = "") -> bytes:
        parts: list[bytes] = []
        size = 0
        length = response.headers.get("Content-Length", "")
        half = int(length) // 2 if at_half and length.isdecimal() else 0
        try:
            for part in response.iter_content(max(1, min(1 << 16, half or 1 << 16))):
                if at_half and not parts:
                    crashpoint(at_half)
                size += len(part)
                if size > at_most:
                    raise TooLarge(f"{self.address.url} sends more than {at_most >> 20} MB.")
                parts.append(part)
        except requests.RequestException as error:
            raise ServerDown(f"{self.address.url} broke off in the middle of an answer: {_short(error)}") from error
        return b"".join(parts)


def nothing_was_sent(error: requests.RequestException) -> bool:
    """Whether a request surely failed before its first byte: no such host, refused, no TLS, or no connection in time."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    if isinstance(error, requests.exceptions.SSLError):
        # Any other TLS error may come while the answer is awaited.
        return "CERTIFICATE_VERIFY_FAILED" in str(error) or "WRONG_VERSION_NUMBER" in str(error)
    reason = error.args[0] if error.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


def _short(error: Exception) -> str:
    return type(error).__name__
