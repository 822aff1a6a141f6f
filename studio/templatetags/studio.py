"""Small marks that the pages' templates draw."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
