"""The Celery app. The rows are the to-do list; Celery only carries the bell that says "have a look"."""

from __future__ import annotations

import os

from celery import Celery

from adsgem import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
broker.register()

app = Celery("adsgem")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
