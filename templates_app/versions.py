"""How versions are told apart: by the hash of what they say."""

from __future__ import annotations

import hashlib
import json


def hash_of(data: object) -> str:
    """SHA-256 of JSON data, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
