"""The log of who did what, for staff who may read it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import AuditEntry, Brand, User
from keeping.showing import NONE, LookOnly, row_link


class AreaFilter(admin.SimpleListFilter):
    """By what it is about: the word before the dot."""

    title = "what it is about"
    parameter_name = "about"
    AREAS = ("sign_in", "person", "role", "rights", "brand", "credits", "webhook", "server", "lora", "template", "workflow")
    MORE = ("layout", "placement", "instruction", "price", "product", "export", "erase", "admin")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The areas there are."""
        return [(area, area.replace("_", "-").capitalize()) for area in (*self.AREAS, *self.MORE)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Only that area."""
        area = self.value()
        return queryset.filter(kind__startswith=area) if area else queryset


@admin.register(AuditEntry)
class AuditEntries(LookOnly):
    """Everything that was written down, the newest first."""

    list_display = ("number", "at", "kind", "who", "brand_shown", "about", "changed", "place")
    list_display_links = ("number", "kind")
    list_filter = (AreaFilter, "at")
    search_fields = ("kind", "subject", "actor", "brand", "personal__who", "personal__from")
    search_help_text = "A kind, the id of a person, a brand or a row, an e-mail address, or an address of the network."
    date_hierarchy = "at"
    ordering = ("-number",)
    show_full_result_count = False
    list_per_page = 50
    fields = ("number", "at", "kind", "who", "place", "browser", "asked", "brand_shown", "about", "changed", "told", "hash")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Names are read once for the whole page, not row by row."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and (found := (response.context_data or {}).get("cl")):
            rows: list[Any] = list(found.result_list)
            brands = Brand.objects.in_bulk({row.brand for row in rows if row.brand})
            people = User.objects.in_bulk({row.actor for row in rows if row.actor})
            for row in rows:
                row.known = {"brand": brands.get(row.brand), "actor": people.get(row.actor)}
            found.result_list = rows
        return response

    @admin.display(description="who", ordering="actor")
    def who(self, entry: AuditEntry) -> Any:
        """The person, while there is one; else the id that stays."""
        if entry.actor is None:
            return entry.personal.get("tried") or "the machine"
        return row_link(found) if (found := self._row(entry, "actor", User, entry.actor)) else f"{entry.actor} (gone)"

    @admin.display(description="brand", ordering="brand")
    def brand_shown(self, entry: AuditEntry) -> Any:
        """The brand it was about."""
        if entry.brand is None:
            return NONE
        return row_link(found) if (found := self._row(entry, "brand", Brand, entry.brand)) else f"{entry.brand} (gone)"

    @admin.display(description="row")
    def about(self, entry: AuditEntry) -> Any:
        """Model and id, and what the row was called."""
        called = entry.personal.get("row", "")
        return " ".join(part for part in (entry.subject_type, entry.subject[:8], called) if part) or NONE

    @admin.display(description="changes")
    def changed(self, entry: AuditEntry) -> SafeString:
        """A line for each field."""
        lines = ((name, _shown(before), _shown(after)) for name, (before, after) in entry.changes.items())
        return format_html_join(SafeString("<br>"), "{}: {} → {}", lines) or NONE

    @admin.display(description="from")
    def place(self, entry: AuditEntry) -> str:
        """The address of the network."""
        return str(entry.personal.get("from", ""))

    @admin.display(description="browser")
    def browser(self, entry: AuditEntry) -> str:
        """As it called itself."""
        return str(entry.personal.get("browser", ""))

    @admin.display(description="asked")
    def asked(self, entry: AuditEntry) -> str:
        """Method and path of the request."""
        return str(entry.personal.get("asked", ""))

    @admin.display(description="of persons")
    def told(self, entry: AuditEntry) -> SafeString:
        """What else tells of a person, until it is erased."""
        rest = {name: value for name, value in entry.personal.items() if name not in ("who", "from", "browser", "asked")}
        return format_html_join(SafeString("<br>"), "{}: {}", rest.items()) or NONE

    def _row(self, entry: Any, name: str, model: Any, pk: UUID) -> Any:
        known = getattr(entry, "known", None)
        return known[name] if known else model.objects.filter(pk=pk).first()


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
