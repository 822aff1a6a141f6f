"""What several pages of the making show in the same way."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generations.models import Step
from keeping.showing import LookOnlyRows


def badge(meaning: str, text: str) -> SafeString:
    """A word in the colour of its meaning."""
    return format_html('<span class="state {}">{}</span>', meaning, text)


def state(row: Any) -> SafeString:
    """The status in the colour of its meaning."""
    return badge(row.status, row.get_status_display())


class WithState:
    """Pages of rows that have a status and an end."""

    @admin.display(description="status", ordering="status")
    def state(self, row: Any) -> SafeString:
        """In colour."""
        return state(row)

    @admin.display(description="took")
    def took(self, row: Any) -> str:
        """From the order to the end."""
        return f"{(row.finished_at - row.created_at).total_seconds():.1f} s" if row.finished_at else "not finished"


class StepRows(LookOnlyRows):
    """What was done for it."""

    model = Step
    fields = ("created_at", "kind", "who", "seconds", "attempt", "tokens", "micro_usd", "error")
    ordering = ("created_at",)
