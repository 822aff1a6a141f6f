"""Placements whose file must be transparent for the most part, such as a filter over somebody's own picture: the ad becomes a card."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from finishing.specs import PlacementSpec, SafeZone

SPARE = 0.22  # of the file's area, beyond what must be transparent: room for the soft corners, and for the picture below
RATIO = 1.0  # of the card, width by height, where the frame has room for it
SIDES = 0.05  # of the width, left free beside the card
ROUND = 0.05  # of the card's shorter side
FINE = 4


@dataclass(frozen=True)
class Card:
    """A card's place in the file, in pixels, and the placement that it is laid out for."""

    left: int
    top: int
    placement: PlacementSpec

    def on_canvas(self, card: Image.Image, size: tuple[int, int]) -> Image.Image:
        """The whole file: the card with round corners, the rest transparent."""
        corner = round(ROUND * min(card.size))
        mask = Image.new("L", (card.width * FINE, card.height * FINE), 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), corner * FINE, fill=255)
        canvas = Image.new("RGBA", size, (0, 0, 0, 0))
        canvas.paste(card.convert("RGB"), (self.left, self.top), mask.resize(card.size, Image.Resampling.LANCZOS))
        return canvas


def card_of(placement: PlacementSpec) -> Card | None:
    """The card of a placement that asks for transparency: at the foot of what the network leaves uncovered. None where it does not ask."""
    share = placement.rule("transparent")
    if share is None:
        return None
    width, height = placement.size
    zone = placement.safe_zone
    left, right = max(zone.left, SIDES) * width, (1 - max(zone.right, SIDES)) * width
    top, bottom = zone.top * height, (1 - zone.bottom) * height
    wide = right - left
    tall = min(wide / RATIO, max(0.05, 1 - share - SPARE) * width * height / wide, bottom - top)
    rules = tuple(rule for rule in placement.rules if rule.name != "transparent")
    inner = replace(placement, width=round(wide), height=round(tall), deliver=None, hires=None, safe_zone=SafeZone(), rules=rules)
    return Card(round(left), round(bottom - tall), inner)
