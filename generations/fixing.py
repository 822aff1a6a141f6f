"""One click that mends what preflight found: the words it makes, shortened by a writer where there is one, else cut."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import Brand
from finishing.preflight import Fix
from generations.spending import BrandPurse
from prompting import moderation
from prompting.brief import Brief
from prompting.writer import WriterError
from prompting.writers import writer


def mended(brand: Brand, fix: Fix, words: Mapping[str, str], language: str) -> dict[str, str]:
    """All words after a fix. A text that is too long is said shorter by the writer; what the writer cannot do is cut to whole words."""
    changed = {**words, **fix.words}
    if fix.fit is None or not words.get(fix.fit[0]):
        return changed
    name, limit = fix.fit
    try:
        if moderation.check(Brief(headline=words[name]), judged="text").ok:
            shorter = writer(BrandPurse.of_brand(brand)).fit(words[name], limit, language=language, longer=False).value
            if shorter and len(shorter) <= limit and len(shorter.split()) <= len(fix.words[name].split()) + 3:
                changed[name] = shorter
    except WriterError:
        pass  # the cut words stand
    return changed
