"""The supervisor: children start, start again, and never outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import sys
from adsgem import supervisor
from adsgem.supervisor import Child, Supervisor
supervisor.QUICK_SECONDS, grace = {quick}, {grace}
children = [Child(name, [sys.executable, "-c", code]) for name, code in {children!r}]
import os
sys.exit(Supervisor(children, environment=os.environ, grace=grace).run())
"""
# Writes its process id, then works.
STEADY = "import os, time; open(r'{folder}/{name}', 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)"


class Run:
    """A supervisor in a process of its own, with children that leave their ids in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, grace: float = 5, quick: float = 10, **children: str) -> subprocess.Popen[str]:
        code = [(name, body.format(folder=self.folder, name=name)) for name, body in children.items()]
        script = SCRIPT.format(children=code, grace=grace, quick=quick)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self.process

    def ids(self, name: str, at_least: int = 1) -> list[int]:
        until(lambda: (self.folder / name).exists() and len((self.folder / name).read_text().split()) >= at_least)
        return [int(line) for line in (self.folder / name).read_text().split()]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.process:
        run.process.kill()
        run.process.communicate()


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text() if Path(f"/proc/{pid}").exists() else False


def test_ctrl_c_ends_every_child(run: Run) -> None:
    supervisor = run.start(web=STEADY, worker=STEADY)
    children = run.ids("web") + run.ids("worker")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(10) == 0
    assert not any(alive(pid) for pid in children)


def test_each_child_has_a_process_group_of_its_own_so_that_ctrl_c_reaches_the_supervisor_only(run: Run) -> None:
    run.start(web=STEADY)
    (pid,) = run.ids("web")
    assert os.getpgid(pid) == pid


def test_a_child_that_dies_starts_again(run: Run) -> None:
    run.start(web=STEADY, worker=STEADY)
    (web,), (worker,) = run.ids("web"), run.ids("worker")
    os.kill(worker, signal.SIGKILL)
    again = run.ids("worker", at_least=2)
    assert again[1] != worker and alive(again[1])
    assert run.ids("web") == [web]


def test_a_child_that_never_comes_up_ends_everything_with_one_sentence(run: Run) -> None:
    supervisor = run.start(web=STEADY, worker="import sys; sys.exit(3)")
    (web,) = run.ids("web")
    said, _ = supervisor.communicate(timeout=40)
    assert supervisor.returncode == 1
    assert "The worker process ended 5 times right after its start, so AdsGem stopped." in said
    assert said.count("The worker process ended (exit code 3). It starts again.") == 4
    assert not alive(web)


def test_a_child_that_lived_a_while_before_each_death_is_started_as_often_as_it_takes(run: Run) -> None:
    mortal = STEADY.replace("time.sleep(600)", "time.sleep(0.3)")
    supervisor = run.start(quick=0.1, worker=mortal)
    run.ids("worker", at_least=8)
    assert supervisor.poll() is None


def test_a_child_may_finish_its_work_before_it_ends(run: Run) -> None:
    slow = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), open(r'{folder}/finished', 'w').close(), exit(0)));"
        + STEADY
    )
    supervisor = run.start(worker=slow)
    run.ids("worker")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    assert (run.folder / "finished").exists()


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + STEADY


def test_a_child_that_does_not_listen_is_ended_by_force_after_the_grace(run: Run) -> None:
    supervisor = run.start(grace=1, worker=STUBBORN)
    (pid,) = run.ids("worker")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(10) == 0
    assert not alive(pid)


def test_a_second_ctrl_c_does_not_wait(run: Run) -> None:
    supervisor = run.start(grace=60, worker=STUBBORN)
    (pid,) = run.ids("worker")
    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(5) == 0
    assert not alive(pid)


def test_what_a_child_started_ends_with_it(run: Run) -> None:
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {grandchild!r}]);" + STEADY
    grandchild = STEADY.format(folder=run.folder, name="grandchild")
    supervisor = run.start(worker=parent.replace("{grandchild!r}", repr(grandchild).replace("{", "{{").replace("}", "}}")))
    (pid,) = run.ids("grandchild")
    run.ids("worker")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    until(lambda: not alive(pid))


def test_children_do_not_outlive_a_supervisor_that_was_killed(run: Run) -> None:
    supervisor = run.start(web=STEADY, worker=STEADY)
    children = run.ids("web") + run.ids("worker")
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(alive(pid) for pid in children))
