"""The workflows that ship with AdsGem: text to image, a product kept in a new scene, image to image, upscaling, and two smoke tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy.actions import save_workflow
from comfy.models import Workflow
from keeping.versions import hash_of

FOLDER = Path(__file__).parent / "workflows"
_SIDECAR = ".bindings.json"


def load() -> list[str]:
    """Write the starter workflows as rows, and give the slugs of those that changed. What staff have edited is left as it is."""
    changed = []
    for sidecar in sorted(FOLDER.glob(f"*{_SIDECAR}")):
        slug = sidecar.name.removesuffix(_SIDECAR)
        graph, bindings = shipped(slug)
        row = Workflow.objects.select_related("current").filter(slug=slug).first()
        ours = row is None or row.current is None or row.current.hash == row.starter_hash
        if ours and (row is None or row.starter_hash != hash_of({"graph": graph, "bindings": bindings})):
            save_workflow(slug=slug, title=bindings["title"], graph=graph, bindings=bindings, note="Ships with AdsGem", starter=True)
            changed.append(slug)
    return changed


def shipped(slug: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The graph and the bindings of a starter workflow, as they came with AdsGem."""
    graph, bindings = (json.loads((FOLDER / f"{slug}{end}").read_text(encoding="utf-8")) for end in (".json", _SIDECAR))
    return graph, bindings
