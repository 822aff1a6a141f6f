"""AdsGem's own settings with an empty environment and a data folder of the run's own, and with short waits.

DATABASE_URL, BROKER_URL and CACHE_URL of the real environment hold: so the same tests run on PostgreSQL and Redis.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

_LISTED = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (Path(__file__).parent.parent / ".env.example").read_text(), re.MULTILINE)
# Set to nothing, so that nobody's own .env reaches the tests.
os.environ.update({name: "" for name in _LISTED if name not in ("DATABASE_URL", "BROKER_URL", "CACHE_URL")})
for _name in ("DATABASE_URL", "BROKER_URL", "CACHE_URL"):
    os.environ.setdefault(_name, "")
os.environ["ADSGEM_DATA"] = _folder = tempfile.mkdtemp(prefix="adsgem-tests-")
os.environ.update(LEASE_SECONDS="2", HEARTBEAT_SECONDS="0.4", SWEEP_SECONDS="0.5")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

from adsgem.settings import *  # noqa: E402, F403
from adsgem.settings import DATA_DIR, DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick: hundreds of people are made
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory: several threads on a memory database do not wait for each other, they fail.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
else:
    DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 32  # tests race twenty threads at once, and each needs its own connection
