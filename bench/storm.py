"""A storm: thousands of small pictures, painted in 20 ms each, drained by one worker that is killed again and again.

    .venv/bin/python bench/storm.py [--pictures 2000] [--kills 20] [--seed 1] [--postgres]

Every picture must end ready, once, and be paid once. Prints how fast it went, and how long it took after each kill until the next
picture was ready: that is the lease of what the dead worker held, and the start of the next one. Leases are 1.5 s here, as in the chaos
tests. With --postgres it needs PostgreSQL and Redis where the chaos tests find them. The exit code is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import django
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
if not apps.ready:
    django.setup()  # the stack borrows the tests' photo, and that stands beside their rows

from tests.chaos.plugged.apps import QUICK  # noqa: E402  (the folder has to be known first)
from tests.chaos.stack import SMALL, Stack, until  # noqa: E402

IN_HAND = 2  # pictures that a worker works at: its threads
PATIENCE = 60.0  # seconds without a single picture becoming ready

ORDER = """
import sys
import django; django.setup()
from accounts.models import Brand
from generations.actions import order_generation
from prompting.brief import Brief
from templates_app.models import AdTemplate, Placement
slug, first_seed, left = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
brand, places = Brand.objects.get(), list(Placement.objects.filter(slug=slug).select_related("current"))
template = AdTemplate.objects.filter(published=True, needs_photo=False).select_related("current").first()
for number in range(-(-left // 8)):
    brief, variations = Brief.read({"headline": f"Order {number}"}), min(8, left - 8 * number)
    what = {"brand": brand, "template": template, "brief": brief, "placements": places, "variations": variations}
    order_generation(by=None, seed=first_seed + number, **what)
"""


@dataclass(frozen=True)
class Storm:
    """How it went."""

    pictures: int
    seconds: float
    recoveries: tuple[float, ...]  # seconds from each kill to the next picture that became ready
    statuses: dict[str, int]
    painted: int  # calls of the engine
    painted_again: int
    ready_again: int
    paid_again: int
    unpaid: int
    verified: int  # exit code
    wrong: str  # what the verifier says

    @property
    def whole(self) -> bool:
        """Whether every picture is ready once and paid once, and nothing was painted again but what was in hand at a kill."""
        faults = self.ready_again, self.paid_again, self.unpaid, self.verified
        return self.statuses == {"ready": self.pictures} and not any(faults) and self.painted_again <= IN_HAND * len(self.recoveries)

    def lines(self) -> list[str]:
        """For people."""
        waits = sorted(self.recoveries)
        p95 = quantiles(waits, n=20, method="inclusive")[-1] if len(waits) > 1 else max(waits, default=0.0)
        return [
            f"{self.pictures} pictures in {self.seconds:.0f} s, {self.pictures / self.seconds:.1f} a second; at the end {self.statuses}",
            f"{len(waits)} kills; to the next ready picture {median(waits or [0]):.2f} s (median), {p95:.2f} s (p95), {max(waits, default=0):.2f} s (most)",
            f"{self.painted} paintings, {self.painted_again} of them again; {self.ready_again} ready twice, {self.paid_again} paid twice, {self.unpaid} not paid",
            f"verify: exit code {self.verified}{self.wrong and chr(10) + self.wrong}",
        ]


def storm(stack: Stack, pictures: int, kills: int, seed: int) -> Storm:
    """Order so many pictures of a prepared installation, let one worker make them, and kill it so often at random moments."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    command = [sys.executable, "-c", ORDER, SMALL, str(QUICK), str(pictures)]
    subprocess.run(command, cwd=ROOT, env=stack.environment(), check=True, timeout=600)  # noqa: S603 - our own interpreter and script
    began = time.time()
    stack.start("worker", "sweep")
    killed = []
    for number in range(kills):
        _wait_for(stack, dice.randrange(pictures * number // kills, pictures * (number + 1) // kills))
        time.sleep(dice.uniform(0, 0.2))
        killed.append(time.time())
        stack.kill("worker")
    _wait_for(stack, pictures)
    finished = _finished(stack)
    # The worker that made the last picture sums its order up a moment later; when it was killed just then, a sweep does.
    orders = "SELECT count(*) FROM generations_generation WHERE status IN ('waiting', 'writing', 'making')"
    until(lambda: stack.rows(orders) == [(0,)], "The summing up of the last order")
    stack.stop("worker", "sweep")
    verified = stack.manage("verify")
    painted = Counter(stack.calls("paint"))
    captures = stack.rows("SELECT count(*), count(DISTINCT object_id) FROM accounts_transfer WHERE kind = 'capture'")[0]
    told = stack.rows("SELECT count(*), count(DISTINCT object_id) FROM generations_event WHERE kind = 'picture.ready'")[0]
    return Storm(
        pictures=pictures,
        seconds=finished[-1] - began,
        recoveries=tuple(next(each for each in finished if each > kill) - kill for kill in killed if kill < finished[-1]),
        statuses=dict(stack.rows("SELECT status, count(*) FROM generations_picture GROUP BY status")),
        painted=painted.total(),
        painted_again=painted.total() - len(painted),
        ready_again=told[0] - told[1],
        paid_again=captures[0] - captures[1],
        unpaid=pictures - captures[1],
        verified=verified.returncode,
        wrong=(verified.stdout + verified.stderr).strip() if verified.returncode else "",
    )


def _wait_for(stack: Stack, pictures: int) -> None:
    """Until so many have ended. Raises TimeoutError when nothing has for a while."""
    last, since = -1, time.monotonic()
    while (ended := _ended(stack)) < pictures:
        if ended != last:
            last, since = ended, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            raise TimeoutError(f"Nothing has happened for {PATIENCE:g} s, with {ended} pictures at their end.\n{stack.logs()}")
        time.sleep(0.05)


def _ended(stack: Stack) -> int:
    return int(stack.rows("SELECT count(*) FROM generations_picture WHERE status IN ('ready', 'failed', 'refused', 'cancelled')")[0][0])


def _finished(stack: Stack) -> list[float]:
    """When each picture became ready, in order, in seconds since 1970."""
    return sorted(_seconds(at) for (at,) in stack.rows("SELECT finished_at FROM generations_picture WHERE status = 'ready'"))


def _seconds(at: Any) -> float:
    """SQLite keeps times as text, in UTC."""
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)).timestamp()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "storm", "postgres" if told.postgres else "sqlite", redis_db=14)
        try:
            stack.prepare()
            went = storm(stack, told.pictures, told.kills, told.seed)
        finally:
            stack.drop()
    print(*went.lines(), sep="\n")
    sys.exit(not went.whole)


if __name__ == "__main__":
    main()
