"""What marketers call the shapes, in the order they know."""

from __future__ import annotations

SHAPE_NAMES = {
    "1:1": "Square",
    "4:5": "Portrait",
    "9:16": "Story",
    "1.91:1": "Landscape",
    "2:3": "Pin",
    "4:3": "Classic",
    "16:9": "Wide",
}
SHAPE_ORDER = {shape: place for place, shape in enumerate(SHAPE_NAMES)}
