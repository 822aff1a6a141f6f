"""What our ComfyUI client costs over posting by hand, and whether a pool of two servers is kept busy.

    .venv/bin/python bench/comfy_overhead.py [--url http://gpu-1:8188] [--pairs 60] [--pictures 40]

The pairs run on one server, one after the other in turns: by hand means one websocket that stays open, POST, wait for the end on it, history,
view, decode; ours is `comfy.client`, with a socket, a look before the POST and a check of the picture for each job. Without --url the server is
the simulator in a process of its own, with 10 steps of 20 ms; a real one is given a flat picture that needs no model.

The pool is always two simulators. Its pictures are painted by the engine, with six workers as threads. A server counts as busy while its queue
runs something, from the first picture to the moment when the last one is handed out: after that there is not enough for two.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import randbelow
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")  # a data folder of its own, gone at the end
import django  # noqa: E402

django.setup()

import requests  # noqa: E402
import websocket  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from PIL import Image  # noqa: E402

from comfy import pool, starters  # noqa: E402
from comfy.client import Client, Job  # noqa: E402
from comfy.models import ServerJob  # noqa: E402
from comfy.wire import Address  # noqa: E402
from painting.comfyui import ComfyUI  # noqa: E402
from painting.engine import EngineUnavailable  # noqa: E402
from tests.comfy.conftest import graph  # noqa: E402
from tests.painting.orders import order  # noqa: E402

STEPS, STEP_SECONDS = 10, 0.02
WORKERS, POOL_STEPS, POOL_STEP_SECONDS = 6, 30, 0.05
SCENE = {"workflow": "sd-text2img", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": POOL_STEPS}}
SAMPLE_SECONDS = 0.02
AT_MOST_MS, AT_LEAST_BUSY = 15.0, 0.95


@contextmanager
def simulator(step_seconds: float) -> Iterator[str]:
    """A simulated server in a process of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.fakes.comfy_server", "--port", str(port), "--step-seconds", str(step_seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter and command
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def small_job(*, real: bool) -> Job:
    """A fresh job; its seed is new, so that no server answers from what it remembers."""
    job_id = uuid4()
    if not real:
        return Job(job_id, graph(randbelow(2**31), steps=STEPS, job=str(job_id)), "9", (96, 64), samplers=("7",))
    nodes, _bindings = starters.shipped("smoke-no-model")
    nodes["1"]["inputs"]["color"] = randbelow(2**24)
    nodes["9"]["inputs"]["filename_prefix"] = f"adsgem/{job_id}/p1"
    scaled = nodes["2"]["inputs"]
    return Job(job_id, nodes, "9", (scaled["width"], scaled["height"]), may_be_flat=True)


class ByHand:
    """The quickest that anybody could do: one socket for all jobs, and no doubt about anything."""

    def __init__(self, url: str) -> None:
        self.url, self.me, self.session = url, str(uuid4()), requests.Session()
        self.socket = websocket.create_connection(f"{url.replace('http', 'ws', 1)}/ws?clientId={self.me}", timeout=60)

    def run(self, job: Job) -> Image.Image:
        """Post, wait, fetch."""
        asked = {"prompt": job.graph, "prompt_id": str(job.id), "client_id": self.me}
        self.session.post(f"{self.url}/prompt", json=asked, timeout=30).raise_for_status()
        while not self._over(job):
            pass
        entry: dict[str, Any] = {}
        while not entry:  # the end is told some milliseconds before history has it
            entry = self.session.get(f"{self.url}/history/{job.id}", timeout=30).json()
        found = entry[str(job.id)]["outputs"][job.output_node]["images"][0]
        picture = Image.open(io.BytesIO(self.session.get(f"{self.url}/view", params=found, timeout=30).content))
        picture.load()
        return picture

    def _over(self, job: Job) -> bool:
        kind, data = self.socket.recv_data()
        if kind != websocket.ABNF.OPCODE_TEXT:
            return False
        told = json.loads(data)
        mine = told.get("data", {}).get("prompt_id") == str(job.id)
        return bool(mine and told["type"] == "executing" and told["data"]["node"] is None)


