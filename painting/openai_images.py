"""Paints with OpenAI's image models, or a server that speaks their API. The product keeps its own pixels; refusals are learned from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import httpx2
import openai

from painting.builtin import encoded_png
from painting.engine import EngineError, EngineUnavailable, Painted, PictureOrder, Progress, Report
from painting.openai_account import NAME, Account
from painting.openai_answers import Bought, from_stream, in_one_piece
from painting.openai_work import LEARNED, REFUSED, Refusal, Work, full_bleed

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 2**20
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")

# How long nobody is asked again after an answer that will be the same for everyone, in seconds.
PAUSE, LONGEST_PAUSE, PAUSE_WITHOUT_CREDIT, PAUSE_AFTER_REFUSED_KEY, PAUSE_WITHOUT_SERVER = 10, 300, 300, 60, 10


class OpenAIImages:
    """OpenAI as an engine. `connect` and `whole` are the seconds that reaching it and one whole call may take."""

    name = NAME

    def __init__(self, connect: float = 5.0, whole: float = 180.0) -> None:
        self.connect, self.whole = connect, whole

    def paint(self, order: PictureOrder, on_progress: Report) -> Painted:
        """Buy one picture: the product in a scene, a photograph in its frame, or a scene alone. Raises EngineError."""
        work = Work.of(order)
        if work.photo is not None and work.needs.frame == "full":
            return full_bleed(work, work.photo, on_progress)
        account = Account.of_settings()
        account.look_for_trouble()
        on_progress(Progress(0.02, "OpenAI is asked for the picture."))
        try:
            bought = self._bought(account, work, on_progress)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _meaning(error, account) from error
        on_progress(Progress(0.95, "The product is put into the scene."))
        rgb, geometry = work.ended(bought.picture)
        image = encoded_png(rgb)
        on_progress(Progress(1.0, "The picture is done."))
        facts = {**work.facts(), **bought.facts()}
        return Painted(image=image, geometry=geometry, facts=facts, server=account.server, spent=bought.spent)

    def resume(self, order: PictureOrder) -> Painted | None:
        """None: the API cannot be asked again for a picture. An answer that is lost before it is kept is bought once more."""
        return None

    def cancel(self, job_id: UUID) -> None:
        """The API cannot be told to stop. The picture is dropped when it comes."""

    def _bought(self, account: Account, work: Work, on_progress: Report) -> Bought:
        """Ask, and ask again without whatever the model says it does not take: each refusal takes something away, so this ends."""
        learned = LEARNED[account.base_url, account.model]
        with self._client(account) as client:
            while True:
                sent = work.request(account.model, learned)
                try:
                    return _answer(client, work, sent, on_progress)
                except openai.APIStatusError as refusal:
                    if not learned.anything_from(_refusal(refusal), sent):
                        raise
                    log.info("%s takes less than was sent: %s", account.model, refusal)

    def _client(self, account: Account) -> openai.OpenAI:
        until = time.monotonic() + self.whole

        def hold(response: httpx2.Response) -> None:
            response.stream = _Held(response.stream, until, response.request)

        patience = httpx2.Timeout(self.whole, connect=self.connect)
        http = openai.DefaultHttpxClient(timeout=patience, follow_redirects=False, event_hooks={"response": [hold]})
        # Tries are counted in the picture's row and nowhere else: the library's own would hide what was bought.
        return openai.OpenAI(
            api_key=account.key or "none", base_url=account.base_url or None, timeout=patience, max_retries=0, http_client=http
        )


def _answer(client: openai.OpenAI, work: Work, sent: Mapping[str, Any], on_progress: Report) -> Bought:
    """Send a request and read its answer, as a stream when the server has one. Raises openai's and httpx2's errors, and EngineError."""
    images = client.images.with_raw_response
    ask: Callable[..., Any] = images.edit if work.edited else images.generate
    reply = ask(**sent, extra_headers={"X-Client-Request-Id": str(work.order.job_id)})
    response: httpx2.Response = reply.http_response
    if sent.get("stream") and response.headers.get("content-type", "").startswith("text/event-stream"):
        with reply.parse() as events:
            return from_stream(events, sent, on_progress)
    # A server that knows no streams takes no notice of the wish, and sends the picture in one piece.
    return in_one_piece(response.read(), sent)


class _Held(httpx2.SyncByteStream):
    """An answer's bytes, as long as they keep to the time and size of a whole call: single reads are patient, and drops never end."""

    def __init__(self, stream: Any, until: float, request: httpx2.Request) -> None:
        self.stream, self.until, self.request = stream, until, request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self.stream:
            size += len(piece)
            if time.monotonic() > self.until:
                raise httpx2.ReadTimeout("The answer did not end in time.", request=self.request)
            if size > MOST_BYTES:
                raise httpx2.ReadError("The answer is too long.", request=self.request)
            yield piece

    def close(self) -> None:
        """End the connection's answer."""
        self.stream.close()


