"""Small marks that the pages' templates draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Brand
from studio import current

register = template.Library()


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """An icon of the sprite by its name. Decoration only: the words stand beside it. `flip` turns it where text runs right to left."""
    classes = f"i {css_class}".strip()
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static("studio/icons.svg"), name)


@register.simple_tag
def gem() -> SafeString:
    """The mark of the house."""
    return format_html('<svg class="gem" aria-hidden="true"><use href="{}#gem"/></svg>', static("studio/icons.svg"))


@register.simple_tag
def input(field: BoundField) -> SafeString:  # noqa: A001 - the name of what it draws
    """A form's field as the control alone, tied to what is said about it. The first one that is wrong gets the focus."""
    name = field.html_name
    said = [f"{name}-{mark}" for mark, there in (("h", field.help_text), ("e", field.errors)) if there]
    attributes: dict[str, Any] = {"id": name}
    if said:
        attributes["aria-describedby"] = " ".join(said)
    if field.errors:
        attributes["aria-invalid"] = "true"
        attributes["autofocus"] = next(iter(field.form.errors)) == field.name
    return field.as_widget(attrs=attributes)


@register.simple_tag(takes_context=True)
def brands_here(context: Mapping[str, Any]) -> list[Brand]:
    """The brands of whoever looks at this page; the one they work in has `current` set."""
    return current.brands_here(context["request"])
