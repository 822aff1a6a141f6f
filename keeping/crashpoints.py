"""Named places on an ad's path where the chaos tests kill or freeze a process. Nothing happens at them in any other settings."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.conf import settings


def crashpoint(name: str) -> None:
    """End or freeze this process here, when the chaos settings say so.

    Their `CRASHPOINT` is a mapping: `name` of the point; `times`, how often; `marks`, a folder in which each time leaves a file, so
    that all processes together count; `signal`, what the process sends itself (SIGKILL when it is not given).
    """
    wanted: dict[str, Any] | None = getattr(settings, "CRASHPOINT", None)
    if not wanted or wanted["name"] != name:
        return
    for number in range(wanted["times"]):
        try:
            os.close(os.open(Path(wanted["marks"]) / f"{name}-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), wanted.get("signal", signal.SIGKILL))
        return
