"""The last hands on an ad: visible label, invisible watermark, then the file, its XMP, and its signature over all of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from finishing import c2pa_sign, labels, watermark
from finishing.certificates import CertificateError, Identity
from finishing.encode import Encoded, FinishError, weight
from finishing.fingerprint import perceptual_hash
from finishing.marks import MarkSpec, xmp
from finishing.page import Page
from finishing.specs import Check

# A signature may take this share of what a place allows; where it would take more, the picture is worth more than the signature.
SHARE_AT_MOST = 1 / 8
SIGNED = "Signed content credentials (C2PA) are in the file."
NOT_LISTED = " The certificate was made on this machine and is not on the C2PA trust list, so others are told that the signer is unknown."
# Encodes pixels under a byte limit with an XMP packet in the file.
Encoder = Callable[[Image.Image, int | None, bytes], Encoded]


@dataclass(frozen=True)
class Marking:
    """Everything that marks one ad. `identity` signs; None leaves the signature out. `photo` is an archive of the photo's own credentials.

    `label` is the language of the visible label; empty: none.
    """

    spec: MarkSpec
    identity: Identity | None = None
    photo: bytes = b""
    label: str = ""


@dataclass(frozen=True)
class Marked:
    """A marked file, what was looked at on the way, and which marks it bears (JSON, for the recipe)."""

    encoded: Encoded
    checks: tuple[Check, ...]
    facts: dict[str, Any]


def mark(finished: Image.Image, page: Page, marking: Marking, encode: Encoder, max_bytes: int | None) -> Marked:
    """Label, watermark, encode and sign a finished picture under the byte limit. Raises FinishError when it cannot be made small enough.

    A file never fails for want of a mark: what could not be put in is left out, and said in the checks.
    """
    checks: list[Check] = []
    facts: dict[str, Any] = {"source_type": marking.spec.source_type, "xmp": True, "watermark": False}
    if marking.label:
        finished, laid = _labelled(finished, page, marking)
        facts["label"] = laid.words
        checks.append(_label_check(laid))
    if not watermark.fits(*finished.size):
        marking = replace(marking, spec=replace(marking.spec, number=None))
    if (number := marking.spec.number) is not None:
        finished = Image.fromarray(watermark.embedded(np.asarray(finished), number))
        facts |= {"watermark": True, "number": f"{number:016x}"}
    encoded, signed, said = _file(finished, marking, encode, max_bytes)
    facts |= signed | {"looks": f"{_looks(encoded):016x}"}
    checks.append(Check("marks", "pass" if signed["c2pa"] else "warn", _told(marking.spec, facts, said)))
    return Marked(encoded, tuple(checks), facts)


def _labelled(finished: Image.Image, page: Page, marking: Marking) -> tuple[Image.Image, labels.Laid]:
    taken = [block.frame for block in page.blocks if block.role != "ornament"]
    return labels.lay(finished, marking.spec.source_type, marking.label, safe=page.safe, taken=taken, product=page.product)


def _label_check(laid: labels.Laid) -> Check:
    if laid.over == "words":
        return Check(
            "label", "fail", f"There is no free place for the label “{laid.words}”: it covers words. Use fewer words, or no label."
        )
    over = " It lies over the product: there is no other free place." if laid.over else ""
    return Check("label", "warn" if over else "pass", f"The label “{laid.words}” reads with a contrast of {laid.contrast:.0f} to 1.{over}")


def _file(finished: Image.Image, marking: Marking, encode: Encoder, max_bytes: int | None) -> tuple[Encoded, dict[str, Any], str]:
    """The file, signed where there is room, which marks that makes, and a sentence."""
    spec, identity = marking.spec, marking.identity
    plain = encode(finished, max_bytes, xmp(spec))
    if identity is None:
        return plain, {"c2pa": False}, "It is not signed: no certificate can be used here."
    for photo in (marking.photo, b"") if marking.photo else (b"",):
        try:
            room = c2pa_sign.room(plain.type, spec, identity, photo)
            if max_bytes is not None and room > SHARE_AT_MOST * max_bytes:
                continue
            encoded = plain
            if max_bytes is not None and len(plain.data) + room > max_bytes:
                encoded = encode(finished, max_bytes - room, xmp(spec))
            if encoded.type != plain.type:
                continue  # another type than the one that was measured: the limit is too tight
            signed = c2pa_sign.sign(encoded.data, encoded.type, spec, identity, photo)
        except (FinishError, c2pa_sign.SigningError, CertificateError):
            continue
        if max_bytes is None or len(signed.data) <= max_bytes:
            facts = {"c2pa": True, "stamped": signed.stamped, "own": identity.own, "photo": bool(photo)}
            return Encoded(signed.data, encoded.type, encoded.extension), facts, SIGNED + (NOT_LISTED if identity.own else "")
    if max_bytes is None:
        return plain, {"c2pa": False}, "It could not be signed; whoever runs AdsGem finds the reason with manage.py check."
    return plain, {"c2pa": False}, f"The {weight(max_bytes)} of this place leave no room for signed credentials."


def _looks(encoded: Encoded) -> int:
    """The perceptual hash of the file as it goes out."""
    with Image.open(io.BytesIO(encoded.data)) as opened:
        return perceptual_hash(np.asarray(opened.convert("RGB")))


def _told(spec: MarkSpec, facts: dict[str, Any], said: str) -> str:
    """What the marks say and where they are, for the marketer."""
    made = "made partly with AI" if spec.source_type.startswith("composite") and spec.made_with_ai else "made with AI"
    origin = made if spec.made_with_ai else "made by a program, not by AI"
    hidden = " The invisible mark is in its pixels." if facts["watermark"] else " It is too small for the invisible mark."
    return f"The file says that its scene was {origin} (XMP).{hidden} {said}"
