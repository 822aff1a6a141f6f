"""Prices in admin: an edit is a new version, and orders keep theirs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.actions import publish_price
from accounts.models import Price, PriceVersion, User
from accounts.models.credits import check_price
from finishing.shapes import SHAPES
from keeping.showing import NONE, LookOnlyRows, Page, PrettyJson, RowForm, pretty


class PriceForm(RowForm):
    """What an engine costs. Saving other credits than before writes a new version."""

    data = PrettyJson(  # type: ignore[assignment]  # Django takes fields off the class: the form's own `data` stays
        rows=12, help_text="Credits for a picture, by shape. A change is a new version; what was ordered before keeps the old one."
    )
    note = forms.CharField(required=False, max_length=200, help_text="What was changed and why, for the list of versions.")

    class Meta:
        model = Price
        fields = ("title", "slug")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = getattr(self.instance, "current", None)
        if "data" in self.fields:
            self.fields["data"].initial = current.data if current else {"credits": dict.fromkeys(SHAPES, 1)}

    def clean_data(self) -> Any:
        """A price for each shape."""
        try:
            check_price(self.cleaned_data["data"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data["data"]


class PriceVersionRows(LookOnlyRows):
    """Every version so far, the newest first."""

    model = PriceVersion
    fk_name = "price"
    fields = ("number", "current", "note", "author", "created_at", "said")
    show_change_link = False
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceVersion]:
        """With their authors."""
        found: QuerySet[PriceVersion] = super().get_queryset(request)
        return found.select_related("author", "price").order_by("-number")

    @admin.display(description="current", boolean=True)
    def current(self, version: PriceVersion) -> bool:
        """Whether new orders pay by this one."""
        return version.price.current_id == version.pk

    @admin.display(description="data")
    def said(self, version: PriceVersion) -> SafeString:
        """What it said, folded away."""
        return format_html("<details><summary>{}…</summary>{}</details>", version.hash[:12], pretty(version.data))


@admin.register(Price)
class Prices(Page):
    """What a picture costs, by engine."""

    form = PriceForm
    list_display = ("title", "slug", "credits_shown", "current_number")
    list_select_related = ("current",)
    search_fields = ("title", "slug")
    fields = ("title", "slug", "data", "note")
    inlines = (PriceVersionRows,)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Orders point at versions for ever."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The engine of a price stays."""
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> None:
        """Keep the head row, and a new version when the credits changed."""
        super().save_model(request, obj, form, change)
        told = form.cleaned_data
        if obj.current and obj.current.data == told["data"]:
            return
        assert isinstance(request.user, User)
        version = publish_price(by=request.user, price=obj, data=told["data"], note=told["note"])
        self.message_user(request, f"Version {version.number} is what new orders pay by from now on.", messages.SUCCESS)

    @admin.display(description="credits")
    def credits_shown(self, price: Price) -> SafeString | str:
        """The cheapest and the dearest shape."""
        if not price.current:
            return NONE
        found = [price.current.credits(shape) for shape in SHAPES]
        return str(min(found)) if min(found) == max(found) else f"{min(found)} to {max(found)}"

    @admin.display(description="version", ordering="current__number")
    def current_number(self, price: Price) -> SafeString | str:
        """Which version new orders pay by."""
        return f"v{price.current.number}" if price.current else NONE
