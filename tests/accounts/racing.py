"""Many people at once, each with a connection of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from django.db import connection


def race(runners: Sequence[Callable[[], object]]) -> list[object]:
    """Start all of these at the same moment; gives what each returned or raised, in their order."""
    start = threading.Barrier(len(runners), timeout=30)
    found: list[object] = [None] * len(runners)

    def run(place: int, runner: Callable[[], object]) -> None:
        try:
            start.wait()
            found[place] = runner()
        except Exception as error:
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found
