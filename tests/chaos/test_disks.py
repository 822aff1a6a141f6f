"""Disks that run full, and disks that fail while data is being made safe on them (RELIABILITY: F-24, F-25)."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import FULL, few
from tests.chaos.needs import needs
from tests.chaos.stack import Stack, until
from tests.people import bottle_png

pytestmark = pytest.mark.chaos
ON_SQLITE = "sqlite"
DISK = 160_000_000 if FULL else 64_000_000  # bytes: room for the shelf and all ads of a test, which are more in the long run
NO_ROOM = "There is no room left on this machine for new pictures. Ask whoever runs it to free some space, then try again."


class SmallDisk:
    """A folder on a disk of its own, of which the test says how much is free."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.filler = folder, folder / "filler"
        aside = folder.with_name(f"{folder.name}-aside")
        folder.rename(aside)
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)
        shutil.copytree(aside, folder, dirs_exist_ok=True)

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def fill(self, leave: int) -> None:
        """Take all room but so many bytes, also what others freed meanwhile."""
        with self.filler.open("ab") as file, contextlib.suppress(OSError):
            while (more := self.free - leave) > 0:
                file.write(bytes(min(more, 1_000_000)))
                file.flush()

    def clear(self) -> None:
        self.filler.unlink()


@contextlib.contextmanager
def small_disk(stack: Stack, folder: Path) -> Iterator[SmallDisk]:
    """While this lasts, a folder of an installation is on a small disk; nothing of it may be running before."""
    needs("root", "tmpfs")
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        stack.stop(*list(stack.kept))
        subprocess.run(["umount", folder], check=True)


def count(stack: Stack, table: str, where: str = "TRUE") -> int:
    return int(stack.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def sound(stack: Stack) -> None:
    """Nothing is missing or half, and SQLite's own check finds nothing either."""
    if stack.back_end == "sqlite":
        assert stack.rows("PRAGMA integrity_check") == [("ok",)]
    stack.verify()


def test_files_that_find_no_room_are_made_when_there_is_some_again(stack: Stack) -> None:
    """The disk of the files runs full in the middle of some orders: no row names a file that is not there, and no order is lost."""
    with small_disk(stack, stack.data / "media") as disk:
        stack.start("web", "sweep")
        made = [stack.order(seed=200 + each) for each in range(max(5, few(20)))]
        disk.fill(leave=5_000_000)
        stack.start("worker")
        until(lambda: "No space left on device" in stack.logs(), "The disk running full")
        assert count(stack, "generations_ad", "status = 'ready'") < len(made)
        sound(stack)
        disk.clear()
        for generation in made:
            assert stack.ended(generation)["status"] == "ready"
        assert not list((stack.data / "media").rglob("*.part"))
        sound(stack)


def test_with_little_room_new_orders_are_refused_and_old_ones_pause_until_there_is_more(stack: Stack) -> None:
    """What is being made needs room, too, so new work stops before the disk is full."""
    stack.extra["KEEP_FREE_BYTES"] = "12000000"
    with small_disk(stack, stack.data / "media") as disk:
        stack.start("web", "sweep")
        made = [stack.order(seed=300 + each) for each in range(3)]
        disk.fill(leave=11_000_000)
        time.sleep(1.5)  # the room is looked at once a second
        stack.start("worker")
        before = count(stack, "generations_generation"), count(stack, "generations_photo"), count(stack, "accounts_transfer")
        ordered = stack.post("generations", json=stack.order_body())
        uploaded = stack.post("photos", files={"file": ("bottle.png", bottle_png(), "image/png")})
        for answer in (ordered, uploaded):
            assert answer.status_code in (422, 503) and NO_ROOM in answer.text, answer.text
        until(lambda: len(stack.calls("write")) == len(made), "The words, which need no room,")
        time.sleep(3)
        assert stack.rows("SELECT DISTINCT status, attempt FROM generations_picture") == [("waiting", 0)]
        assert before == (count(stack, "generations_generation"), count(stack, "generations_photo"), count(stack, "accounts_transfer"))
        disk.clear()
        for generation in made:
            assert stack.ended(generation)["status"] == "ready"
        assert stack.ended(stack.order())["status"] == "ready"
        sound(stack)


@pytest.mark.parametrize("stack", [ON_SQLITE], indirect=True)
def test_a_database_that_finds_no_room_takes_an_order_whole_or_not_at_all(stack: Stack) -> None:
    """Rows, bells and files are on one disk. Whoever is refused while it is full asks again with the same key, and has one order."""
    with small_disk(stack, stack.data) as disk:
        stack.start("web", "worker", "sweep")
        keys = {uuid.uuid4().hex: stack.order_body(seed=400 + each) for each in range(max(8, few(40)))}
        stack.order()
        taken, refused = {}, []
        for number, (key, body) in enumerate(keys.items()):
            disk.fill(leave=number % 4 * 24_000)
            answer = stack.post("generations", json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 202:
                taken[key] = answer.json()["id"]
            else:
                refused.append(answer.text)
        assert refused, "the disk was never full"
        assert not [answer for answer in refused if "Traceback" in answer or "disk is full" in answer]
        assert count(stack, "generations_generation") == 1 + len(taken)
        assert stack.rows("PRAGMA integrity_check") == [("ok",)]
        disk.clear()
        for key, body in keys.items():
            answer = stack.post("generations", json=body, headers={"Idempotency-Key": key})
            assert answer.status_code == 202 and answer.json()["id"] == taken.setdefault(key, answer.json()["id"])
        for generation in taken.values():
            assert stack.ended(generation)["status"] == "ready"
        assert count(stack, "generations_generation") == 1 + len(keys)
        sound(stack)


# Under strace, a worker's n-th making safe goes wrong in the thread that comes to it first; started again, it runs without.
ONCE = 'if mkdir "$1" 2>/dev/null; then shift; exec "$@"; else while [ "$1" != -- ]; do shift; done; shift; exec "$@"; fi'
NUMBERS = range(1, 41, 1 if FULL else 10)


@pytest.mark.parametrize("lasting", [ON_SQLITE], indirect=True)
@pytest.mark.parametrize("harm", ["error=EIO", "signal=KILL"])
def test_a_disk_that_fails_to_make_safe_costs_a_try_and_nothing_else(lasting: Stack, harm: str) -> None:
    """`error=EIO`: the disk says that it could not; `signal=KILL`: the lights go out in that moment."""
    needs("strace")
    for number in NUMBERS:
        trace = lasting.folder / f"trace-{harm}-{number}"
        calls = "fsync,fdatasync"
        strace = ["strace", "-f", "-q", "-o", f"{trace}.txt", "-e", f"trace={calls}", "-e", f"inject={calls}:{harm}:when={number}"]
        lasting.start("worker", prefix=("sh", "-c", ONCE, "sh", str(trace), *strace, "--"))
        made: list[str] = []
        while not harmed(Path(f"{trace}.txt")):
            assert len(made) < 40, "the disk never failed"
            made.append(lasting.order(seed=1000 * number + len(made)))
            lasting.ended(made[-1])
        assert {lasting.ended(generation)["status"] for generation in made} == {"ready"}
        assert lasting.rows("PRAGMA integrity_check") == [("ok",)]
    sound(lasting)


def harmed(trace: Path) -> bool:
    return trace.exists() and any("(INJECTED)" in line or "killed by SIGKILL" in line for line in trace.read_text().splitlines())
