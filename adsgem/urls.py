"""Every address, and the room that answers it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from adsgem import health
from adsgem.metrics import metrics

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("api/v1/", include("api.urls")),
    path("", include("keeping.urls")),
    path("", include("studio.urls")),
]