# --- what went wrong


def _refusal(error: openai.APIStatusError) -> Refusal:
    told = error.body.get("message") if isinstance(error.body, Mapping) else None
    return Refusal(error.status_code, error.code, error.type, error.param, str(told or error.message))


def _meaning(error: openai.OpenAIError | httpx2.HTTPError, account: Account) -> EngineError:
    """What the library's error means to the picture and to the next ones; what it says goes to the log."""
    log.warning("OpenAI did not paint: %s: %s", type(error).__name__, error)
    if isinstance(error, openai.APIError):
        codes = (error.code, error.type)
        if any(code in NO_CREDIT for code in codes):
            log.error("The OpenAI account has no credit left")
            sentence = "The OpenAI account has no credit left. The picture waits until staff top it up."
            return account.in_trouble(EngineUnavailable(sentence, code="quota"), PAUSE_WITHOUT_CREDIT)
        if any(code in REFUSED for code in codes):
            sentence = "OpenAI does not want to paint this. Please describe the product and the scene in other words, or use another photo."
            return EngineError(sentence, code="refused", permanent=True)
        if "rate_limit_exceeded" in codes and not isinstance(error, openai.APIStatusError):
            return account.in_trouble(_busy(), PAUSE)  # in the middle of a stream
    if isinstance(error, openai.APIStatusError):
        return _status(error, account)
    if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
        sentence = "OpenAI cannot be reached. The picture waits until it can."
        return account.in_trouble(EngineUnavailable(sentence), PAUSE_WITHOUT_SERVER)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return EngineError("Painting this picture took too long. Try again later, or choose Draft.", code="engine_failed")
    return EngineError("OpenAI could not paint this picture. Try again later, or choose Draft.", code="engine_failed")


def _status(error: openai.APIStatusError, account: Account) -> EngineError:
    status, pause = error.status_code, _retry_after(error)
    if status == 429 or (status >= 500 and pause is not None):
        return account.in_trouble(_busy(), pause or PAUSE)
    if status >= 500 or status in (408, 409, 425):
        return EngineError("OpenAI could not paint this picture. Try again later, or choose Draft.", code="engine_failed")
    if status in (401, 403):
        log.error("OpenAI does not accept the key, or not for this model")
        refusal = EngineError("OpenAI does not accept our key. Choose Draft or auto, and tell staff.", code="key_refused", permanent=True)
        return account.in_trouble(refusal, PAUSE_AFTER_REFUSED_KEY)
    if status == 404:
        log.error("OpenAI does not have the image model %s", account.model)
        sentence = "OpenAI does not have the image model that is set up. Choose Draft or auto, and tell staff."
        return account.in_trouble(EngineError(sentence, code="model_missing", permanent=True), PAUSE_AFTER_REFUSED_KEY)
    if status == 413:
        return EngineError("The photo is too large for OpenAI. Upload a smaller one.", code="too_large", permanent=True)
    sentence = "OpenAI did not take this picture's order. Choose another template or Draft, and tell staff."
    return EngineError(sentence, code="order_not_taken", permanent=True)


def _busy() -> EngineUnavailable:
    return EngineUnavailable("OpenAI has too much to do now. The picture waits for its turn.", code="engine_busy")


def _retry_after(error: openai.APIStatusError) -> int | None:
    """Whole seconds that the answer asks for, within reason; None when it says nothing that can be read."""
    told = error.response.headers.get("retry-after", "")
    return min(max(int(told), 1), LONGEST_PAUSE) if told.isdecimal() else None
