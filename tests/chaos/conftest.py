"""One prepared installation per back end; every test works on a copy of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path

import pytest

from tests.chaos.stack import BACK_ENDS, Stack

FULL = os.environ.get("CHAOS") == "full"  # script/long chaos; .ci/run does a tenth
REPEAT = range(5 if FULL else 1)


def few(number: int) -> int:
    """So many in the long run, a tenth of it in every other."""
    return number if FULL else max(1, number // 10)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file on one back end follow each other in one process: they share an installation, and none starts beside its twin."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            back_end = next((name for name in BACK_ENDS if name in item.name), "")
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{back_end}"))


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stack]:
    """One prepared installation per back end, made by whichever process asks first; the others wait for it."""
    workers = request.config.workerinput if hasattr(request.config, "workerinput") else None
    shared = tmp_path_factory.getbasetemp().parent if workers else tmp_path_factory.getbasetemp()

    @cache
    def prepare(back_end: str) -> Stack:
        known = shared / f"prepared-{back_end}.json"
        with (shared / f"prepared-{back_end}.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            if not known.exists():
                stack = Stack(shared / f"prepared-{back_end}", back_end)
                stack.prepare()
                known.write_text(stack.as_data())
        return Stack.from_data(known.read_text())

    return prepare


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that began the run takes the prepared databases away, when every other has ended."""
    if not hasattr(session.config, "workerinput") and (factory := getattr(session.config, "_tmp_path_factory", None)):
        for known in factory.getbasetemp().glob("prepared-*.json"):
            Stack.from_data(known.read_text()).drop()


@pytest.fixture(params=BACK_ENDS)
def stack(request: pytest.FixtureRequest, prepared: Callable[[str], Stack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A fresh installation, nothing of it running yet."""
    copy = prepared(request.param).copy(tmp_path_factory.mktemp("stack") / request.param)
    yield copy
    copy.drop()


@pytest.fixture(scope="module", params=BACK_ENDS)
def lasting(request: pytest.FixtureRequest, prepared: Callable[[str], Stack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation that all tests of a file share, with web and sweep running: what one test leaves behind, the next one meets."""
    copy = prepared(request.param).copy(tmp_path_factory.mktemp("stack") / request.param)
    copy.start("web", "sweep")
    yield copy
    copy.verify()
    copy.drop()
