"""Makes the writer and the built-in engine write down that they were called, and hurry or do harm when an order's seed asks for it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings

QUICK = 665_000  # and up to 999 more: seeds of orders that are painted in 20 ms
WAITS = 664_000  # orders whose engine takes CHAOS_ENGINE_SECONDS and no processor, as a server elsewhere does
# Seeds of orders that go wrong, each in its own way.
FAILS, SEGFAULTS, EATS_MEMORY, HANGS = 666_000, 667_000, 668_000, 669_000


class Plugged(AppConfig):
    name = "tests.chaos.plugged"
    label = "plugged"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from api.permissions import Creates, Everyone
        from generations import breakers, tries
        from painting.builtin import Builtin
        from prompting.offline import Offline

        # Waits of seconds, where the product waits for minutes of real trouble.
        tries.PAUSE, breakers.OPEN_SECONDS = 0.4, 4
        # One phone orders here as fast as hundreds.
        Creates.rate = Everyone.rate = "100000/min"
        Builtin.paint = _painting(Builtin.paint)  # type: ignore[method-assign]
        Offline.plan = _writing(Offline.plan)  # type: ignore[method-assign]


def log(kind: str, of: object) -> None:
    """One line, whole, also when many processes write."""
    if settings.CHAOS_LOG:
        line = json.dumps({"kind": kind, "of": str(of), "pid": os.getpid()}) + "\n"
        handle = os.open(settings.CHAOS_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, line.encode())
        os.close(handle)


def _painting(paint: Callable[..., Any]) -> Callable[..., Any]:
    from painting.engine import EngineError
    from tests.chaos.plugged.quick import paint_quickly

    def logged(self: Any, order: Any, on_progress: Any) -> Any:
        log("paint", order.picture_id)
        match order.first_seed // 1000 * 1000:
            case 664_000:
                time.sleep(float(os.environ["CHAOS_ENGINE_SECONDS"]))
                return paint_quickly(order)
            case 665_000:
                return paint_quickly(order)
            case 666_000:
                raise EngineError("This one never works.", code="never", permanent=True)
            case 667_000:
                os.kill(os.getpid(), signal.SIGSEGV)
            case 668_000:
                held = [bytearray(200_000_000) for _ in range(100)]
                raise AssertionError(f"{len(held)} blocks fitted, so there is no limit")
            case 669_000:
                time.sleep(3600)
        return paint(self, order, on_progress)

    return logged


def _writing(plan: Callable[..., Any]) -> Callable[..., Any]:
    def logged(self: Any, template: Any, brief: Any, **more: Any) -> Any:
        log("write", brief.headline)
        return plan(self, template, brief, **more)

    return logged