def overheads(url: str, pairs: int, *, real: bool) -> list[float]:
    """Seconds that ours took longer, pair by pair; who begins changes with each pair."""
    hand, ours = ByHand(url), Client(Address(url))

    def timed(client: ByHand | Client) -> float:
        job = small_job(real=real)
        began = time.perf_counter()
        if isinstance(client, ByHand):
            client.run(job)
        else:
            client.run(job, lambda hint: None, before_post=lambda: None)
        seconds = time.perf_counter() - began
        ours.forget(job.id)
        return seconds

    timed(hand), timed(ours)  # the first of each opens connections and loads what it needs
    found = []
    for number in range(pairs):
        order_of_two = (hand, ours) if number % 2 else (ours, hand)
        took = {type(client): timed(client) for client in order_of_two}
        found.append(took[Client] - took[ByHand])
    return found


class Watcher(threading.Thread):
    """Looks again and again whether a server runs something."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.seen, self.over = url, list[tuple[float, bool]](), threading.Event()

    def run(self) -> None:
        """Until it is over."""
        session = requests.Session()
        while not self.over.wait(SAMPLE_SECONDS):
            running = session.get(f"{self.url}/queue", timeout=30).json()["queue_running"]
            self.seen.append((time.perf_counter(), bool(running)))

    def busy(self, until: float) -> float:
        """The share of the looks between its first picture and then at which it ran something; 0 when it never did."""
        first = next((when for when, running in self.seen if running), until)
        looks = [running for when, running in self.seen if first <= when <= until]
        return sum(looks) / max(1, len(looks))


def busy_shares(pictures: int) -> list[float]:
    """How busy each of two servers is kept while so many pictures wait."""
    call_command("migrate", verbosity=0)
    starters.load()
    with ExitStack() as stack:
        urls = [stack.enter_context(simulator(POOL_STEP_SECONDS)) for _ in range(2)]
        pool.adopt_from_settings(urls)
        watchers = [Watcher(url) for url in urls]
        for watcher in watchers:
            watcher.start()
        with ThreadPoolExecutor(WORKERS) as workers:
            for done in [workers.submit(paint, number) for number in range(pictures)]:
                done.result()
        last = max(
            time.perf_counter() - (time.time() - when.timestamp()) for when in ServerJob.objects.values_list("created_at", flat=True)
        )
        for watcher in watchers:
            watcher.over.set()
            watcher.join()
    return [watcher.busy(last) for watcher in watchers]


def paint(number: int) -> None:
    """One picture by the engine, which waits for a seat as a row would."""
    what = replace(order("1:1", SCENE, seed=number), job_id=uuid4(), picture_id=uuid4(), scene_prompt="wet stone at dawn")
    try:
        while True:
            try:
                ComfyUI().paint(what, lambda progress: None)
            except EngineUnavailable:
                time.sleep(0.05)
            else:
                return
    finally:
        connections.close_all()


def main() -> int:
    """Measure, print, and give 1 when a promise is broken."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--url", default="", help="A real server; without it, the simulator.")
    reader.add_argument("--pairs", type=int, default=60)
    reader.add_argument("--pictures", type=int, default=40)
    asked = reader.parse_args()
    with ExitStack() as stack:
        url = asked.url.rstrip("/") or stack.enter_context(simulator(STEP_SECONDS))
        found = [seconds * 1000 for seconds in overheads(url, asked.pairs, real=bool(asked.url))]
    middle, late = median(found), quantiles(found, n=20)[-1]
    print(f"overhead a picture, {asked.pairs} pairs: median {middle:.1f} ms, p95 {late:.1f} ms (median at most {AT_MOST_MS:.0f})")
    shares = busy_shares(asked.pictures)
    told = " and ".join(f"{share:.1%}" for share in shares)
    print(f"two servers, {asked.pictures} pictures: busy {told} (at least {AT_LEAST_BUSY:.0%})")
    return int(middle > AT_MOST_MS or min(shares) < AT_LEAST_BUSY)


if __name__ == "__main__":
    sys.exit(main())
