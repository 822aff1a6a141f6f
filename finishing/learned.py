"""The optional learned cut-out: an ONNX file of the operator's own (U2-Net, IS-Net and the like), run by onnxruntime."""

from __future__ import annotations

import importlib.util
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing.masks import Mask

log = logging.getLogger(__name__)

DEFAULT_SIDE = 320  # where the model's input has no fixed size: U2-Net's
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # ImageNet's, which these models were trained with
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


def unavailable(path: str) -> str:
    """Why the learned cut-out cannot be used, in a sentence; empty when it can."""
    if not Path(path).is_file():
        return f"CUTOUT_MODEL_PATH names '{path}', which is not there. Products are cut out without a learned model."
    if importlib.util.find_spec("onnxruntime") is None:
        return "CUTOUT_MODEL_PATH is set, but onnxruntime is not installed. Install it, or products are cut out without a learned model."
    return ""


def find(picture: NDArray[np.uint8], path: str) -> Mask | None:
    """The product as the model sees it, at the photo's proportion; None (and a line in the log) when the model cannot be run."""
    try:
        session = _session(path)
        told = session.get_inputs()[0]
        height, width = (side if isinstance(side, int) else DEFAULT_SIDE for side in told.shape[2:4])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        batch = ((small - MEAN) / SPREAD).transpose(2, 0, 1)[None].astype(np.float32)
        seen = np.asarray(session.run(None, {told.name: batch})[0], np.float32).reshape(-1, height, width)[0]
    except Exception:  # a model is a stranger's file: whatever it does, an upload must not fail for it
        log.exception("The cut-out model %s could not be used", path)
        return None
    low, high = float(seen.min()), float(seen.max())
    if high - low < 1e-6:
        return None
    side = max(picture.shape[:2])
    scale = min(1.0, 800 / side)
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return np.asarray(cv2.resize((seen - low) / (high - low), size, interpolation=cv2.INTER_CUBIC)) > 0.5


@lru_cache(maxsize=1)
def _session(path: str) -> Any:
    import onnxruntime  # optional, and half a second to import

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
