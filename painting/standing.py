"""A product's own pixels in a scene that a model paints: where it stands, what the model is shown of it, and how it is put back."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from finishing import light
from finishing.colour import Pixels
from finishing.compose import trim
from finishing.framing import Silhouette, largest_size
from finishing.plates import Bytes
from finishing.specs import Box, Geometry, Stage

# What a model sees around the product: a light, even studio grey. It paints over all of it.
STUDIO = 0.82


@dataclass(frozen=True, eq=False)
class Standing:
    """A cut-out at its place on a stage of `shape` pixels. The same cut-out and stage at another size is the same picture, scaled."""

    cutout: Bytes
    stage: Stage
    body: light.Body
    shape: tuple[int, int]

    @classmethod
    def of(cls, cutout: Bytes, shape: tuple[int, int], stage: Stage) -> Standing:
        """Stand a cut-out (RGBA, straight alpha) where the layout wants the product. Raises ComposeError for an empty one."""
        trimmed = trim(cutout)
        outline = Silhouette.of(trimmed[..., 3])
        size = largest_size(shape, stage, outline)
        width, height = max(1, round(outline.width * size)), max(1, round(outline.height * size))
        # Pillow resizes RGBA with its alpha multiplied in, so no colour from transparent pixels bleeds into the edge.
        image = Image.fromarray(np.ascontiguousarray(trimmed)).resize((width, height), Image.Resampling.LANCZOS)
        pixels: Pixels = np.asarray(image).astype(np.float32) / np.float32(255)
        # In the middle the foot stands on the stage's x, towards a side the whole body does, as in the built-in engine's framing.
        lean = min(1.0, abs(stage.x - 0.5) / 0.08) * 0.9
        middle = (outline.foot_x * (1 - lean) + outline.width / 2 * lean) * size
        left, top = round(stage.x * shape[0] - middle), round(stage.ground * shape[1]) - height
        return cls(cutout, stage, light.Body(pixels[..., :3], pixels[..., 3], left, top, outline.foot_width * size), shape)

    def at(self, shape: tuple[int, int]) -> Standing:
        """The same at another size."""
        return Standing.of(self.cutout, shape, self.stage)

    @property
    def geometry(self) -> Geometry:
        """Where the product is seen, as fractions of the picture."""
        solid = self.body.alpha > 0.5
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        width, height = self.shape
        box = Box(
            left=max((self.body.left + int(columns[0])) / width, 0.0),
            top=max((self.body.top + int(rows[0])) / height, 0.0),
            right=min((self.body.left + int(columns[-1]) + 1) / width, 1.0),
            bottom=min((self.body.top + int(rows[-1]) + 1) / height, 1.0),
        )
        return Geometry(product=box, ground=self.stage.ground)

    def reference(self, *, alpha: bool) -> bytes:
        """What a model is shown: the product on a studio's grey, as a PNG. With `alpha`, opaque where the product is to be kept."""
        scene = np.full((self.shape[1], self.shape[0], 3), STUDIO, np.float32)
        light.stand(scene, self.body)
        rgb = _eight_bits(scene)
        return _png(np.dstack([rgb, self._kept()]) if alpha else rgb)

    def mask(self) -> bytes:
        """White where the product is to be kept, black where the model paints, as a PNG."""
        return _png(np.repeat(self._kept()[..., None], 3, axis=2))

    def put_back(self, scene: Bytes, *, shadow: bool) -> Bytes:
        """The scene (RGB, of this shape) with the product's own pixels over it. `shadow`: the model knew of no product and painted none."""
        pixels = scene.astype(np.float32) / np.float32(255)
        if shadow:
            self._cast(pixels)
        light.stand(pixels, light.clean_edge(self.body))
        return _eight_bits(pixels)

    def _kept(self) -> Bytes:
        canvas = np.zeros((self.shape[1], self.shape[0], 3), np.float32)
        light.stand(canvas, light.Body(np.ones_like(self.body.rgb), self.body.alpha, self.body.left, self.body.top, self.body.foot_width))
        return _eight_bits(canvas)[..., 0]

    def _cast(self, scene: Pixels) -> None:
        """Darken the floor around the foot, in place: a tight shadow where it touches, a soft one around it."""
        wide = self.body.foot_width
        foot = (self.body.left + self.body.width / 2, self.body.top + self.body.height - 0.03 * wide)
        patch = np.zeros(scene.shape[:2], np.float32)
        centre, axes = (round(foot[0] * 16), round(foot[1] * 16)), (max(16, round(wide * 8)), max(16, round(wide * 1.6)))
        cv2.ellipse(patch, centre, axes, 0, 0, 360, 1.0, -1, cv2.LINE_8, 4)
        near, soft = light.blur(patch, max(1.0, 0.02 * wide)), light.blur(patch, max(2.0, 0.12 * wide))
        scene *= ((1 - 0.5 * near) * (1 - 0.45 * soft))[..., None]


def _eight_bits(pixels: Pixels) -> Bytes:
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def _png(pixels: Bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
