"""Paints with OpenAI's image models, or a server that speaks their API. The product keeps its own pixels; refusals are learned from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import numpy as np
import openai
from django.conf import settings
from django.core.cache import cache
from PIL import Image, UnidentifiedImageError

from finishing import frames
from finishing.compose import ComposeError, Look, finished
from finishing.plates import Bytes
from finishing.specs import Geometry
from painting.builtin import decoded, encoded_png
from painting.engine import EngineError, EngineUnavailable, Painted, PictureOrder, Progress
from painting.openai_needs import OpenAINeeds
from painting.openai_prices import Tokens
from painting.openai_sizes import FIXED, Size, fixed_size, free_size, window
from painting.preview import small_jpeg
from painting.standing import STUDIO, Standing

log = logging.getLogger(__name__)

Report = Callable[[Progress], None]

PARTIALS = 2  # unfinished pictures on the way: they say how far it is, for a hundred tokens each
LONGEST_WORDS = 8_000
MOST_BYTES, MOST_PIXELS = 64 * 2**20, 4096 * 4096

# What a model may refuse to be told, and paint without.
OPTIONAL = ("input_fidelity", "quality", "partial_images", "stream")
REFUSED = ("moderation_blocked", "content_policy_violation", "content_filter", "image_generation_user_error")
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")

# How long nobody is asked again after an answer that will be the same for everyone, in seconds.
PAUSE, LONGEST_PAUSE, PAUSE_WITHOUT_CREDIT, PAUSE_AFTER_REFUSED_KEY, PAUSE_WITHOUT_SERVER = 10, 300, 300, 60, 10

KEEP = (
    "Keep the product in this picture exactly as it is: same place, size, angle, colours and label. "
    "Replace everything around it by this scene:\n{scene}\n"
    "The product stands in the scene with the light, reflection and soft shadow that belong there."
)
EMPTY = "An empty set, with free room in the middle and nothing for sale in it:\n{scene}"
PLAIN = "No words, letters, logos, watermarks or borders anywhere."


class OpenAIImages:
    """OpenAI as an engine. `connect` and `whole` are the seconds that reaching it and one whole call may take."""

    name = "openai"

    def __init__(self, connect: float = 5.0, whole: float = 180.0) -> None:
        self.connect, self.whole = connect, whole

    def paint(self, order: PictureOrder, on_progress: Report) -> Painted:
        """Buy one picture: the product in a scene, a photograph in its frame, or a scene alone. Raises EngineError."""
        work = _Work.of(order)
        if work.photo is not None and work.needs.frame == "full":
            return _full_bleed(work, work.photo, on_progress)
        account = Account.of_settings()
        account.look_for_trouble()
        on_progress(Progress(0.02, "OpenAI is asked for the picture."))
        try:
            bought = self._bought(account, work, on_progress)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _meaning(error, account) from error
        on_progress(Progress(0.95, "The product is put into the scene."))
        rgb, geometry = work.ended(bought)
        image = encoded_png(rgb)
        on_progress(Progress(1.0, "The picture is done."))
        cost = bought.tokens.micro_usd(account.model)
        facts = {**work.facts(), **bought.facts(), "model": account.model, "priced": cost is not None}
        return Painted(image=image, geometry=geometry, facts=facts, server=account.server, micro_usd=cost or 0)

    def resume(self, order: PictureOrder) -> Painted | None:
        """None: the API cannot be asked again for a picture. An answer that is lost before it is kept is bought once more."""
        return None

    def cancel(self, job_id: UUID) -> None:
        """The API cannot be told to stop. The picture is dropped when it comes."""

    def _bought(self, account: Account, work: _Work, on_progress: Report) -> _Bought:
        """Ask, and ask again without whatever the model says it does not take: each refusal takes something away, so this ends."""
        learned = _LEARNED[account.base_url, account.model]
        with self._client(account) as client:
            while True:
                sent = work.request(account.model, learned)
                try:
                    return _answer(client, work, sent, on_progress)
                except openai.APIStatusError as refusal:
                    if not learned.anything_from(refusal, sent):
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


# --- whose account, and whether it works


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


# --- what is asked


@dataclass
class _Learned:
    """What one model on one server turned out not to take. Kept while the process lives: a refusal costs a moment, no money."""

    fixed_sizes: bool = False
    no_edits: bool = False
    dropped: set[str] = field(default_factory=set)

    def anything_from(self, refusal: openai.APIStatusError, sent: Mapping[str, Any]) -> bool:
        """Whether the refusal is about something that was sent and need not be sent again."""
        if refusal.status_code in (404, 405) and refusal.code != "model_not_found":
            # Where scenes are not found either, nothing is known about edits.
            self.no_edits = "image" in sent
            return self.no_edits
        if refusal.status_code not in (400, 422) or refusal.code in REFUSED or refusal.type in REFUSED:
            return False
        name = _named(refusal, sent)
        if name == "size" and sent["size"] not in [f"{width}x{height}" for width, height in FIXED]:
            self.fixed_sizes = True
            return True
        if name in OPTIONAL:
            # Unfinished pictures come in a stream only.
            self.dropped |= {name, "partial_images"} if name == "stream" else {name}
            return True
        return False


_LEARNED: dict[tuple[str, str], _Learned] = defaultdict(_Learned)


def _named(refusal: openai.APIStatusError, sent: Mapping[str, Any]) -> str:
    """Which of the things that were sent a refusal is about, "" when it does not say."""
    if refusal.param:
        return refusal.param if refusal.param in sent else ""
    told = refusal.body.get("message") if isinstance(refusal.body, Mapping) else None
    words = set(re.findall(r"\w+", str(told or refusal.message)))
    return next((name for name in ("size", *OPTIONAL) if name in sent and name in words), "size" if sent["size"] in words else "")


class _Work:
    """One order as the API takes it, and what becomes of the picture that comes back."""

    def __init__(self, order: PictureOrder, needs: OpenAINeeds) -> None:
        self.order, self.needs = order, needs
        cutout = decoded(order.product.cutout, "RGBA") if order.product and order.product.cutout else None
        self.standing = Standing.of(cutout, order.shape.size, order.stage) if cutout is not None else None
        self.photo = decoded(order.product.photo, "RGB") if order.product and cutout is None else None
        self.edited = False

    @classmethod
    def of(cls, order: PictureOrder) -> _Work:
        """Read what the template needs and what the product is. Raises EngineError, for good."""
        try:
            return cls(order, OpenAINeeds.from_data(order.needs))
        except ComposeError as error:
            raise EngineError(str(error), code="cutout_unusable", permanent=True) from error

    def request(self, model: str, learned: _Learned) -> dict[str, Any]:
        """What is sent: an edit around the product where the server has such a thing, else a scene."""
        size = self._size(learned)
        self.edited = self.standing is not None and not learned.no_edits
        sent: dict[str, Any] = {"model": model, "prompt": self._prompt(), "size": f"{size[0]}x{size[1]}", "quality": self.needs.quality}
        sent |= {"stream": True, "partial_images": PARTIALS}
        if self.standing is not None and self.edited:
            shown, mask = _shown(self.standing, size)
            sent |= {"image": ("product.png", shown, "image/png"), "mask": ("mask.png", mask, "image/png"), "input_fidelity": "high"}
        return {name: value for name, value in sent.items() if name not in learned.dropped}

    def ended(self, bought: _Bought) -> tuple[Bytes, Geometry]:
        """The shape's own pixels out of the picture, with the product's own pixels or the photograph in its frame."""
        order, size = self.order, self.order.shape.size
        scene = bought.picture.resize(size, Image.Resampling.LANCZOS, box=window(bought.picture.size, size))
        pixels = np.asarray(scene)
        if self.standing is not None:
            return self.standing.put_back(pixels, shadow=not self.edited), self.standing.geometry
        if self.photo is None:
            return pixels, Geometry(None, order.stage.ground)
        box = frames.frame_box(self.needs.frame, size, order.stage, (self.photo.shape[1], self.photo.shape[0]))
        canvas = pixels.astype(np.float32) / np.float32(255)
        frames.framed(canvas, self.photo, self.needs.frame, box)
        return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8), Geometry(box, order.stage.ground)

    def facts(self) -> dict[str, Any]:
        """For the ad's recipe. The API takes no seed: the same order gives another picture."""
        frame = self.needs.frame if self.photo is not None else None
        return {"way": "edit" if self.edited else "generate", "frame": frame, "seed": self.order.seed, "repeatable": False}

    def _size(self, learned: _Learned) -> Size:
        shape = self.order.shape.size
        if learned.fixed_sizes:
            return fixed_size(shape)
        return self.needs.size or free_size(shape)

    def _prompt(self) -> str:
        order = self.order
        words = order.scene_prompt.strip()[:LONGEST_WORDS]
        scene = KEEP.format(scene=words) if self.edited else EMPTY.format(scene=words) if order.product else words
        avoid = order.negative_prompt.strip()[:LONGEST_WORDS]
        return "\n".join(filter(None, (scene, PLAIN, f"Avoid: {avoid}." if avoid else "")))


