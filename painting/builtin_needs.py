"""What a template tells the built-in engine: scenes, colours, and how a photograph stands when there is no cut-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from finishing.colour import parse_hex
from finishing.frames import FRAMES, Frame
from painting.engine import EngineError

Tint = Literal["palette", "brand", "product", "none"]
# A scene id with this in front is a drawn ground, not a rendered plate.
GROUND = "ground:"


@dataclass(frozen=True)
class BuiltinNeeds:
    """The `needs` of a template for this engine. In JSON, with its defaults:

    ```json
    {"scenes": ["podium", "ground:waves"],   // required: plate ids of scenes/manifest.json, or "ground:<name>" (finishing/grounds.py)
     "palettes": [{"backdrop": "#e8b6a4"}],  // colours by role, one is chosen; {} = as rendered; without any: the plate's own
     "tint": "palette",                      // "brand": from the brand's primary colour, if given; "product": from the product's own colour; "none"
     "frame": "arch",                        // "arch" | "card" | "circle" | "full": how a photograph without cut-out stands
     "frame_scene": "cyclorama",             // the plate behind a framed photograph
     "mirror": true,                         // whether half of the variations show the set mirrored (never the product)
     "body": null,                           // wished share (0.3 to 1) of the scene's largest product; null: what suits the shape
     "dx_units": 0}                          // moves the product off the anchor where the floor allows, in scene units
    ```
    """

    scenes: tuple[str, ...]
    palettes: tuple[Mapping[str, str], ...] = ()
    tint: Tint = "palette"
    frame: Frame = "arch"
    frame_scene: str = "cyclorama"
    mirror: bool = True
    body: float | None = None
    dx_units: float = 0.0

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> BuiltinNeeds:
        """Read and check the JSON. Raises EngineError (permanent, code "needs_invalid") with a sentence that names the field."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise _wrong(f"it has no field '{unknown[0]}'")
        scenes = data.get("scenes")
        if not isinstance(scenes, (list, tuple)) or not scenes or not all(isinstance(name, str) and name for name in scenes):
            raise _wrong("'scenes' must be a list with at least one scene")
        for field, allowed in (("tint", get_args(Tint)), ("frame", FRAMES)):
            if data.get(field, allowed[0]) not in allowed:
                raise _wrong(f"'{field}' must be one of {', '.join(allowed)}")
        if not isinstance(data.get("mirror", True), bool):
            raise _wrong("'mirror' must be true or false")
        frame_scene = data.get("frame_scene", "cyclorama")
        if not isinstance(frame_scene, str) or not frame_scene:
            raise _wrong("'frame_scene' must be the id of a scene")
        return cls(
            scenes=tuple(scenes),
            palettes=_palettes(data.get("palettes", ())),
            tint=data.get("tint", "palette"),
            frame=data.get("frame", "arch"),
            frame_scene=frame_scene,
            mirror=data.get("mirror", True),
            body=_number("body", data.get("body"), 0.3, 1.0),
            dx_units=_number("dx_units", data.get("dx_units", 0), -1.5, 1.5) or 0.0,
        )


def _wrong(what: str) -> EngineError:
    return EngineError(f"The template's settings for the built-in engine are wrong: {what}.", code="needs_invalid", permanent=True)


def _palettes(value: object) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(palette, Mapping) for palette in value):
        raise _wrong("'palettes' must be a list of roles with their colours")
    for palette in value:
        for role, colour in palette.items():
            try:
                parse_hex(colour)
            except ValueError as error:
                raise _wrong(f"the palette's '{role}' is no colour like #1a2b3c") from error
    return tuple(dict(palette) for palette in value)


def _number(field: str, value: object, low: float, high: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _wrong(f"'{field}' must be a number from {low} to {high}")
    return float(value)
