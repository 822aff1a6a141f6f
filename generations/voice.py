"""How a brand talks: what it has said once for all goes into every brief."""

from __future__ import annotations

from dataclasses import replace

from accounts.models import Brand
from prompting.brief import Brief


def in_the_voice_of(brand: Brand, brief: Brief) -> Brief:
    """The brief in the brand's tone, where it has none of its own, and without the words that the brand avoids."""
    avoid = ", ".join(part for part in (brief.avoid, *map(str, brand.words_to_avoid)) if part)
    return replace(brief, tone=brief.tone or brand.tone, avoid=avoid)
