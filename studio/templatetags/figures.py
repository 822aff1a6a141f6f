"""Numbers as pages show them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def ratio(width: int | None, height: int | None) -> str:
    """Width by height for a style attribute; a full stop, whatever the language."""
    return f"{(width or 1) / (height or 1):.4f}"


@register.filter
def unlocalized(value: float) -> str:
    """A number for a style attribute; a full stop, whatever the language."""
    return f"{value:g}"


@register.filter
def percent(share: float) -> str:
    """A share of one, in percent."""
    return f"{share:.0%}"


@register.filter
def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 90 else f"{round(whole / 60)} min"


@register.filter
def weight(number: int) -> str:
    """Bytes as ad networks count them, in thousands: 412 KB, 8.4 MB, 30 MB."""
    if number < 1_000_000:
        return f"{max(1, round(number / 1000))} KB"
    return f"{number / 1_000_000:.1f}".removesuffix(".0") + " MB"
