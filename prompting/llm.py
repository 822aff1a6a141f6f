"""The wire to a language model: one question, one answer, by OpenAI's library. What it means and what to do then is decided in `asking`."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from prompting.wire import Failed, Reply

LARGEST = 8 * 1024 * 1024  # bytes of an answer; what is larger is no answer to us
QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
BLIND = re.compile(
    r"image input is not supported|mmproj", re.IGNORECASE
)  # llama.cpp's server calls a picture it cannot see a fault of its own
FILTERED = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})


@dataclass(frozen=True)
class OpenAIWire:
    """A server that speaks OpenAI's API."""

    address: str
    key: str = field(repr=False)  # so that no traceback shows it

    def ask(self, body: dict[str, Any], *, seconds: float) -> Reply:
        """Put a question; `body` is that of /chat/completions. The whole answer must be there within so many seconds. Raises Failed."""
        until = time.monotonic() + seconds
        with self._library(seconds) as library, _failures(), library.chat.completions.with_streaming_response.create(**body) as response:
            return _reply(_whole(response.iter_bytes(), until))

    def models(self, *, seconds: float) -> list[str]:
        """The names of the models that this server has. Raises Failed."""
        with self._library(seconds) as library, _failures():
            return [model.id for model in library.models.list().data]

    def flags(self, text: str, photo: bytes | None, *, seconds: float) -> list[str]:
        """For what OpenAI's moderation would refuse this; nothing is good. Raises Failed, of kind "model" where there is no such thing."""
        parts: list[Any] = [{"type": "text", "text": text}]
        if photo:
            parts.append({"type": "image_url", "image_url": {"url": data_uri(photo)}})
        with self._library(seconds) as library, _failures():
            result = library.moderations.create(input=parts).results[0]
            return [name for name, hit in result.categories.to_dict().items() if hit] if result.flagged else []

    def _library(self, seconds: float) -> openai.OpenAI:
        # A client for each question: workers fork, and a pool of connections does not survive that. No redirects: the key goes nowhere else.
        client = openai.DefaultHttpxClient(follow_redirects=False, timeout=seconds)
        return openai.OpenAI(api_key=self.key or "none", base_url=self.address, max_retries=0, timeout=seconds, http_client=client)


def data_uri(jpeg: bytes) -> str:
    """A picture as it travels inside a question."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


@contextmanager
def _failures() -> Iterator[None]:
    """Turns whatever happens on the way into Failed."""
    try:
        yield
    except Failed:
        raise
    except openai.APIStatusError as error:
        raise _refusal(error) from error
    except Exception as error:
        # The library, its HTTP client and what reads JSON below them raise a dozen kinds; all of them mean that there is no answer.
        raise Failed("down", f"{type(error).__name__}: {error}"[:300]) from error


def _refusal(error: openai.APIStatusError) -> Failed:
    """Why a server refused, from its status and the code in its answer."""
    told = error.body if isinstance(error.body, dict) else {}
    names = {str(told.get(name) or "") for name in ("code", "type")}
    status, detail = error.status_code, f"{error.status_code} {error.message}"[:300]
    if names & FILTERED:
        return Failed("refused", detail)
    if status == 402 or names & QUOTA:
        return Failed("quota", detail)
    if status == 429:
        return Failed("limited", detail, retry_after=_seconds(error.response.headers))
    if "context_length_exceeded" in names or status == 413:
        return Failed("long", detail)
    if status in (401, 403):
        return Failed("key", detail)
    if status == 404:
        return Failed("model", detail)
    if status in (400, 415, 422, 501) or (status == 500 and BLIND.search(error.message)):
        return Failed("odd", detail)
    return Failed("down", detail, retry_after=_seconds(error.response.headers))


def _seconds(headers: Any) -> float | None:
    """How long to wait, if the server says so in a way that can be read."""
    if milliseconds := headers.get("retry-after-ms"):
        try:
            return max(0.0, float(milliseconds) / 1000)
        except ValueError:
            return None
    said = headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _whole(pieces: Any, until: float) -> bytes:
    """An answer's bytes. One that drips for ever is as good as none, and so is one without an end."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if time.monotonic() > until:
            raise Failed("down", "The answer took too long.")
        if len(found) > LARGEST:
            raise Failed("down", "The answer was too large.")
    return bytes(found)


def _reply(raw: bytes) -> Reply:
    """A chat completion read with care: other servers leave much of it out."""
    try:
        answer = json.loads(raw)
        choice = answer["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        text = message.get("content")
        refusal = message.get("refusal")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise Failed("down", f"No chat completion: {raw[:120]!r}") from error
    usage = _object(answer.get("usage"))
    details = _object(usage.get("prompt_tokens_details"))
    return Reply(
        text=text if isinstance(text, str) else "",
        refused=bool(refusal) or finish == "content_filter",
        cut_off=finish == "length",
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_count(details, "cached_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _count(told: dict[str, Any], name: str) -> int:
    value = told.get(name)
    return min(value, 10_000_000) if isinstance(value, int) and value > 0 else 0
