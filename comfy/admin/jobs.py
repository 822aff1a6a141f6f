"""The jobs that servers have, in admin: to look at only."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from comfy.admin.looks import badge, moment
from comfy.models import ServerJob
from keeping.showing import NONE, LookOnly


@admin.register(ServerJob)
class Jobs(LookOnly):
    """Each picture's work on a server, for as long as the server may be asked for it."""

    list_display = ("id", "server", "state", "posts", "faults_shown", "created_at", "fetched")
    list_filter = ("server__name", "created_at")
    search_fields = ("id", "server__name")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = ("id", "server", "state", "seat", "held", "posts", "faults_shown", "fetched", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServerJob]:
        """Without the servers' tokens: they are not shown, and a lost key must not close the page."""
        found: QuerySet[ServerJob] = super().get_queryset(request)
        return found.select_related("server").defer("server__token")

    @admin.display(description="state")
    def state(self, job: ServerJob) -> SafeString:
        """Whether it has a seat, has its picture, or neither."""
        if job.fetched_at:
            return badge("pass", "picture is here")
        return badge("", "in a seat") if job.seat is not None else badge("warn", "no seat")

    @admin.display(description="held until")
    def held(self, job: ServerJob) -> datetime | SafeString:
        """When its seat may be given away."""
        return moment(job.held_until)

    @admin.display(description="picture came")
    def fetched(self, job: ServerJob) -> datetime | SafeString:
        """When its picture was here whole."""
        return moment(job.fetched_at)

    @admin.display(description="went wrong before")
    def faults_shown(self, job: ServerJob) -> SafeString:
        """The errors so far, in order; names of servers that are gone are left out."""
        return format_html_join(", ", "{}", ((code,) for _server, code in job.faults)) or NONE
