"""What `manage.py check` says of a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adsgem import checks


def test_a_cut_out_model_that_cannot_be_used_is_told_of(settings: Any, tmp_path: Path) -> None:
    model = tmp_path / "u2net.onnx"
    model.write_bytes(b"weights")
    settings.CUTOUT_MODEL_PATH = model
    (said,) = checks.the_cut_out_model_can_be_used(None)
    assert "onnxruntime is not installed" in said.msg
    settings.CUTOUT_MODEL_PATH = None
    assert checks.the_cut_out_model_can_be_used(None) == []
