"""All finished files of an order as one ZIP."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from typing import IO

from django.utils.text import slugify

from generations.captions import captions_of, limits_of
from generations.models import Ad, Generation
from generations.queries import current_ads
from keeping import store

CAPTIONS = "captions.csv"
IN_MEMORY = 32 * 1024 * 1024  # bytes; larger ZIPs go to a temporary file


def zip_name(generation: Generation) -> str:
    """What a browser saves the ZIP as: product or headline, without anything a file system minds."""
    brief = generation.brief
    return f"{slugify(brief.product or brief.headline)[:40] or 'ads'}-{generation.pk.hex[:6]}.zip"


def ready_ads(generation: Generation) -> list[Ad]:
    """The current ads that have a file."""
    return [ad for ad in current_ads(generation) if ad.status == Ad.Status.READY and ad.file]


def zip_of(generation: Generation) -> IO[bytes]:
    """A ZIP of the order's current files, at its beginning: `<platform>/<placement>-v<variation>.<ext>`, `ads.csv` with the words.

    And `captions.csv` with the texts beside the ads, where they have been written.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    ads = ready_ads(generation)
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        for ad in ads:
            assert ad.file is not None
            archive.writestr(_path(ad), store.read(ad.file))
        archive.writestr("ads.csv", _table(ads), zipfile.ZIP_DEFLATED)
        if captions := captions_table(ads):
            archive.writestr(CAPTIONS, captions, zipfile.ZIP_DEFLATED)
    spool.seek(0)
    return spool


def _path(ad: Ad) -> str:
    return f"{ad.placement.placement.platform}/{ad.file_name}"


def _table(ads: list[Ad]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["file", "placement", "variation", "width", "height", "headline", "subline", "cta", "badge", "legal", "alt"])
    for ad in ads:
        assert ad.file is not None
        words = [_harmless(str(ad.copy.words.get(name, ""))) for name in ad.copy.WORDS]
        rows.writerow(
            [_path(ad), ad.placement.placement.title, ad.picture.letter, ad.file.width, ad.file.height, *words, _harmless(ad.alt)]
        )
    return text.getvalue()


def captions_table(ads: list[Ad]) -> str:
    """The texts beside these ads as CSV, a line for each; variations with the same words share it. Empty when nobody has written any."""
    if not any(captions_of(ad) for ad in ads):
        return ""
    together: dict[tuple[object, object], list[Ad]] = {}
    for ad in ads:
        together.setdefault((ad.placement_id, ad.copy_id), []).append(ad)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["placement", "field", "text", "characters", "limit", "variations"])
    for alike in together.values():
        ad, letters = alike[0], " ".join(each.picture.letter for each in alike)
        limits = limits_of(ad.placement)
        for field, said in captions_of(ad).items():
            rows.writerow([ad.placement.placement.title, field, _harmless(said), len(said), limits.get(field, ""), letters])
    return text.getvalue()


def _harmless(text: str) -> str:
    """Text that a spreadsheet will not take for a formula (OWASP, CSV injection)."""
    return f"'{text}" if re.match(r"[=+\-@\t\r]", text) else text
