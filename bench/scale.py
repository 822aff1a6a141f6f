"""Pictures a minute by number of workers, with an engine that only waits: what the queue, the database and the finishing of files cost beside it.

    .venv/bin/python bench/scale.py [--workers 1 2 4 8] [--seconds 5] [--rounds 6] [--sqlite] [--redis-db 7]

A worker is a process with two hands, as `manage.py up` starts it; an engine that takes so many seconds stands for a server elsewhere. Each row
of the table is an installation's own run: the workers stand ready, `rounds` pictures for each hand are ordered, and the clock runs until the
last one has its file. *Efficiency* is the engine's seconds over all seconds of all hands; *speed-up* is the rate over that of the first row.
Read ratios, not seconds: they are of one sitting on one machine. Needs PostgreSQL and Redis where the chaos tests find them, or --sqlite.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from bench.storm import ORDER, _ended, _finished, _seconds, _wait_for  # noqa: E402  (the folder has to be known first)
from tests.chaos.plugged.apps import WAITS  # noqa: E402
from tests.chaos.stack import SMALL, Stack, until  # noqa: E402

HANDS = 2  # of a worker: its threads


@dataclass(frozen=True)
class Row:
    """How one number of workers did."""

    workers: int
    pictures: int
    engine: float  # seconds of the engine for a picture
    seconds: float  # from the order to the last file
    first: float  # from the order to the first file
    megabytes: dict[str, float]  # of each process, its own part of what is shared

    @property
    def rate(self) -> float:
        """Pictures a minute."""
        return 60 * self.pictures / self.seconds

    @property
    def efficiency(self) -> float:
        """1: nobody did anything but paint."""
        return self.pictures * self.engine / (self.workers * HANDS * self.seconds)

    @property
    def overhead(self) -> float:
        """Seconds of a hand for each picture, beside the engine's."""
        return self.workers * HANDS * self.seconds / self.pictures - self.engine

    def line(self, first: Row) -> str:
        """As a row of the table."""
        worker = max(megabytes for name, megabytes in self.megabytes.items() if name.startswith("worker"))
        cells = f"{self.workers}", f"{self.pictures}", f"{self.rate:.1f}", f"{self.rate / first.rate:.2f}", f"{self.efficiency:.2f}"
        return "| " + " | ".join((*cells, f"{self.overhead:.2f}", f"{self.first:.1f}", f"{worker:.0f}")) + " |"


HEAD = (
    "| Workers | Pictures | A minute | Speed-up | Efficiency | Seconds beside the engine, a picture | First file after, s | A worker, MB |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def measure(stack: Stack, workers: int, engine: float, rounds: int) -> Row:
    """One row, of an installation that was prepared for it."""
    stack.extra["CHAOS_ENGINE_SECONDS"] = str(engine)
    names = [f"worker-{number}" for number in range(workers)]
    stack.start(*names, "sweep")
    _order(stack, workers * HANDS)  # until everybody has worked once, somebody may still be starting
    _wait_for(stack, workers * HANDS)
    pictures, before = workers * HANDS * rounds, _ended(stack)
    _order(stack, pictures)
    _wait_for(stack, before + pictures)
    # From the first row on: whoever orders here needs a second or two to start.
    began = sorted(_seconds(at) for (at,) in stack.rows("SELECT created_at FROM generations_picture"))[before]
    finished = [at for at in _finished(stack) if at > began]
    if len(finished) != pictures:
        raise RuntimeError(f"{pictures - len(finished)} of {pictures} pictures are not ready.\n{stack.logs()}")
    megabytes = {name: _megabytes(stack.kept[name].process.pid) for name in (*names, "sweep")}
    open_orders = "SELECT count(*) FROM generations_generation WHERE status IN ('waiting', 'writing', 'making')"
    until(lambda: stack.rows(open_orders) == [(0,)], "The summing up of the last order")
    return Row(workers, pictures, engine, finished[-1] - began, finished[0] - began, megabytes)


def _order(stack: Stack, pictures: int) -> None:
    command = [sys.executable, "-c", ORDER, SMALL, str(WAITS), str(pictures)]
    subprocess.run(command, cwd=ROOT, env=stack.environment(), check=True, timeout=600)  # noqa: S603 - our own interpreter and script


def _megabytes(process: int) -> float:
    """What a process takes, with its share of what it has together with others (PSS); 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--redis-db", type=int, default=7)
    told = parser.parse_args()
    rows: list[Row] = []
    print(*HEAD, sep="\n")
    for workers in told.workers:
        with tempfile.TemporaryDirectory() as folder:
            stack = Stack(Path(folder) / "scale", "sqlite" if told.sqlite else "postgres", redis_db=told.redis_db)
            try:
                stack.prepare()
                rows.append(measure(stack, workers, told.seconds, told.rounds))
            finally:
                stack.drop()
        print(rows[-1].line(rows[0]), flush=True)


if __name__ == "__main__":
    main()
