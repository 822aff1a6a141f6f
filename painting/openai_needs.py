"""What a template tells OpenAI's image models: size, quality, and how a photograph stands when there is no cut-out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from finishing.frames import FRAMES, Frame
from painting.engine import EngineError
from painting.openai_sizes import STEP, Size

Quality = Literal["auto", "low", "medium", "high", "xhigh", "max"]
MOST, WIDEST = 3840, 3


@dataclass(frozen=True)
class OpenAINeeds:
    """The `needs` of a template for this engine. In JSON, with its defaults:

    ```json
    {"size": "auto",      // what suits the shape; or WIDTHxHEIGHT in steps of 16, from which the shape is cropped
     "quality": "auto",   // "low" | "medium" | "high" | "xhigh" | "max": what the model thinks about it, and costs
     "frame": "arch"}     // "arch" | "card" | "circle" | "full": how a photograph without cut-out stands in the scene
    ```
    """

    size: Size | None = None
    quality: Quality = "auto"
    frame: Frame = "arch"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> OpenAINeeds:
        """Read and check the JSON. Raises EngineError (permanent, code "needs_invalid") with a sentence that names the field."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise _wrong(f"it has no field '{unknown[0]}'")
        quality, frame = data.get("quality", "auto"), data.get("frame", "arch")
        if quality not in get_args(Quality):
            raise _wrong(f"'quality' must be one of {', '.join(get_args(Quality))}")
        if frame not in FRAMES:
            raise _wrong(f"'frame' must be one of {', '.join(FRAMES)}")
        return cls(_size(data.get("size", "auto")), quality, frame)


def _size(value: object) -> Size | None:
    if value == "auto":
        return None
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", value) if isinstance(value, str) else None
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or width % STEP or height % STEP or not max(width, height) <= min(MOST, WIDEST * min(width, height)):
        raise _wrong(f"'size' must be auto, or a WIDTHxHEIGHT in steps of {STEP} that is no longer than {WIDEST} to 1, such as 1024x1280")
    return width, height


def _wrong(what: str) -> EngineError:
    return EngineError(f"The template's settings for OpenAI are wrong: {what}.", code="needs_invalid", permanent=True)
