"""The built-in engine: rendered scene plates, drawn grounds and compositing. No GPU, no key, no network; the same order gives the same bytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from PIL import Image, UnidentifiedImageError

from finishing import frames, grounds
from finishing.balance import cast_of
from finishing.colour import Pixels
from finishing.compose import ComposeError, Look, compose, empty_scene, finished
from finishing.plates import Bytes, PlateError, plate
from finishing.specs import Box, Geometry
from painting.builtin_needs import GROUND, BuiltinNeeds
from painting.engine import EngineError, Painted, PictureOrder, Progress
from painting.variation import Take, take

SCENES = Path(__file__).parent / "scenes"


class Builtin:
    """Paints on this machine. `scenes` is the folder of scene plates; `scale` below 1 paints the same picture with fewer pixels."""

    name = "builtin"

    def __init__(self, scenes: Path = SCENES, scale: float = 1.0) -> None:
        self.scenes, self.scale = scenes, scale

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        """Paint one picture: product in a scene, photograph in a frame, or a scene alone. Raises EngineError."""
        on_progress(Progress(0.05, "The scene is chosen."))
        needs = BuiltinNeeds.from_data(order.needs)
        try:
            return _Picture(self, order, needs, on_progress).painted()
        except (PlateError, ComposeError, grounds.GroundError) as error:
            code = "cutout_unusable" if isinstance(error, ComposeError) else "scene_unknown"
            raise EngineError(str(error), code=code, permanent=True) from error

    def resume(self, order: PictureOrder) -> Painted | None:
        """Nothing is left over from an earlier attempt: painting again is quick and gives the same picture."""
        return None

    def cancel(self, job_id: UUID) -> None:
        """There is nothing to stop elsewhere."""


class _Picture:
    """One order on its way to a picture."""

    def __init__(self, engine: Builtin, order: PictureOrder, needs: BuiltinNeeds, on_progress: Callable[[Progress], None]) -> None:
        self.order, self.needs, self.on_progress, self.scenes = order, needs, on_progress, engine.scenes
        self.shape = (max(16, round(order.shape.width * engine.scale)), max(16, round(order.shape.height * engine.scale)))
        # The grain differs from shape to shape, all else is shared by the shapes of one variation.
        self.rng = np.random.default_rng([order.seed, order.variation, zlib.crc32(order.shape.id.encode())])
        self.cutout = decoded(order.product.cutout, "RGBA") if order.product and order.product.cutout else None
        self.photo = decoded(order.product.photo, "RGB") if order.product and self.cutout is None else None

    def painted(self) -> Painted:
        needs, order = self.needs, self.order
        chosen = take(needs, order, self.scenes, self.cutout if self.cutout is not None else self.photo)
        if chosen.scene.startswith(GROUND):
            rgb, geometry, facts = self._on_ground(chosen)
        elif self.cutout is not None:
            rgb, geometry, facts = self._in_scene(chosen, self.cutout)
        elif self.photo is not None:
            rgb, geometry, facts = self._in_frame(chosen, self.photo)
        else:
            rgb, geometry, facts = self._scene_alone(chosen)
        self._report(0.85, "The picture is composed.")
        image = encoded_png(rgb)
        self._report(1.0, "The picture is done.")
        return Painted(image=image, geometry=geometry, facts={**chosen.as_facts(), **facts}, server="builtin")

    def _in_scene(self, chosen: Take, cutout: Bytes) -> tuple[Bytes, Geometry, dict[str, Any]]:
        scene = plate(self.scenes, chosen.scene)
        scene = scene.mirrored() if chosen.mirror else scene
        self._report(0.15, "The scene is read.")
        cast = cast_of(decoded(self.order.product.photo, "RGB")) if self.order.product else None
        look = Look(chosen.palette, chosen.zoom, self.needs.body, self.needs.dx_units, chosen.exposure, chosen.warmth, cast)
        made = compose(scene, cutout, self.shape, self.order.stage, look, self.rng, self._report)
        return (
            made.rgb,
            made.geometry,
            {
                **made.facts,
                "cast": None if cast is None else [round(float(gain), 3) for gain in cast],
                "frame": None,
                "light": scene.facts.light_from,
            },
        )

    def _in_frame(self, chosen: Take, photo: Bytes) -> tuple[Bytes, Geometry, dict[str, Any]]:
        if self.needs.frame == "full":
            background = frames.full_bleed(photo, self.shape, self.order.stage, chosen.crop)
            return self._finish(background, chosen), Geometry(), {"frame": "full", "scene": None, "light": None}
        scene = plate(self.scenes, chosen.frame_scene)
        scene = scene.mirrored() if chosen.mirror else scene
        self._report(0.15, "The scene is read.")
        background, window = empty_scene(scene, self.shape, self.order.stage, chosen.frame_palette, chosen.zoom)
        self._report(0.35, "The scene is framed and tinted.")
        side = 1.0 if "right" in scene.facts.light_from else -1.0
        box = self._hang(background, photo, chosen, side)
        facts = {
            "frame": self.needs.frame,
            "scene": chosen.frame_scene,
            "palette": dict(chosen.frame_palette),
            "zoom": round(window.scale, 4),
        }
        return self._finish(background, chosen), Geometry(box, self.order.stage.ground), {**facts, "light": scene.facts.light_from}

    def _on_ground(self, chosen: Take) -> tuple[Bytes, Geometry, dict[str, Any]]:
        rng = np.random.default_rng([self.order.seed, self.order.variation, 7])
        background = grounds.paint(chosen.scene.removeprefix(GROUND), self.shape, chosen.palette, rng)
        self._report(0.5, "The ground is drawn.")
        if self.order.product is None:
            return self._finish(background, chosen), Geometry(), {"frame": None, "light": None}
        photo = self.photo if self.photo is not None else decoded(self.order.product.photo, "RGB")
        if self.needs.frame == "full":
            full = frames.full_bleed(photo, self.shape, self.order.stage, chosen.crop)
            return self._finish(full, chosen), Geometry(), {"frame": "full", "scene": None, "light": None}
        box = self._hang(background, photo, chosen, -1.0)
        return self._finish(background, chosen), Geometry(box, self.order.stage.ground), {"frame": self.needs.frame, "light": "left"}

    def _scene_alone(self, chosen: Take) -> tuple[Bytes, Geometry, dict[str, Any]]:
        scene = plate(self.scenes, chosen.scene)
        scene = scene.mirrored() if chosen.mirror else scene
        self._report(0.15, "The scene is read.")
        background, window = empty_scene(scene, self.shape, self.order.stage, chosen.palette, chosen.zoom)
        self._report(0.5, "The scene is framed and tinted.")
        facts = {"frame": None, "light": scene.facts.light_from, "zoom": round(window.scale, 4)}
        return self._finish(background, chosen), Geometry(None, window.foot[1] / self.shape[1]), facts

    def _hang(self, background: Pixels, photo: Bytes, chosen: Take, side: float) -> Box:
        box = frames.frame_box(self.needs.frame, self.shape, self.order.stage, (photo.shape[1], photo.shape[0]))
        frames.framed(background, photo, self.needs.frame, box, zoom=chosen.crop, light_from=side)
        self._report(0.7, "The photograph is framed.")
        return box

    def _finish(self, background: Pixels, chosen: Take) -> Bytes:
        return finished(background, Look(exposure=chosen.exposure, warmth=chosen.warmth), self.rng)

    def _report(self, fraction: float, note: str) -> None:
        self.on_progress(Progress(fraction, note))


def decoded(data: bytes, mode: str) -> Bytes:
    """The pixels of an image file. Raises EngineError when it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert(mode))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise EngineError("The photo cannot be read. Upload it again.", code="photo_unreadable", permanent=True) from error


def encoded_png(rgb: Bytes) -> bytes:
    """Pixels as a PNG. Lightly compressed: a raw picture is read again at once, and strong compression costs seconds for a fifth of the bytes."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    return file.getvalue()
