"""The workflows that ship with AdsGem: text to image, a product kept in a new scene, image to image, upscaling, and two smoke tests."""

from __future__ import annotations

import json
from pathlib import Path

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
        bindings = json.loads(sidecar.read_text(encoding="utf-8"))
        graph = json.loads(sidecar.with_name(f"{slug}.json").read_text(encoding="utf-8"))
        row = Workflow.objects.select_related("current").filter(slug=slug).first()
        ours = row is None or row.current is None or row.current.hash == row.starter_hash
        if ours and (row is None or row.starter_hash != hash_of({"graph": graph, "bindings": bindings})):
            save_workflow(slug=slug, title=bindings["title"], graph=graph, bindings=bindings, note="Ships with AdsGem", starter=True)
            changed.append(slug)
    return changed
