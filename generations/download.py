"""All finished files of an order as one ZIP."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from django.utils.text import slugify

from generations.captions import captions_of, limits_of, text_placements
from generations.models import Ad, Copy, Generation
from generations.provenance import labels_of, provenance_of
from generations.queries import current_ads, current_copies, preflight_of_order
from keeping import store
from templates_app.models import Placement, PlacementVersion

CAPTIONS = "captions.csv"
IN_MEMORY = 32 * 1024 * 1024  # bytes; larger ZIPs go to a temporary file


def zip_name(generation: Generation) -> str:
    """What a browser saves the ZIP as: product or headline, without anything a file system minds."""
    brief = generation.brief
    return f"{slugify(brief.product or brief.headline)[:40] or 'ads'}-{generation.pk.hex[:6]}.zip"


def ready_ads(generation: Generation) -> list[Ad]:
    """The current ads that have a file."""
    return [ad for ad in current_ads(generation) if ad.status == Ad.Status.READY and ad.file]


def zip_of(generation: Generation, some: Sequence[Ad] | None = None) -> IO[bytes]:
    """A ZIP of the order's current files, or of some of them, at its beginning: `<platform>/<placement>-v<variation>.<ext>`, `ads.csv` with the words, `preflight.csv` with what the networks say.

    And `captions.csv` with the texts beside the ads, where they have been written; `provenance.json` and `labels.md` say how they were made.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, generation, ready_ads(generation) if some is None else list(some))
    spool.seek(0)
    return spool


def zip_of_orders(chosen: Mapping[Generation, Sequence[Ad]]) -> IO[bytes]:
    """A ZIP of ready ads of several orders, at its beginning: a folder for each order, with all that its own ZIP has."""
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        for generation, ads in chosen.items():
            _put(archive, generation, ads, folder=f"{zip_name(generation).removesuffix('.zip')}/")
    spool.seek(0)
    return spool


def _put(archive: zipfile.ZipFile, generation: Generation, ads: Sequence[Ad], folder: str = "") -> None:
    ads = list(ads)
    for ad in ads:
        assert ad.file is not None
        archive.writestr(folder + _path(ad), store.read(ad.file))
    by_path = {_path(ad): ad for ad in ads if ad.placement.placement.kind == Placement.Kind.IMAGE}
    texts = {
        "ads.csv": _table(ads),
        "provenance.json": provenance_of(generation, by_path),
        "labels.md": labels_of(generation, by_path),
        "preflight.csv": _preflight(generation, ads),
        CAPTIONS: captions_table(ads, generation),
    }
    for name, text in texts.items():
        if text:
            archive.writestr(folder + name, text, zipfile.ZIP_DEFLATED)


def _path(ad: Ad) -> str:
    """Words in another language or from another angle than the order's own stand in files of their own names."""
    name, _, extension = ad.file_name.rpartition(".")
    own = ad.picture.generation.brief.language
    beside = [part for part in (ad.copy.language if ad.copy.language != own else "", ad.copy.angle) if part]
    return f"{ad.placement.placement.platform}/{'-'.join([name, *map(slugify, beside)])}.{extension}"


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


def _preflight(generation: Generation, ads: Sequence[Ad]) -> str:
    """What each network says of each file, with who says so and when it was read."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["file", "rule", "result", "detail", "source", "read"])
    wanted = {ad.pk for ad in ads}
    for ad, told in preflight_of_order(generation):
        if ad.pk in wanted:
            for each in told.findings:
                rows.writerow([_path(ad), each.rule, each.result, _harmless(each.detail), _harmless(each.source), each.read])
    return text.getvalue()


def captions_table(ads: list[Ad], generation: Generation | None = None) -> str:
    """The texts beside these ads as CSV, a line for each; variations with the same words share it. Empty when nobody has written any.

    With the order, the texts of its places that are made of words alone are there, too.
    """
    lines = [*_ad_captions(ads), *(_text_captions(generation) if generation else ())]
    if not lines:
        return ""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["placement", "field", "text", "characters", "limit", "variations", "language", "angle"])
    rows.writerows(lines)
    return text.getvalue()


def _ad_captions(ads: list[Ad]) -> Iterator[list[object]]:
    together: dict[tuple[object, object], list[Ad]] = {}
    for ad in ads:
        together.setdefault((ad.placement_id, ad.copy_id), []).append(ad)
    for alike in together.values():
        ad, letters = alike[0], " ".join(each.picture.letter for each in alike)
        yield from _lines(ad.placement, captions_of(ad), letters, ad.copy)


def _text_captions(generation: Generation) -> Iterator[list[object]]:
    for placement in text_placements(generation):
        for copy in current_copies(generation):
            yield from _lines(placement, copy.captions.get(placement.placement.slug, {}), "", copy)


def _lines(placement: PlacementVersion, captions: Mapping[str, str], letters: str, copy: Copy) -> Iterator[list[object]]:
    limits = limits_of(placement)
    for field, said in captions.items():
        yield [placement.placement.title, field, _harmless(said), len(said), limits.get(field, ""), letters, copy.language, copy.angle]


def _harmless(text: str) -> str:
    """Text that a spreadsheet will not take for a formula (OWASP, CSV injection)."""
    return f"'{text}" if re.match(r"[=+\-@\t\r]", text) else text
