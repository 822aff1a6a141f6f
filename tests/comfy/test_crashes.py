"""A worker is killed at every point of a picture's way to a server and back; the next one ends it, and the server paints it once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection

from comfy import pool, starters
from comfy.models import ServerFile
from tests.fakes.comfy_server import Simulator

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
PACE = {"first": 0.02, "slowest": 0.1, "unknown_gap": 0.2, "connect": 1.0, "read": 5.0}
NEEDS = {"workflow": "sd-inpaint-keep-product", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": 5}}


def database() -> str:
    """The test's own database, as an address."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    return f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"


def paint(job_id: str, crashpoint: dict[str, Any] | None) -> subprocess.CompletedProcess[bytes]:
    asked = {
        "database": database(),
        "keys": list(django_settings.ENCRYPTION_KEYS),
        "pace": PACE,
        "crashpoint": crashpoint,
        "needs": NEEDS,
        "job_id": job_id,
    }
    return subprocess.run([sys.executable, "-m", "tests.comfy.painter", json.dumps(asked)], cwd=ROOT, capture_output=True, timeout=120)


@pytest.mark.parametrize("point", ["K7", "K8", "K9", "K10", "K11", "K12"])
def test_a_worker_killed_on_the_way_leaves_a_picture_that_the_next_one_ends_and_that_is_painted_once(tmp_path, point):
    starters.load()
    with Simulator(step_seconds=0.05) as server:
        pool.adopt_from_settings([server.url])
        job_id = str(uuid4())
        killed = paint(job_id, {"name": point, "times": 1, "marks": str(tmp_path)})
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
        assert list(tmp_path.iterdir()), "it was killed at the point and nowhere else"
        ended = paint(job_id, None)
        assert ended.returncode == 0, ended.stderr.decode()[-2000:]
        assert ended.stdout.startswith(b"\x89PNG")
        assert server.posts == {job_id: 1} and len(server.painted) == 1
        undisturbed = paint(str(uuid4()), None)
        assert ended.stdout == undisturbed.stdout, "a crash leaves no trace in the picture"
        assert ServerFile.objects.count() == 2
