"""A brand's credits beside its page in admin: the statement, and the form to give credits or put them right."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts import ledger
from accounts.models import Brand, Transfer, User
from accounts.models.credits import MOST_CREDITS
from accounts.queries import statement_of
from keeping.showing import Page

NEWEST = 200  # lines of a statement


class CreditsForm(forms.Form):
    """Credits for a brand, or away from it, and why."""

    kind = forms.ChoiceField(
        label="What",
        choices=[("grant", "Give credits"), ("adjust", "Adjust, up or down")],
        initial="grant",
        widget=forms.RadioSelect,
    )
    credits = forms.IntegerField(min_value=-MOST_CREDITS, max_value=MOST_CREDITS, help_text="A whole number; below 0 only to adjust.")
    reason = forms.CharField(max_length=200, help_text="The brand reads it in its statement.", widget=forms.TextInput(attrs={"size": 80}))
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)  # a second click is not a second gift

    def give(self, brand: Brand, by: User) -> Transfer | None:
        """Do it; None and a sentence in the form when it cannot be done."""
        told = self.cleaned_data
        write = ledger.grant if told["kind"] == "grant" else ledger.adjust
        try:
            return write(brand, told["credits"], reason=told["reason"], by=by, key=f"staff:{told['key']}")
        except ValueError as error:
            self.add_error("credits", str(error))
            return None


class CreditPages(Page):
    """The page of a brand, and beside it those of its credits."""

    def get_urls(self) -> list[URLPattern]:
        """Ours first: Django's end in a catch-all."""
        ours = [
            path("<uuid:pk>/statement/", self.admin_site.admin_view(self.statement), name="accounts_brand_statement"),
            path("<uuid:pk>/credits/", self.admin_site.admin_view(self.credits), name="accounts_brand_credits"),
        ]
        return [*ours, *super().get_urls()]

    def statement(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """What moved a brand's credits, the newest first, with what was left after each."""
        if not request.user.has_perm("accounts.view_transfer"):
            raise PermissionDenied
        brand = self._brand(request, pk)
        lines = statement_of(brand, NEWEST + 1)
        told = {"lines": lines[:NEWEST], "more": len(lines) > NEWEST}
        return TemplateResponse(request, "admin/accounts/brand/statement.html", self._about(request, brand, "Statement", **told))

    def credits(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The form to give credits; for superusers and whoever has the permission to grant them."""
        if not request.user.has_perm("accounts.grant_credits"):
            raise PermissionDenied
        brand = self._brand(request, pk)
        form = CreditsForm(request.POST or None)
        assert isinstance(request.user, User)
        if form.is_valid() and (transfer := form.give(brand, request.user)):
            done = f"{transfer.get_kind_display()}: {transfer.credits} credits. {transfer.reason}"
            self.log_change(request, brand, done)
            self.message_user(request, done, messages.SUCCESS)
            return redirect("admin:accounts_brand_statement", brand.pk)
        fields: list[Any] = [(None, {"fields": ["kind", "credits", "reason"]})]
        shown = AdminForm(form, fields, {})  # type: ignore[arg-type] # a plain form will do: it is only shown
        told = self._about(request, brand, "Give credits", adminform=shown, errors=form.errors)
        return TemplateResponse(request, "admin/accounts/brand/credits.html", told, status=422 if form.errors else 200)

    def _brand(self, request: HttpRequest, pk: uuid.UUID) -> Brand:
        brand = self.get_object(request, str(pk))
        if not isinstance(brand, Brand):
            raise Http404("There is no such brand.")
        return brand

    def _about(self, request: HttpRequest, brand: Brand, title: str, **more: Any) -> dict[str, Any]:
        about = {"title": f"{title} of {brand}" if title == "Statement" else f"{title} to {brand}", "opts": self.opts, "brand": brand}
        return {**self.admin_site.each_context(request), **about, "balance": ledger.balance(brand), **more}
