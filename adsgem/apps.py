"""How Django knows the wiring: its commands, and the checks of checks.py."""

from __future__ import annotations

from django.apps import AppConfig


class AdsgemConfig(AppConfig):
    name = "adsgem"
    verbose_name = "AdsGem"

    def ready(self) -> None:
        """Register what `manage.py check` says about this machine."""
        from adsgem import checks  # noqa: F401
