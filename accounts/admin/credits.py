"""Every transfer of credits in admin, and whether the books are right."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from accounts import ledger
from accounts.models import CreditAccount, Entry, Transfer
from keeping.showing import LookOnly, LookOnlyRows, row_link


class EndFilter(admin.SimpleListFilter):
    """What became of a hold."""

    title = "what became of it"
    parameter_name = "end"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Open, or one of its two ends."""
        return [("open", "Still held"), ("capture", "Spent"), ("void", "Given back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Only holds with the chosen end."""
        if not self.value():
            return queryset
        holds = queryset.filter(kind=Transfer.Kind.HOLD)
        return holds.filter(resolution=None) if self.value() == "open" else holds.filter(resolution__kind=self.value())


class EntryRows(LookOnlyRows):
    """Between which accounts a transfer moved its credits."""

    model = Entry
    fields = ("account", "amount")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        """With the accounts' owners."""
        found: QuerySet[Entry] = super().get_queryset(request)
        return found.select_related("account__brand")


@admin.register(Transfer)
class Transfers(LookOnly):
    """Everything that ever happened to credits."""

    list_display = ("created_at", "kind", "brand_shown", "credits", "end", "reason", "created_by", "picture")
    list_filter = ("kind", EndFilter, "created_at", ("created_by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("brand", "created_by", "resolution")
    search_fields = ("brand__name", "brand__slug", "reason", "key", "object_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    fields = ("id", "kind", "brand_shown", "credits", "object_id", "end", "resolves", "reason", "key", "created_by", "created_at")
    inlines = (EntryRows,)

    def get_urls(self) -> list[URLPattern]:
        """With the page that looks whether the books are right."""
        page = path("reconciliation/", self.admin_site.admin_view(self.reconciliation), name="accounts_transfer_reconciliation")
        return [page, *super().get_urls()]

    def reconciliation(self, request: HttpRequest) -> HttpResponse:
        """Every difference in the books, and what all accounts of a kind hold together."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sums = dict(CreditAccount.objects.order_by().values_list("kind").annotate(Sum("balance")))
        told = {
            "title": "Reconciliation",
            "opts": self.opts,
            "differences": ledger.reconcile(),
            "sums": [(label, sums.get(kind, 0)) for kind, label in CreditAccount.Kind.choices],
        }
        return TemplateResponse(request, "admin/accounts/transfer/reconciliation.html", {**self.admin_site.each_context(request), **told})

    @admin.display(description="brand", ordering="brand__name")
    def brand_shown(self, transfer: Transfer) -> SafeString:
        """With a link to its page."""
        return row_link(transfer.brand)

    @admin.display(description="picture")
    def picture(self, transfer: Transfer) -> str:
        """The first letters of its id, as much as a table has room for."""
        return str(transfer.object_id)[:8] if transfer.object_id else ""

    @admin.display(description="what became of it")
    def end(self, transfer: Transfer) -> str:
        """Of a hold; nothing for everything else."""
        if transfer.kind != Transfer.Kind.HOLD:
            return ""
        resolution: Transfer | None = getattr(transfer, "resolution", None)
        return resolution.get_kind_display() if resolution else "Still held"
