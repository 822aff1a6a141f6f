"""Two variations of one order that look alike: found when the second is painted, and painted once more, for nothing."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid5

import numpy as np
from PIL import Image

from finishing.colour import to_lab
from finishing.fingerprint import distance, perceptual_hash
from generations import spending, steps
from generations.models import SEED_MAX, Picture, Step
from painting.engine import Engine, EngineError, Painted, PictureOrder, Progress

log = logging.getLogger(__name__)

ALIKE_BITS = 5  # of 64: a slight crop of one picture differs by more
ALIKE_COLOURS = 5.0  # mean distance in Lab over a grid: the same layout in another colour is another picture
GRID = 4
FAR = 7_919  # seeds from the first one: none of this order's variations takes it
ALIKE = "This looked like another variation, so it was painted once more."


def looks_of(image: bytes) -> dict[str, object]:
    """What a picture looks like, as JSON: 64 bits of its brightness, and the colours of a coarse grid."""
    with Image.open(io.BytesIO(image)) as opened:
        small = opened.convert("RGB").resize((128, 128), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(small)
    cells = np.asarray(small.resize((GRID, GRID), Image.Resampling.BOX)) / np.float32(255)
    return {"hash": f"{perceptual_hash(pixels):016x}", "grid": [round(float(value), 1) for value in to_lab(cells).ravel()]}


def alike(one: dict[str, object], other: dict[str, object]) -> bool:
    """Whether two pictures would be taken for the same."""
    if distance(int(str(one["hash"]), 16), int(str(other["hash"]), 16)) > ALIKE_BITS:
        return False
    grids = [np.reshape(np.asarray(each["grid"], np.float32), (-1, 3)) for each in (one, other)]
    return float(np.linalg.norm(grids[0] - grids[1], axis=1).mean()) <= ALIKE_COLOURS


def has_a_twin(picture: Picture, looks: dict[str, object]) -> bool:
    """Whether another variation of this order and shape is painted already and looks the same."""
    others = Picture.objects.filter(generation=picture.generation_id, shape=picture.shape).exclude(pk=picture.pk)
    return any("looks" in facts and alike(looks, facts["looks"]) for facts in others.values_list("facts", flat=True))


def told_apart(picture: Picture, order: PictureOrder, painted: Painted, engine: Engine, on_progress: Callable[[Progress], None]) -> Painted:
    """The painted picture with its looks among its facts; painted once more, from another seed, when a variation like it is there.

    The second is taken as it is. Where it cannot be painted the first one stays.
    """
    looks = looks_of(painted.image)
    if has_a_twin(picture, looks):
        again = replace(order, seed=(order.seed + FAR) % (SEED_MAX + 1), job_id=uuid5(order.job_id, "again"))
        try:
            spending.may_buy(picture)
            second = engine.paint(again, on_progress)
        except EngineError as error:
            if error.code == "lost":
                raise
            log.warning("The twin %s could not be painted once more: %s", picture.pk, error)
        else:
            steps.record_of(Step.Kind.PAINT, picture, who=picture.engine, error=ALIKE, **spending.money(painted.spent))
            facts = {**second.facts, "looks": looks_of(second.image), "painted_again": True, "seed": again.seed}
            return replace(second, facts=facts)
    return replace(painted, facts={**painted.facts, "looks": looks})
