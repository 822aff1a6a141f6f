"""Prices for tests that commit: they empty every table at their end, also what migrations filled."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from accounts.models import Price


@pytest.fixture(autouse=True)
def prices(request: pytest.FixtureRequest) -> None:
    """The first prices, written anew where a test before has emptied their table."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and marker.kwargs.get("transaction"):
        request.getfixturevalue("transactional_db")
        if not Price.objects.exists():
            import_module("accounts.migrations.0003_first_prices").fill(apps, None)
