"""What `asking` wants of a server: one question, one answer. `llm` does it by OpenAI's library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Failed(Exception):
    """No answer. `kind` says why: limited, quota, down, refused, key, model, long, or odd (a request that the server did not understand)."""

    def __init__(self, kind: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.kind, self.retry_after = kind, retry_after


@dataclass(frozen=True)
class Reply:
    """What a model said, and what the server says that it used (zeros when it does not say)."""

    text: str
    refused: bool = False
    cut_off: bool = False
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


class Wire(Protocol):
    """A server that speaks chat completions. Every method raises Failed, and is over within `seconds`."""

    def ask(self, body: dict[str, Any], *, seconds: float) -> Reply:
        """Put a question; `body` is that of /chat/completions."""
        ...

    def models(self, *, seconds: float) -> list[str]:
        """The names of the models that this server has."""
        ...

    def flags(self, text: str, photo: bytes | None, *, seconds: float) -> list[str]:
        """For what the server's moderation would refuse this; nothing is good. Raises Failed of kind "model" where it has none."""
        ...
