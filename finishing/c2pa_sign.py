"""Content credentials (C2PA): a signed manifest in a finished file. Whatever changes a byte afterwards breaks it, so it is put in last."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import c2pa
from PIL import Image

from finishing.certificates import Identity, look_at
from finishing.marks import SOURCE_TYPE_BASE, MarkSpec

log = logging.getLogger(__name__)

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
PHOTO = "photo"  # what the manifest calls the product photo among its ingredients
SPARE = 64  # bytes; a large file's segments take a few more than a small one's
STAMP_ROOM = 10_000  # bytes that c2pa keeps free for a time stamp and its certificates
STAMP_SECONDS = 10.0
REST_SECONDS = 60.0  # a time stamp service that did not answer is left in peace for so long

_rests: dict[str, float] = {}  # until when a time stamp service is left in peace, by its address, on the monotonic clock


class SigningError(Exception):
    """A file that could not be signed."""


@dataclass(frozen=True)
class Signed:
    """The signed file, and whether a service has stamped when."""

    data: bytes
    stamped: bool


@lru_cache(maxsize=1)
def context() -> c2pa.Context:
    """How the library works here: no thumbnail (it would weigh more than the ad may), and no question to any server."""
    return c2pa.Context.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}},
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False},
        }
    )


def sign(data: bytes, media_type: str, marks: MarkSpec, identity: Identity, photo: bytes = b"") -> Signed:
    """The JPEG, PNG or WebP with signed credentials; `photo` is the archive of the product photo's own ones (`credentials_of`).

    Without an answer of the time stamp service within ten seconds it is signed without a stamp. Raises SigningError.
    """
    if (
        identity.time_stamps
        and time.monotonic() >= _rests.get(identity.time_stamps, 0.0)
        and (stamped := _in_time(data, media_type, marks, identity, photo))
    ):
        return Signed(stamped, True)
    return Signed(_signed(data, media_type, marks, identity, photo, ""), False)


def room(media_type: str, marks: MarkSpec, identity: Identity, photo: bytes = b"") -> int:
    """How many bytes signing will add to such a file, found by signing a tiny one. Raises SigningError."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, FORMATS[media_type])
    added = len(_signed(buffer.getvalue(), media_type, marks, identity, photo, "")) - buffer.tell()
    return added + SPARE + (STAMP_ROOM if identity.time_stamps else 0)


def _in_time(data: bytes, media_type: str, marks: MarkSpec, identity: Identity, photo: bytes) -> bytes | None:
    """Signed with a time stamp; None when the service does not give one in time: the library itself would wait for ever."""
    done: list[bytes] = []

    def work() -> None:
        try:
            done.append(_signed(data, media_type, marks, identity, photo, identity.time_stamps))
        except SigningError as error:
            log.warning("No time stamp: %s", error)

    thread = threading.Thread(target=work, daemon=True, name="time-stamp")
    thread.start()
    thread.join(STAMP_SECONDS)
    if not done:
        _rests[identity.time_stamps] = time.monotonic() + REST_SECONDS
        return None
    return done[0]


def _signed(data: bytes, media_type: str, marks: MarkSpec, identity: Identity, photo: bytes, time_stamps: str) -> bytes:
    looked = look_at(identity)
    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(looked.algorithm.encode(), identity.chain, identity.key, time_stamps.encode() or None)
        signer = c2pa.Signer.from_info(info)
        with c2pa.Builder.from_json(json.dumps(_manifest(marks, with_photo=bool(photo))), context=context()) as builder:
            if photo:
                builder.add_ingredient_from_archive(io.BytesIO(photo))
            builder.sign(signer, media_type, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise SigningError(str(error)[:300]) from error
    return out.getvalue()


def _manifest(marks: MarkSpec, *, with_photo: bool) -> dict[str, Any]:
    """What is signed: who made the file, how, from what, and that a watermark is in it. No names of people or brands."""
    created: dict[str, Any] = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE_BASE + marks.source_type}
    if marks.made_with_ai and marks.ai_system:
        created["softwareAgent"] = {"name": marks.ai_system} | ({"version": marks.ai_version} if marks.ai_version else {})
    if marks.made_at:
        created["when"] = marks.made_at.isoformat(timespec="seconds")
    actions = [created]
    if with_photo:
        actions.append({"action": "c2pa.placed", "parameters": {"ingredientIds": [PHOTO]}})
    if marks.number is not None:
        actions.append({"action": "c2pa.watermarked.unbound"})
    return {
        "claim_generator_info": [{"name": marks.generator, "version": marks.version or "0"}],
        "title": f"Ad {marks.ad_id}".strip(),
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def archive_of(data: bytes, media_type: str) -> bytes:
    """The credentials of a photo as an archive that `sign` takes as its ingredient. Raises SigningError when it has none.

    For a file from outside: call it in a process that may die (`examine.py`).
    """
    out = io.BytesIO()
    try:
        c2pa.Reader(media_type, io.BytesIO(data), context=context()).close()  # raises when there are none
        with c2pa.Builder.from_json(json.dumps({"claim_generator_info": [{"name": "AdsGem"}]}), context=context()) as builder:
            told = {"title": "Product photo", "relationship": "componentOf", "instance_id": PHOTO}
            builder.add_ingredient_from_stream(told, media_type, io.BytesIO(data))
            builder.write_ingredient_archive(PHOTO, out)
    except c2pa.C2paError as error:
        raise SigningError(str(error)[:300]) from error
    return out.getvalue()
