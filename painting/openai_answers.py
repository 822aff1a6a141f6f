"""What OpenAI's image models answer: a picture in base64, in one piece or at the end of a stream, and what it used."""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from painting.engine import EngineError, Progress, Report, Spent
from painting.openai_work import PARTIALS
from painting.preview import small_jpeg

log = logging.getLogger(__name__)

MOST_PIXELS = 4096 * 4096


@dataclass(frozen=True)
class Bought:
    """A picture that came, and what it used."""

    picture: Image.Image
    spent: Spent
    quality: str

    @classmethod
    def of(cls, picture: object, answer: Mapping[str, Any], sent: Mapping[str, Any]) -> Bought:
        """Read a picture in base64, with the answer that tells about it. Raises EngineError, with what was paid, when it is none."""
        spent = spent_in(answer.get("usage"), str(sent["model"]))
        quality = answer.get("quality") or sent.get("quality") or ""
        try:
            return cls(_opened(picture), spent, str(quality))
        except EngineError as useless:
            useless.spent = spent
            raise

    def facts(self) -> dict[str, Any]:
        """For the ad's recipe."""
        return {"painted_at": list(self.picture.size), "quality": self.quality, "model": self.spent.model, "tokens": self._tokens()}

    def _tokens(self) -> dict[str, int]:
        return {"text": self.spent.text, "image": self.spent.image, "output": self.spent.output}


def spent_in(usage: object, model: str) -> Spent:
    """Read an answer's `usage`. Other servers leave parts of it out, or all: what is not told counts as words, or as nothing."""
    told = usage if isinstance(usage, Mapping) else {}
    details = told.get("input_tokens_details")
    image = _number(details.get("image_tokens")) if isinstance(details, Mapping) else 0
    return Spent(model, max(_number(told.get("input_tokens")) - image, 0), image, _number(told.get("output_tokens")))


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def in_one_piece(data: bytes, sent: Mapping[str, Any]) -> Bought:
    """Read an answer that is one JSON object. Raises EngineError."""
    try:
        told = json.loads(data)
        first = told["data"][0]
        return Bought.of(first.get("b64_json"), told, sent)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _bad(f"the answer is no list of pictures: {error}") from error


def from_stream(events: Iterable[Any], sent: Mapping[str, Any], on_progress: Report) -> Bought:
    """Read an answer that comes in events, the unfinished pictures first. Raises EngineError."""
    try:
        for event in events:
            told = event.to_dict(warnings=False)
            kind, number = str(told.get("type")), told.get("partial_image_index")
            if kind.endswith(".partial_image") and isinstance(number, int) and 0 <= number < PARTIALS:
                fraction = 0.2 + 0.6 * (number + 1) / (PARTIALS + 1)
                on_progress(Progress(fraction, "The scene is being painted.", _preview(told.get("b64_json"))))
            elif kind.endswith(".completed"):
                return Bought.of(told.get("b64_json"), told, sent)
    except (ValueError, TypeError, AttributeError) as error:
        raise _bad(f"the stream cannot be read: {error}") from error
    raise _bad("the stream ended without a picture")


def _preview(picture: object) -> bytes | None:
    """A picture in base64 that is not done yet, small; None when it is none, which harms nothing."""
    try:
        return small_jpeg(base64.b64decode(picture, validate=True)) if isinstance(picture, str) else None
    except ValueError:
        return None


def _opened(picture: object) -> Image.Image:
    if not isinstance(picture, str) or not picture:
        raise _bad("there is no picture in the answer")
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
