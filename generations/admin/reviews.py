"""Reviews in admin."""

from __future__ import annotations

from django.contrib import admin

from generations.models import ReviewLink, Verdict
from keeping.showing import LookOnly, LookOnlyRows


class VerdictRows(LookOnlyRows):
    """What was said by a link."""

    model = Verdict
    fields = ("variation", "word", "comment", "who", "created_at")


@admin.register(ReviewLink)
class ReviewLinks(LookOnly):
    """Links that were given to people without an account, and what these said."""

    list_display = ("created_at", "generation", "created_by", "expires_at", "revoked_at")
    list_filter = ("created_at", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("generation__template_version__template", "created_by")
    search_fields = ("id", "generation__id", "created_by__email", "verdicts__who")
    inlines = (VerdictRows,)
    fields = ("generation", "created_by", "note", "created_at", "expires_at", "revoked_at")
