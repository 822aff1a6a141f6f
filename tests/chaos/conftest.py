"""One prepared installation per back end; every test works on a copy of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chaos.stack import BACK_ENDS, Stack

FULL = os.environ.get("CHAOS") == "full"  # script/long chaos; .ci/run does a tenth
REPEAT = range(5 if FULL else 1)
EACH = [pytest.param(back_end, marks=pytest.mark.xdist_group(back_end)) for back_end in BACK_ENDS]


def few(number: int) -> int:
    """So many in the long run, a tenth of it in every other."""
    return number if FULL else max(1, number // 10)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stack]]:
    """Filled when a back end is first asked for."""
    made: dict[str, Stack] = {}
    yield made
    for stack in made.values():
        stack.drop()


def _copy(back_end: str, prepared: dict[str, Stack], factory: pytest.TempPathFactory) -> Stack:
    if back_end not in prepared:
        prepared[back_end] = Stack(factory.mktemp(back_end), back_end)
        prepared[back_end].prepare()
    return prepared[back_end].copy(factory.mktemp("stack") / back_end)


@pytest.fixture(params=EACH)
def stack(request: pytest.FixtureRequest, prepared: dict[str, Stack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A fresh installation, nothing of it running yet."""
    copy = _copy(request.param, prepared, tmp_path_factory)
    yield copy
    copy.drop()


@pytest.fixture(scope="module", params=EACH)
def lasting(request: pytest.FixtureRequest, prepared: dict[str, Stack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation that all tests of a file share, with web and sweep running: what one test leaves behind, the next one meets."""
    copy = _copy(request.param, prepared, tmp_path_factory)
    copy.start("web", "sweep")
    yield copy
    copy.drop()
