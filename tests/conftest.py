"""What all tests share."""

from __future__ import annotations

# People, brands and what they work with.
pytest_plugins = ["tests.people"]
