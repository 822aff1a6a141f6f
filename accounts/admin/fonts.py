"""Brands' own fonts in admin: to look at, to add one for a brand, and to take one away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import fonts
from accounts.models import BrandFont, User
from finishing.font_check import CheckedFont, FontRefused, check
from keeping.showing import Page, RowForm

SHOWN = ("brand", "family", "style", "weight", "letters", "licence", "file", "uploaded_by", "created_at")


class FontForm(RowForm):
    """A font that is looked at before it is kept."""

    upload = forms.FileField(label="Font", help_text="TTF, OTF or WOFF2, at most 10 MB.")
    may_use = forms.BooleanField(label="The brand may use it in ads")

    class Meta:
        model = BrandFont
        fields = ("brand", "licence")

    def clean_upload(self) -> CheckedFont:
        """The font as it was found, or a sentence."""
        try:
            return check(self.cleaned_data["upload"].read())
        except FontRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any] | None:
        """Whether the brand has room for one more."""
        told = super().clean()
        brand = self.cleaned_data.get("brand")
        if brand and brand.fonts.count() >= fonts.MOST:
            raise forms.ValidationError(f"A brand has at most {fonts.MOST} fonts. Take one away first.")
        return told


@admin.register(BrandFont)
class BrandFonts(Page):
    """Fonts of brands. A file is never changed: one is added, or taken away."""

    form = FontForm
    list_display = ("family", "style", "weight", "brand", "licence", "uploaded_by", "created_at")
    list_select_related = ("brand", "uploaded_by")
    search_fields = ("family", "brand__name", "file__sha256")
    autocomplete_fields = ("brand",)

    def has_change_permission(self, request: HttpRequest, obj: BrandFont | None = None) -> bool:
        """To be looked at only."""
        return False

    def get_fields(self, request: HttpRequest, obj: BrandFont | None = None) -> tuple[str, ...]:
        """All of one that is there; the form for a new one."""
        return SHOWN if obj else ("brand", "upload", "licence", "may_use")

    @admin.display(description="letters")
    def letters(self, font: BrandFont) -> int:
        """How many it has."""
        return sum(last - first + 1 for first, last in font.ranges)

    def save_model(self, request: HttpRequest, obj: BrandFont, form: Any, change: bool) -> None:
        """Keep the file with its row."""
        assert isinstance(request.user, User)
        told = form.cleaned_data
        kept = fonts.put(by=request.user, brand=told["brand"], checked=told["upload"], licence=told["licence"])
        obj.pk, obj.file, obj.family = kept.pk, kept.file, kept.family

    def delete_model(self, request: HttpRequest, obj: BrandFont) -> None:
        """Its roles go, too."""
        fonts.discard(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BrandFont]) -> None:
        """Each with its roles."""
        for font in queryset:
            fonts.discard(font)
