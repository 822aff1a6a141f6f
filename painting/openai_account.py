"""Whose account pictures are bought from at OpenAI, and what everyone who asks just now would be answered."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache

from painting.engine import EngineError, EngineUnavailable

NAME = "openai"  # what pictures' rows and templates call this engine

log = logging.getLogger(__name__)


def missing() -> str:
    """What must be set before OpenAI can paint, as a sentence; empty when all is set."""
    if not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        return "No OpenAI key is set up. Choose Draft or auto: both paint on this machine."
    if not settings.OPENAI_IMAGE_MODEL:
        return "No image model is set up for OpenAI. Set OPENAI_IMAGE_MODEL, or choose Draft or auto."
    return ""


def healthy() -> bool:
    """Whether OpenAI is set up and works as far as is known. Asks nobody."""
    return not missing() and Account.of_settings().trouble() is None


@dataclass(frozen=True)
class Account:
    """Whom pictures are bought from, and with which model."""

    key: str
    base_url: str
    model: str

    @classmethod
    def of_settings(cls) -> Account:
        """As the settings say. Raises EngineUnavailable while something is missing: what was ordered waits for it."""
        if sentence := missing():
            raise EngineUnavailable(sentence, code="engine_not_configured")
        return cls(settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OPENAI_IMAGE_MODEL)

    @property
    def server(self) -> str:
        """For the ad's recipe and the pages of staff."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or "openai"

    def trouble(self) -> EngineError | None:
        """What everyone who asks now would be answered, as somebody was answered a moment ago."""
        try:
            told = cache.get(self._room)
        except Exception:  # the cache is another server, and may be away in its own way: then nothing is known
            log.warning("The cache does not say whether OpenAI works", exc_info=True)
            return None
        if told is None:
            return None
        sentence, code, permanent = told
        return EngineError(sentence, code=code, permanent=True) if permanent else EngineUnavailable(sentence, code=code)

    def look_for_trouble(self) -> None:
        """Raise it, if there is any, instead of asking."""
        if trouble := self.trouble():
            raise trouble

    def in_trouble(self, error: EngineError, seconds: int) -> EngineError:
        """Remember an error that everyone would get for a while, for all processes that share the cache."""
        try:
            cache.set(self._room, (str(error), error.code, error.permanent), seconds)
        except Exception:
            log.warning("The cache does not remember that OpenAI is in trouble", exc_info=True)
        return error

    @property
    def _room(self) -> str:
        # Another key or model is another matter: it is tried at once.
        return "openai-images:" + hashlib.sha256(f"{self.key}|{self.base_url}|{self.model}".encode()).hexdigest()
