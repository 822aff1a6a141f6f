"""AdsGem's own settings, and what the chaos tests need beside them: crash points and engines that count, fail and die on demand."""

from __future__ import annotations

import json
import os

from adsgem.settings import *  # noqa: F403
from adsgem.settings import INSTALLED_APPS

# {"name": "K4", "times": 1, "marks": "folder", "signal": 9}
CRASHPOINT = json.loads(os.environ.get("CHAOS_CRASHPOINT") or "null")
CHAOS_LOG = os.environ.get("CHAOS_LOG", "")  # a file: one JSON line for each call of a writer or an engine
INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.plugged"]
WEBHOOK_ALLOW_PRIVATE = True  # the tests' receivers listen on 127.0.0.1