def _shown(standing: Standing, size: Size) -> tuple[bytes, bytes]:
    """The product at its place in a picture of `size`, and the mask for it: opaque where it is kept, transparent where the model paints."""
    left, top, right, bottom = window(size, standing.shape)
    small = standing.at((right - left, bottom - top))
    grey = round(STUDIO * 255)
    picture = Image.new("RGB", size, (grey, grey, grey))
    picture.paste(Image.open(io.BytesIO(small.reference(alpha=False))), (left, top))
    # What is half product, half background is the model's to paint: the product's own edge is laid over it afterwards.
    kept = Image.open(io.BytesIO(small.mask())).convert("L").point([0] * 250 + [255] * 6)
    alpha = Image.new("L", size, 0)
    alpha.paste(kept, (left, top))
    mask = Image.new("RGBA", size)
    mask.putalpha(alpha)
    return _png(picture), _png(mask)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _full_bleed(work: _Work, photo: Bytes, on_progress: Report) -> Painted:
    """The photograph over the whole picture: nothing of a scene would be seen, so none is bought."""
    order = work.order
    rng = np.random.default_rng([order.seed, order.variation])
    canvas = frames.full_bleed(photo, order.shape.size, order.stage, float(rng.uniform(1.0, 1.1)))
    image = encoded_png(finished(canvas, Look(), rng))
    on_progress(Progress(1.0, "The picture is done."))
    return Painted(image=image, geometry=Geometry(), facts={"way": "photograph", "frame": "full", "seed": order.seed}, server="openai")


