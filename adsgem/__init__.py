"""Wiring: settings, addresses, the queue, the commands that start everything. What the product does is in the other folders."""

from __future__ import annotations

from adsgem.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
