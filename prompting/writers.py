"""Who writes: the language model of the settings, or the writer that needs none; and the one that steps in for the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from prompting import rests
from prompting.asking import address
from prompting.brief import Brief
from prompting.offline import Offline
from prompting.openai_writer import OpenAIWriter
from prompting.writer import Keywords, Made, Purse, Refused, Suggestions, TemplateWords, Texts, Value, Writer, WriterError, Written

log = logging.getLogger(__name__)


def writer(purse: Purse | None = None) -> Writer:
    """The writer of this installation; `purse` pays for what it asks."""
    if not connected():
        return Offline()
    first = OpenAIWriter(purse=purse)
    return WithFallback(first, Offline()) if settings.WRITER_FALLBACK else first


def connected() -> bool:
    """Whether a language model is set up."""
    return bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)


def paused() -> bool:
    """Whether nobody writes just now: the model's server is left in peace, and no other writer may step in. Asks nobody but our rows."""
    return connected() and not settings.WRITER_FALLBACK and rests.resting(address(), settings.OPENAI_MODEL)


class WithFallback:
    """A writer for whom another one steps in, flagged, when it cannot write. What it refuses stays refused."""

    def __init__(self, first: Writer, second: Writer) -> None:
        self.first, self.second, self.name = first, second, first.name

    def plan(self, template: TemplateWords, brief: Brief, *, photo: bytes | None = None) -> Written:
        """A plan by either."""
        try:
            return self.first.plan(template, brief, photo=photo)
        except Refused:
            raise
        except WriterError as error:
            log.warning("%s steps in for %s: %s (%s)", self.second.name, self.first.name, error, error.code)
            return replace(self.second.plan(template, brief, photo=photo), fallback=True, error=error.code)

    def keywords(self, photo: bytes, file_name: str, language: str) -> Keywords:
        """Keywords by either."""
        return self._either(lambda who: who.keywords(photo, file_name, language))

    def copy(self, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Suggestions:
        """Wordings by either."""
        return self._either(lambda who: who.copy(brief, angles=angles, limits=limits, language=language))

    def captions(self, brief: Brief, *, limits: Mapping[str, int], language: str) -> Texts:
        """Captions by either."""
        return self._either(lambda who: who.captions(brief, limits=limits, language=language))

    def translate(self, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Texts:
        """A translation, where the second can do one."""
        return self._either(lambda who: who.translate(texts, limits=limits, language=language))

    def fit(self, text: str, limit: int, *, language: str = "en", longer: bool = False) -> Made[str]:
        """Another length, where the second can do it."""
        return self._either(lambda who: who.fit(text, limit, language=language, longer=longer))

    def _either(self, job: Callable[[Writer], Made[Value]]) -> Made[Value]:
        try:
            return job(self.first)
        except Refused:
            raise
        except WriterError as error:
            log.warning("%s steps in for %s: %s (%s)", self.second.name, self.first.name, error, error.code)
            try:
                return replace(job(self.second), fallback=True)
            except WriterError:
                raise error from None  # what the first one says is what can change
