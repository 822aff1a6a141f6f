"""How rows and files look in admin: pictures, JSON, pages to look at only. Each app's `admin.py` builds on this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Django's admin classes take type parameters in the stubs only.
if TYPE_CHECKING:
    Page = admin.ModelAdmin[Any]
    Rows = admin.TabularInline[Any, Any]
    RowForm = forms.ModelForm[Any]
else:
    Page, Rows, RowForm = admin.ModelAdmin, admin.TabularInline, forms.ModelForm

NONE = SafeString('<span class="none">none</span>')


def picture(sha256: str | None, *, alt: str = "", large: bool = False, checker: bool = False) -> SafeString:
    """A stored picture, small or large, that leads to the whole file. `checker` shows what is transparent."""
    if not sha256:
        return NONE
    return format_html(
        '<a class="shot {} {}" href="{}"><img src="{}" alt="{}" loading="lazy"></a>',
        "large" if large else "small",
        "checker" if checker else "",
        file_address(sha256, "full"),
        file_address(sha256, "large" if large else "thumb"),
        alt,
    )


def file_address(sha256: str, size: str) -> str:
    """Where staff get a stored file: `size` is full, or one of `thumbs.SIZES`."""
    return reverse("admin:stored_file", args=[sha256, size])


def pretty(data: Any) -> SafeString:
    """JSON data for reading."""
    if data in (None, "", {}, []):
        return NONE
    return format_html('<pre class="json">{}</pre>', json.dumps(data, indent=2, ensure_ascii=False))


def swatches(colours: Mapping[str, str]) -> SafeString:
    """Colours as small squares, each with its role."""
    squares = ((role, colour, colour, role) for role, colour in colours.items())
    drawn = '<svg class="swatch" role="img" viewBox="0 0 1 1"><title>{} {}</title><rect width="1" height="1" fill="{}"/></svg> {} '
    return format_html_join("", drawn, squares) or NONE


def row_link(row: Model | None, text: object = None) -> SafeString:
    """A link to a row's page in admin."""
    if row is None:
        return NONE
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row if text is None else text)


class PrettyJson(forms.JSONField):
    """JSON that a person can read while editing it."""

    def __init__(self, **kwargs: Any) -> None:
        rows = kwargs.pop("rows", 12)
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "cols": 90, "class": "json", "spellcheck": "false"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Indented, letters as they are; what was typed wrongly comes back as it was typed."""
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class LookOnly(Page):
    """Rows that the machine writes and people only read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes them by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes them by hand."""
        return False


class LookOnlyRows(Rows):
    """Such rows on the page of the row they belong to."""

    extra = 0
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All that is shown, also what no form could edit."""
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes them by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes them by hand."""
        return False
