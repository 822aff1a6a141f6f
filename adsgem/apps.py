"""How Django knows the wiring: its commands, and the checks of checks.py."""

from __future__ import annotations

from django.apps import AppConfig


class AdsgemConfig(AppConfig):
    name = "adsgem"
    verbose_name = "AdsGem"

    def ready(self) -> None:
        """Register what `manage.py check` says about this machine, and begin to write down who does what."""
        from adsgem import audited, checks  # noqa: F401

        audited.begin()
