"""How Django knows the wiring: its commands, and the checks of checks.py."""

from __future__ import annotations

from django.apps import AppConfig


class AdsgemConfig(AppConfig):
    name = "adsgem"
    verbose_name = "AdsGem"

    def ready(self) -> None:
        """Register what `manage.py check` says about this machine, begin to write down who does what, and report errors where that is wished for."""
        from adsgem import audited, checks, reporting  # noqa: F401

        audited.begin()
        reporting.begin()
