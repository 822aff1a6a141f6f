"""What staff do in admin is written into the log of who did what (`accounts/audit.py`); Django's own history names the fields only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from accounts import audit

if TYPE_CHECKING:  # Django's admin classes take type parameters in the stubs only
    Page = admin.ModelAdmin[Any]
else:
    Page = admin.ModelAdmin


class Recorded(Page):
    """Put before every page of the admin site. Rows that are watched are recorded where they are saved, with before and after."""

    def log_addition(self, request: HttpRequest, object: Model, message: Any) -> Any:  # noqa: A002 - Django's own name
        """Made."""
        self._record("made", [object])
        return super().log_addition(request, object, message)

    def log_change(self, request: HttpRequest, object: Model, message: Any) -> Any:  # noqa: A002 - Django's own name
        """Changed: the fields, where they are not watched."""
        if message:
            self._record("changed", [object], fields=_fields(message))
        return super().log_change(request, object, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Deleted, one or many."""
        self._record("deleted", list(queryset))
        return super().log_deletions(request, queryset)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """What was chosen in a list, and for which rows."""
        response = super().response_action(request, queryset, *args, **kwargs)
        # Django's own deletion asks first, and is recorded when it is done.
        if (name := request.POST.get("action", "")) and name != "delete_selected":
            chosen = "all" if request.POST.get("select_across") == "1" else ", ".join(request.POST.getlist(ACTION_CHECKBOX_NAME))
            audit.record(f"admin.{name}"[:60], changes={"model": (None, self.opts.label_lower), "rows": (None, chosen)})
        return response

    def _record(self, what: str, rows: Iterable[Model], *, fields: str = "") -> None:
        for row in rows:
            if type(row) not in audit.WATCHED:
                changes = {"fields": (None, fields)} if fields else {}
                audit.record(
                    f"admin.{what}", subject=row, changes=changes, personal=None if isinstance(row, AbstractBaseUser) else {"row": str(row)}
                )


def _fields(message: Any) -> str:
    """The names in Django's own message of a change."""
    parts = message if isinstance(message, list) else []
    names = [name for part in parts if isinstance(part, dict) for told in part.values() for name in told.get("fields", [])]
    return ", ".join(str(name) for name in names) or str(message)[:200]
