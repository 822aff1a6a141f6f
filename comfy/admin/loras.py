"""LoRAs in admin: what each looks like, how it may be used, and on which servers it is."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from PIL import Image

from comfy.admin import looks
from comfy.loras import states_of
from comfy.models import Lora, Server
from keeping import store
from keeping.showing import NONE, Page, RowForm, picture

TYPES = ("PNG", "JPEG", "WEBP")
LARGEST_FILE, MOST_PIXELS, LONGEST = 10 << 20, 40_000_000, 1080


class LoraForm(RowForm):
    """A LoRA, with a preview that may be uploaded."""

    new_preview = forms.FileField(
        required=False, label="New preview", help_text="A picture that it made: PNG, JPEG or WebP of at most 10 MB."
    )

    class Meta:
        model = Lora
        fields = (
            "title", "slug", "family", "file_name", "trigger_words", "weight_min", "weight_default", "weight_max", "licence", "source",
        )  # fmt: skip

    def clean_new_preview(self) -> bytes | None:
        """The picture as it is kept: small, and without whatever else was in the file."""
        file = self.cleaned_data["new_preview"]
        if not file:
            return None
        if file.size > LARGEST_FILE:
            raise forms.ValidationError("This file is larger than 10 MB. Give a smaller one.")
        try:
            with Image.open(io.BytesIO(file.read()), formats=TYPES) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise forms.ValidationError("This picture has more than 40 megapixels. Give a smaller one.")
                small = opened.convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise forms.ValidationError("This file cannot be read as a picture. Give a PNG, JPEG or WebP.") from error
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=88)
        self.preview_size = small.size
        return buffer.getvalue()

    def clean(self) -> dict[str, Any]:
        """The usual weight lies within its range."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        low, usual, high = (told.get(f"weight_{name}") for name in ("min", "default", "max"))
        if low is not None and usual is not None and high is not None and not low <= usual <= high:
            self.add_error("weight_default", f"The usual weight must lie between {low:g} and {high:g}.")
        return told


@admin.register(Lora)
class Loras(Page):
    """The LoRAs that templates may use."""

    form = LoraForm
    list_display = ("shown", "title", "family", "trigger_words", "weights", "where", "used", "licence_shown")
    list_display_links = ("title",)
    list_filter = ("family", "licence")
    search_fields = ("title", "slug", "file_name", "trigger_words")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("title",)}
    readonly_fields = ("shown_large", "where", "created_at")
    fieldsets = (
        (None, {"fields": ("title", "slug", "shown_large", "new_preview")}),
        ("How it is used", {"fields": ("family", "trigger_words", ("weight_min", "weight_default", "weight_max"))}),
        ("On the servers", {"fields": ("file_name", "where")}),
        ("Where it comes from", {"fields": ("licence", "source", "created_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lora]:
        """With the number of templates that use it."""
        found: QuerySet[Lora] = super().get_queryset(request)
        return found.annotate(template_count=Count("templates"))

    def get_list_display(self, request: HttpRequest) -> Any:
        """With where each is, for the price of reading the servers once."""

        @cache
        def servers() -> list[Server]:
            return _enabled_servers()

        @admin.display(description="on the servers")
        def where(lora: Lora) -> SafeString:
            return looks.where(states_of(lora, servers()))

        return [where if name == "where" else name for name in self.list_display]

    def save_model(self, request: HttpRequest, obj: Lora, form: forms.ModelForm[Any], change: bool) -> None:
        """Keep it, with its new preview."""
        if (data := form.cleaned_data.get("new_preview")) and isinstance(form, LoraForm):
            width, height = form.preview_size
            obj.preview = store.keep(data, type="image/webp", width=width, height=height)
        super().save_model(request, obj, form, change)

    @admin.display(description="preview")
    def shown(self, lora: Lora) -> SafeString:
        """Its preview, small."""
        return picture(lora.preview_id, alt=f"Preview of {lora.title}")

    @admin.display(description="preview")
    def shown_large(self, lora: Lora) -> SafeString:
        """Its preview, large."""
        return picture(lora.preview_id, alt=f"Preview of {lora.title}", large=True)

    @admin.display(description="where it is")
    def where(self, lora: Lora) -> SafeString:
        """Server by server, and what it means when none has it."""
        if lora._state.adding:
            return NONE
        found = states_of(lora, _enabled_servers())
        if found and all(one.state == "missing" for one in found):
            sentence = "{}No server has this file: templates that use it are not offered. Put it into models/loras, and probe the server."
            return format_html(sentence, looks.where(found))
        return looks.where(found)

    @admin.display(description="weight", ordering="weight_default")
    def weights(self, lora: Lora) -> str:
        """Default and range."""
        return f"{lora.weight_default:g} ({lora.weight_min:g} to {lora.weight_max:g})"

    @admin.display(description="templates", ordering="template_count")
    def used(self, lora: Lora) -> int:
        """How many templates use it."""
        return int(getattr(lora, "template_count", 0))

    @admin.display(description="licence", ordering="licence")
    def licence_shown(self, lora: Lora) -> SafeString:
        """The licence, which leads to where it was downloaded."""
        if not lora.source:
            return format_html("{}", lora.licence) if lora.licence else NONE
        return format_html('<a href="{}" rel="noreferrer">{}</a>', lora.source, lora.licence or "source")


def _enabled_servers() -> list[Server]:
    """Of a server that was never seen nothing is known."""
    return list(Server.objects.filter(enabled=True, last_seen__gt=0).defer("token"))
