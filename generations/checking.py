"""Is this file ours, and was it made with AI? From what the file says, what is hidden in it, and what we have on record. Nothing is kept."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Literal
from uuid import UUID

from django.db.models import Q

from finishing.certificates import OWN_NAME
from finishing.examine import Credentials, Examined, examine
from finishing.fingerprint import ALIKE, distance
from finishing.photo import PhotoRefused
from generations import rates, signing
from generations.marks import GENERATOR, pieces_of
from generations.models import Fingerprint

__all__ = ["Answer", "Evidence", "PhotoRefused", "TooMany", "check"]

AT_ONCE = 2  # child processes of one web process that look at pictures: each may take a gigabyte
WAIT_SECONDS = 20
PER_MINUTE = 120  # of the whole installation
CLOSE = 3  # bits of difference up to which looks alone say more than "may"
Sure = Literal["certain", "high", "medium", "low", "none"]
Found = Literal["yes", "broken", "foreign", "no"]

AI_WORDS = {
    "trainedAlgorithmicMedia": ("yes", "Made with AI: a trained model painted the picture."),
    "compositeWithTrainedAlgorithmicMedia": ("partly", "Partly made with AI: a model painted the scene around a real photograph."),
    "compositeSynthetic": ("no", "Not made with AI: a program composed drawn or rendered scenery and a real photograph."),
    "algorithmicMedia": ("no", "Not made with AI: a program drew it."),
}
UNKNOWN_AI = ("unknown", "Nothing in the file says how it was made. That does not mean that no AI was used.")
TITLES = {
    "certain": "Yes, made with AdsGem",
    "high": "Very likely made with AdsGem",
    "medium": "It may be made with AdsGem",
    "low": "There is a weak hint of AdsGem",
    "none": "Nothing here says that we made it",
}
_free = threading.BoundedSemaphore(AT_ONCE)


class TooMany(Exception):
    """More checks than this installation does at once or in a minute. The message is a sentence."""


@dataclass(frozen=True)
class Evidence:
    """One thing that was looked for: `found` is yes, broken, foreign (there, but not ours) or no; `detail` is a sentence."""

    mark: Literal["registry", "credentials", "watermark", "metadata", "looks"]
    name: str
    found: Found
    detail: str


@dataclass(frozen=True)
class Answer:
    """What is known of a file. `confidence` says how sure it is that AdsGem made it; `ai` is yes, partly, no or unknown.

    `ad` is the id of the ad that it is, or is a copy of; for those who share its brand, never told to strangers.
    """

    confidence: Sure
    title: str
    ai: str
    ai_detail: str
    evidence: tuple[Evidence, ...]
    source_type: str = ""
    made_at: datetime | None = None
    edited: bool | None = None
    ad: UUID | None = field(default=None, repr=False)


def check(data: bytes) -> Answer:
    """Look at a JPEG, PNG or WebP of at most 15 MB. Raises PhotoRefused with a sentence for anything else, and TooMany."""
    if not rates.take("checks of files", seconds=60, at_most=PER_MINUTE):
        raise TooMany("Many files are being checked just now. Try again in a minute.")
    if not _free.acquire(timeout=WAIT_SECONDS):
        raise TooMany("Many files are being checked just now. Try again in a minute.")
    try:
        examined = examine(data, *signing.known())
    finally:
        _free.release()
    return _answer(examined, hashlib.sha256(data).hexdigest())


def _answer(examined: Examined, sha256: str) -> Answer:
    same = Fingerprint.objects.filter(sha256=sha256).first()
    hidden = _by_number(examined.number)
    alike = same or hidden or _alike(examined.looks)
    named = _uuid(examined.ad_id)
    told = Fingerprint.objects.filter(ad=named).first() if named else None
    signed = examined.credentials
    evidence = (
        _registry(same),
        _credentials(signed),
        _watermark(examined.number, hidden),
        _metadata(examined, told),
        _looks(examined, alike, exact=bool(same or hidden)),
    )
    ours = bool(signed and signed.intact and signed.ours)
    near = alike is not None and distance(int(alike.looks, 16), examined.looks) <= CLOSE
    if same or ours:
        sure: Sure = "certain"
    elif hidden:
        sure = "high"
    elif examined.number is not None or told or near:
        sure = "medium"
    elif alike or GENERATOR in (examined.generator.split(" ")[0], signed.generator.split(" ")[0] if signed else ""):
        sure = "low"
    else:
        sure = "none"
    record = same or hidden or told or alike
    source = _source(examined, record if sure in ("certain", "high", "medium") else None)
    ai, ai_detail = AI_WORDS.get(source, UNKNOWN_AI)
    return Answer(
        confidence=sure,
        title=TITLES[sure],
        ai=ai,
        ai_detail=ai_detail,
        evidence=evidence,
        source_type=source,
        made_at=record.made_at if record and sure in ("certain", "high", "medium") else None,
        edited=False if same or ours else True if hidden else None,
        ad=record.ad if record and sure in ("certain", "high") else None,
    )


def _source(examined: Examined, record: Fingerprint | None) -> str:
    """The IPTC source type: as we have it on record, as signed, or as the file says by itself."""
    signed = examined.credentials
    return (record.source_type if record else "") or (signed.source_type if signed and signed.intact else "") or examined.source_type


def _by_number(number: int | None) -> Fingerprint | None:
    return Fingerprint.objects.filter(number=f"{number:016x}").first() if number is not None else None


def _alike(looks: int) -> Fingerprint | None:
    """The recorded file that looks most like it, where one looks alike."""
    pieces = reduce(or_, (Q(**{f"piece_{index + 1}": piece}) for index, piece in enumerate(pieces_of(looks))))
    near = [row for row in Fingerprint.objects.filter(pieces)[:5000] if distance(int(row.looks, 16), looks) <= ALIKE]
    return min(near, key=lambda row: distance(int(row.looks, 16), looks), default=None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _registry(same: Fingerprint | None) -> Evidence:
    if same:
        return Evidence("registry", "Our record", "yes", "Exactly this file is on our record, byte for byte.")
    return Evidence("registry", "Our record", "no", "Exactly this file is not on our record: not ours, or saved anew since.")


def _credentials(signed: Credentials | None) -> Evidence:
    name = "Signed credentials (C2PA)"
    if signed is None:
        return Evidence("credentials", name, "no", "There are none. Many sites remove them.")
    if not signed.intact:
        return Evidence("credentials", name, "broken", "They do not fit the file: it was changed after it was signed.")
    if signed.ours:
        unlisted = " Our certificate is not on the C2PA trust list, so others are told that they do not know us."
        return Evidence("credentials", name, "yes", f"Signed by us, and not changed since.{unlisted if signed.signer == OWN_NAME else ''}")
    who = f" by {signed.signer}" if signed.signer else ""
    return Evidence("credentials", name, "foreign", f"Signed{who}, and not changed since. That is not a certificate of this AdsGem.")


def _watermark(number: int | None, hidden: Fingerprint | None) -> Evidence:
    name = "Invisible mark"
    if number is None:
        return Evidence("watermark", name, "no", "None can be read. Small pictures have none; strong changes remove it.")
    if hidden is None:
        return Evidence("watermark", name, "foreign", "There is one by AdsGem that is not on our record: another AdsGem made it.")
    return Evidence("watermark", name, "yes", "It names an ad on our record.")


def _metadata(examined: Examined, told: Fingerprint | None) -> Evidence:
    name = "What the file says (XMP)"
    if told:
        return Evidence("metadata", name, "yes", "It names an ad on our record. Anybody can write this, so it proves nothing by itself.")
    if examined.source_type or examined.generator:
        maker = f" that {examined.generator} made it" if examined.generator else " how it was made"
        return Evidence("metadata", name, "foreign", f"It says{maker}. Anybody can write this, so it proves nothing by itself.")
    return Evidence("metadata", name, "no", "Nothing about how it was made.")


def _looks(examined: Examined, alike: Fingerprint | None, *, exact: bool) -> Evidence:
    name = "What it looks like"
    if alike is None:
        return Evidence("looks", name, "no", "No picture on our record looks like it.")
    bits = distance(int(alike.looks, 16), examined.looks)
    if bits > ALIKE:
        return Evidence("looks", name, "no", "It no longer looks like the ad that it was: it was cut or changed.")
    same = " It is that ad." if exact else " Pictures of one layout look alike, so this is a hint only."
    return Evidence("looks", name, "yes", f"An ad on our record looks alike ({64 - bits} of 64 points agree).{same}")
