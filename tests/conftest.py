"""What all tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import pytest

# People, brands and what they work with.
pytest_plugins = ["tests.people"]

NOBODY = UUID(int=0)


class Remembering:
    """The built-in engine, which paints the same order once in a run of the tests: hundreds of them order the same pictures."""

    name = "builtin"

    def __init__(self, engine: Any, painted: dict[str, Any]) -> None:
        self.engine, self.painted = engine, painted
        self.resume, self.cancel = engine.resume, engine.cancel

    def paint(self, order: Any, on_progress: Callable[[Any], None]) -> Any:
        from generations.steps import hash_of_inputs
        from painting.engine import Progress

        key = hash_of_inputs(replace(order, picture_id=NOBODY, job_id=NOBODY))
        if key in self.painted:
            on_progress(Progress(1.0))
        else:
            self.painted[key] = self.engine.paint(order, on_progress)
        return self.painted[key]


@pytest.fixture(autouse=True, scope="session")
def quick() -> Iterator[None]:
    """Pictures and photos that tests use again and again are painted, made safe and cut out once. Whoever tests just that takes `anew`."""
    from generations import pipeline
    from generations.actions import photos
    from painting import engines
    from painting.builtin import Builtin

    painted: dict[str, Any] = {}

    def remembering(name: str) -> Any:
        engine = engines.engine(name)
        return Remembering(engine, painted) if type(engine) is Builtin else engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "engine_named", remembering)
        patch.setattr(photos, "make_safe", lru_cache(maxsize=64)(photos.make_safe))
        patch.setattr(photos, "cut_out", lru_cache(maxsize=64)(photos.cut_out))
        yield


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is really painted in this test, also what was painted before."""
    from generations import pipeline
    from painting import engines

    monkeypatch.setattr(pipeline, "engine_named", engines.engine)
