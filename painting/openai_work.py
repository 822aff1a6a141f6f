"""One order as OpenAI's image models take it, what a model turned out not to take, and what becomes of the picture that comes back."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from finishing import frames
from finishing.compose import ComposeError, Look, finished
from finishing.plates import Bytes
from finishing.specs import Geometry
from painting.builtin import decoded, encoded_png
from painting.engine import EngineError, Painted, PictureOrder, Progress, Report
from painting.openai_needs import OpenAINeeds
from painting.openai_sizes import FIXED, Size, fixed_size, free_size, window
from painting.standing import STUDIO, Standing

PARTIALS = 2  # unfinished pictures on the way: they say how far it is, for a hundred tokens each
LONGEST_WORDS = 8_000

# What a model may refuse to be told, and paint without.
OPTIONAL = ("input_fidelity", "quality", "partial_images", "stream")
REFUSED = ("moderation_blocked", "content_policy_violation", "content_filter", "image_generation_user_error")

KEEP = (
    "Keep the product in this picture exactly as it is: same place, size, angle, colours and label. "
    "Replace everything around it by this scene:\n{scene}\n"
    "The product stands in the scene with the light, reflection and soft shadow that belong there."
)
EMPTY = "An empty set, with free room in the middle and nothing for sale in it:\n{scene}"
PLAIN = "No words, letters, logos, watermarks or borders anywhere."


@dataclass(frozen=True)
class Refusal:
    """What a server said when it did not take a request: the status, and its error's code, type, parameter and sentence."""

    status: int
    code: str | None
    type: str | None
    param: str | None
    message: str


@dataclass
class Learned:
    """What one model on one server turned out not to take. Kept while the process lives: a refusal costs a moment, no money."""

    fixed_sizes: bool = False
    no_edits: bool = False
    dropped: set[str] = field(default_factory=set)

    def anything_from(self, refusal: Refusal, sent: Mapping[str, Any]) -> bool:
        """Whether the refusal is about something that was sent and need not be sent again."""
        if refusal.status in (404, 405) and refusal.code != "model_not_found":
            # Where scenes are not found either, nothing is known about edits.
            self.no_edits = "image" in sent
            return self.no_edits
        if refusal.status not in (400, 422) or refusal.code in REFUSED or refusal.type in REFUSED:
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


LEARNED: dict[tuple[str, str], Learned] = defaultdict(Learned)


def _named(refusal: Refusal, sent: Mapping[str, Any]) -> str:
    """Which of the things that were sent a refusal is about, "" when it does not say."""
    if refusal.param:
        return refusal.param if refusal.param in sent else ""
    words = set(re.findall(r"\w+", refusal.message))
    return next((name for name in ("size", *OPTIONAL) if name in sent and name in words), "size" if sent["size"] in words else "")


class Work:
    """One order as the API takes it, and what becomes of the picture that comes back."""

    def __init__(self, order: PictureOrder, needs: OpenAINeeds) -> None:
        self.order, self.needs = order, needs
        cutout = decoded(order.product.cutout, "RGBA") if order.product and order.product.cutout else None
        self.standing = Standing.of(cutout, order.shape.size, order.stage) if cutout is not None else None
        self.photo = decoded(order.product.photo, "RGB") if order.product and cutout is None else None
        self.edited = False

    @classmethod
    def of(cls, order: PictureOrder) -> Work:
        """Read what the template needs and what the product is. Raises EngineError, for good."""
        try:
            return cls(order, OpenAINeeds.from_data(order.needs))
        except ComposeError as error:
            raise EngineError(str(error), code="cutout_unusable", permanent=True) from error

    def request(self, model: str, learned: Learned) -> dict[str, Any]:
        """What is sent: an edit around the product where the server has such a thing, else a scene."""
        size = self._size(learned)
        self.edited = self.standing is not None and not learned.no_edits
        sent: dict[str, Any] = {"model": model, "prompt": self._prompt(), "size": f"{size[0]}x{size[1]}", "quality": self.needs.quality}
        sent |= {"stream": True, "partial_images": PARTIALS}
        if self.standing is not None and self.edited:
            shown, mask = _shown(self.standing, size)
            sent |= {"image": ("product.png", shown, "image/png"), "mask": ("mask.png", mask, "image/png"), "input_fidelity": "high"}
        return {name: value for name, value in sent.items() if name not in learned.dropped}

    def ended(self, picture: Image.Image) -> tuple[Bytes, Geometry]:
        """The shape's own pixels out of the picture, with the product's own pixels or the photograph in its frame."""
        order, size = self.order, self.order.shape.size
        scene = picture.resize(size, Image.Resampling.LANCZOS, box=window(picture.size, size))
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

    def _size(self, learned: Learned) -> Size:
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


def full_bleed(work: Work, photo: Bytes, on_progress: Report) -> Painted:
    """The photograph over the whole picture: nothing of a scene would be seen, so none is bought."""
    order = work.order
    rng = np.random.default_rng([order.seed, order.variation])
    canvas = frames.full_bleed(photo, order.shape.size, order.stage, float(rng.uniform(1.0, 1.1)))
    image = encoded_png(finished(canvas, Look(), rng))
    on_progress(Progress(1.0, "The picture is done."))
    return Painted(image=image, geometry=Geometry(), facts={"way": "photograph", "frame": "full", "seed": order.seed}, server="openai")
