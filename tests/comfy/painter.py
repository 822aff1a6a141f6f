"""Paints one picture in a process of its own, which may be killed on the way: `python -m tests.comfy.painter` with an order as JSON."""

from __future__ import annotations

import json
import os
import sys
from uuid import UUID


def main() -> None:
    asked = json.loads(sys.argv[1])
    os.environ["DATABASE_URL"] = asked["database"]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    django.setup()
    settings.ENCRYPTION_KEYS = asked["keys"]
    settings.COMFY_PACE = asked["pace"]
    settings.CRASHPOINT = asked["crashpoint"]
    from painting.comfyui import ComfyUI
    from tests.painting.orders import order, shot

    what = order("1.91:1", asked["needs"], shot("serum"), job_id=UUID(asked["job_id"]), scene_prompt="wet stone")
    engine = ComfyUI()
    painted = engine.resume(what) or engine.paint(what, lambda progress: None)
    sys.stdout.buffer.write(painted.image)


if __name__ == "__main__":
    main()