# --- what is answered


@dataclass(frozen=True)
class _Bought:
    """A picture that came, and what it used."""

    picture: Image.Image
    tokens: Tokens
    quality: str

    @classmethod
    def of(cls, picture: object, answer: Mapping[str, Any], sent: Mapping[str, Any]) -> _Bought:
        """Read a picture in base64, with the answer that tells about it. Raises EngineError when it is none."""
        if not isinstance(picture, str) or not picture:
            raise _bad("there is no picture in the answer")
        quality = answer.get("quality") or sent.get("quality") or ""
        return cls(_opened(picture), Tokens.of(answer.get("usage")), str(quality))

    def facts(self) -> dict[str, Any]:
        """For the ad's recipe."""
        return {"painted_at": list(self.picture.size), "quality": self.quality, "tokens": self.tokens.as_data()}


def _answer(client: openai.OpenAI, work: _Work, sent: Mapping[str, Any], on_progress: Report) -> _Bought:
    """Send a request and read its answer, as a stream when the server has one. Raises openai's and httpx2's errors, and EngineError."""
    images = client.images.with_raw_response
    ask: Callable[..., Any] = images.edit if work.edited else images.generate
    reply = ask(**sent, extra_headers={"X-Client-Request-Id": str(work.order.job_id)})
    response: httpx2.Response = reply.http_response
    if sent.get("stream") and response.headers.get("content-type", "").startswith("text/event-stream"):
        with reply.parse() as events:
            return _from_stream(events, sent, on_progress)
    # A server that knows no streams takes no notice of the wish, and sends the picture in one piece.
    try:
        told = json.loads(response.read())
        first = told["data"][0]
        return _Bought.of(first.get("b64_json"), told, sent)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _bad(f"the answer is no list of pictures: {error}") from error


def _from_stream(events: Iterator[Any], sent: Mapping[str, Any], on_progress: Report) -> _Bought:
    try:
        for event in events:
            told = event.to_dict(warnings=False)
            kind, number = str(told.get("type")), told.get("partial_image_index")
            if kind.endswith(".partial_image") and isinstance(number, int) and 0 <= number < PARTIALS:
                fraction = 0.2 + 0.6 * (number + 1) / (PARTIALS + 1)
                on_progress(Progress(fraction, "The scene is being painted.", _preview(told.get("b64_json"))))
            elif kind.endswith(".completed"):
                return _Bought.of(told.get("b64_json"), told, sent)
    except (ValueError, TypeError, AttributeError) as error:
        raise _bad(f"the stream cannot be read: {error}") from error
    raise _bad("the stream ended without a picture")


def _preview(picture: object) -> bytes | None:
    """A picture in base64 that is not done yet, small; None when it is none, which harms nothing."""
    try:
        return small_jpeg(base64.b64decode(picture, validate=True)) if isinstance(picture, str) else None
    except ValueError:
        return None


def _opened(picture: str) -> Image.Image:
    try:
        data = base64.b64decode(picture, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            if not min(opened.size) >= 64 or opened.width * opened.height > MOST_PIXELS:
                raise _bad(f"the picture has {opened.width} x {opened.height} pixels")
            return opened.convert("RGB")
    except (OSError, UnidentifiedImageError, binascii.Error, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _bad(f"the picture cannot be read: {error}") from error


def _bad(why: str) -> EngineError:
    log.warning("OpenAI gave no usable picture: %s", why)
    return EngineError("OpenAI gave no usable picture. Try again later, or choose Draft.", code="bad_picture")


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
