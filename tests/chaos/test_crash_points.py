"""Killed at each named point on an ad's path, an order still ends in finished files, paid once (RELIABILITY: F-1, F-2, F-6).

All orders of a back end are made by one installation, one after another: it survives every kill and is whole at the end, which `lasting` asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.chaos.conftest import FULL, REPEAT
from tests.chaos.stack import ROOT, Stack, answers, free_port, until

pytestmark = pytest.mark.chaos
FAILS = 666_000  # an order with this seed cannot be painted (tests.chaos.plugged)

# Where a worker dies, and how often the order may then be written and its picture be painted at most. A built-in picture costs nothing, so
# it is painted again when it was not kept yet; a paid one is found again where it was painted.
WORKER = {
    "K1": (1, 1),
    "K2": (1, 1),
    "K3": (2, 1),
    "K4": (1, 1),
    "K5": (1, 2),
    "K6": (1, 2),
    "K13": (1, 2),
    "K14": (1, 1),
    "K15": (1, 1),
    "K16": (1, 1),
    "K17": (1, 1),
}


@pytest.fixture(autouse=True)
def clean(lasting: Stack) -> Iterator[None]:
    """No crash point of an earlier test is armed, and no call is counted twice."""
    for mark in lasting.marks.glob("*") if lasting.marks.exists() else ():
        mark.unlink()
    lasting.log_file.unlink(missing_ok=True)
    yield
    lasting.stop("worker")
    for name in ("web", "sweep"):
        if name not in lasting.kept or "CHAOS_CRASHPOINT" in lasting.kept[name].environment:
            lasting.start(name)


def whole(stack: Stack, made: dict[str, object]) -> None:
    """Every file of a ready order is there and is what its row says; every picture is paid exactly once."""
    assert made["status"] == "ready", made
    for ad in made["ads"]:  # type: ignore[attr-defined]
        data = stack.get(f"ads/{ad['id']}/file").content
        (sha256,) = stack.rows(f"SELECT file_id FROM generations_ad WHERE id = '{_plain(stack, ad['id'])}'")[0]
        assert hashlib.sha256(data).hexdigest() == sha256
    assert resolutions(stack, str(made["id"])) == ["capture"]
    nothing_is_wrong(stack)


def nothing_is_wrong(stack: Stack) -> None:
    """Asked after each test of the long run, which then knows who did it; otherwise once, at the end."""
    if FULL:
        stack.verify()


def resolutions(stack: Stack, generation: str) -> list[str]:
    pictures = f"SELECT id FROM generations_picture WHERE generation_id = '{_plain(stack, generation)}'"
    kinds = stack.rows(f"SELECT kind FROM accounts_transfer WHERE object_id IN ({pictures}) AND kind <> 'hold' ORDER BY kind")
    return [kind for (kind,) in kinds]


def _plain(stack: Stack, pk: str) -> str:
    """An id as the back end keeps it: SQLite has no type for it."""
    return pk if stack.back_end == "postgres" else uuid.UUID(pk).hex


@pytest.mark.parametrize("time", REPEAT)
@pytest.mark.parametrize("point", WORKER)
def test_a_worker_killed_on_the_way_is_followed_by_one_that_finishes(lasting: Stack, point: str, time: int) -> None:
    lasting.start("worker", crash={"name": point})
    made = lasting.ended(lasting.order())
    until(lambda: lasting.crashed(point), f"A worker coming past {point}", seconds=10)
    written, painted = WORKER[point]
    assert len(lasting.calls("write")) <= written and len(lasting.calls("paint")) <= painted
    whole(lasting, made)


@pytest.mark.parametrize("time", REPEAT)
def test_web_killed_before_the_order_is_committed_leaves_nothing_and_the_same_key_orders_again(lasting: Stack, time: int) -> None:
    lasting.start("web", crash={"name": "W1"})
    key, body = uuid.uuid4().hex, lasting.order_body()
    before = lasting.rows("SELECT count(*) FROM generations_generation")
    with pytest.raises(requests.ConnectionError):
        lasting.post("generations", json=body, headers={"Idempotency-Key": key})
    assert lasting.crashed("W1") and lasting.rows("SELECT count(*) FROM generations_generation") == before
    until(lambda: lasting.answers("/health/live"), "The web process starts again")
    lasting.start("worker")
    answer = lasting.post("generations", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 202
    whole(lasting, lasting.ended(answer.json()["id"]))


@pytest.mark.parametrize("time", REPEAT)
def test_web_killed_after_the_commit_has_taken_the_order(lasting: Stack, time: int) -> None:
    """No bell rang, so the sweep finds it; and the phone that asks again with its key gets this order and not another one."""
    lasting.start("web", crash={"name": "W2"})
    key, body = uuid.uuid4().hex, lasting.order_body()
    before = lasting.rows("SELECT count(*) FROM generations_generation")[0][0]
    with pytest.raises(requests.ConnectionError):
        lasting.post("generations", json=body, headers={"Idempotency-Key": key})
    assert lasting.crashed("W2") and lasting.rows("SELECT count(*) FROM generations_generation")[0][0] == before + 1
    until(lambda: lasting.answers("/health/live"), "The web process starts again")
    lasting.start("worker")
    answer = lasting.post("generations", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 202
    whole(lasting, lasting.ended(answer.json()["id"], seconds=15))
    assert lasting.rows("SELECT count(*) FROM generations_generation")[0][0] == before + 1


@pytest.mark.parametrize("time", REPEAT)
@pytest.mark.parametrize("point", ["D1", "D2"])
def test_a_sweep_killed_before_or_after_it_rang_is_followed_by_one_that_rings(lasting: Stack, point: str, time: int) -> None:
    lasting.stop("sweep")
    generation = lasting.order()
    lasting.manage("sweep", "--once")  # whatever the bells of the order were, they ring in the void: no worker is there
    lasting.start("sweep", crash={"name": point})
    until(lambda: lasting.crashed(point), f"A sweep coming past {point}")
    lasting.start("worker")
    whole(lasting, lasting.ended(generation))


@pytest.mark.parametrize("time", REPEAT)
def test_killed_inside_the_giving_back_it_is_given_back_once(lasting: Stack, time: int) -> None:
    lasting.start("worker", crash={"name": "K19"})
    made = lasting.ended(lasting.order(seed=FAILS))
    assert lasting.crashed("K19") and made["status"] == "failed"
    assert made["pictures"][0]["error"]["detail"] == "This one never works."
    assert resolutions(lasting, made["id"]) == ["void"]
    nothing_is_wrong(lasting)


@pytest.mark.parametrize("time", REPEAT)
def test_web_killed_after_a_cancel_was_committed_has_cancelled(lasting: Stack, time: int) -> None:
    lasting.start("web", crash={"name": "K20"})
    generation = lasting.order()
    with contextlib.suppress(requests.ConnectionError):
        lasting.post(f"generations/{generation}/cancel")
    assert lasting.crashed("K20")
    until(lambda: lasting.answers("/health/live"), "The web process starts again")
    assert lasting.ended(generation)["status"] == "cancelled"
    assert resolutions(lasting, generation) == ["void"]
    nothing_is_wrong(lasting)


# --- a picture that a server of its own paints: none is ever painted twice

SERVER = {"K7": 1, "K8": 1, "K9": 1, "K10": 1, "K11": 1, "K12": 1, "K5": 1, "K6": 1, "K13": 1}
FOR_COMFYUI = """
import django; django.setup()
from comfy import pool, starters
from templates_app.actions import publish_version
from templates_app.models import AdTemplate
starters.load()
pool.adopt_from_settings(["{url}"])
template = AdTemplate.objects.select_related("current").get(slug="{slug}")
data = template.current.data
needs = {{"workflow": "sd-inpaint-keep-product", "family": "sdxl", "models": {{"checkpoint": "sdxl.safetensors"}}}}
publish_version(by=None, head=template, data={{**data, "engines": {{**data["engines"], "comfyui": needs}}}}, note="For ComfyUI")
"""


@pytest.fixture(scope="module")
def servers(lasting: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A simulated ComfyUI, and a template that is made for it; the file in which it writes down each picture that it painted."""
    port, log = free_port(), tmp_path_factory.mktemp("comfyui") / "painted.jsonl"
    simulator = subprocess.Popen([sys.executable, "-m", "tests.fakes.comfy_server", "--port", str(port), "--log", str(log)], cwd=ROOT)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/system_stats"), "The simulated ComfyUI answers")
        script = FOR_COMFYUI.format(url=f"http://127.0.0.1:{port}", slug=lasting.template())
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=lasting.environment(PYTHONPATH=str(ROOT)), check=True, timeout=60)
        yield log
    finally:
        simulator.kill()
        simulator.wait()


@pytest.mark.parametrize("time", REPEAT)
@pytest.mark.parametrize("point", SERVER)
def test_a_worker_killed_around_a_server_has_its_picture_painted_there_once(lasting: Stack, servers: Path, point: str, time: int) -> None:
    if point == "K7":  # comes after an upload, and the round before has uploaded the photo
        lasting.manage("shell", "-c", "from comfy.models import ServerFile; ServerFile.objects.all().delete()")
    lasting.start("worker", crash={"name": point})
    before = len(servers.read_text().splitlines()) if servers.exists() else 0
    made = lasting.ended(lasting.order(engine="comfyui"))
    until(lambda: lasting.crashed(point), f"A worker coming past {point}", seconds=10)
    whole(lasting, made)
    assert len(servers.read_text().splitlines()) == before + SERVER[point]
    assert lasting.rows("SELECT engine FROM generations_picture ORDER BY created_at DESC LIMIT 1") == [("comfyui",)]
