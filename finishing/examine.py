"""What a picture from outside says of where it comes from: credentials, XMP, watermark, looks. Nothing of it is kept.

Everything that reads a stranger's bytes happens in a child process with little memory and time: this file is both the caller (`examine`,
`credentials_of`) and the child (run by its path).
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # started with -I: nothing of the caller's environment decides what is imported
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from finishing import headers
from finishing.photo import MAX_BYTES, MAX_PIXELS, MAX_SIDE, PhotoRefused

PATIENCE = 60.0  # seconds by the clock; the child's own limit is 20 seconds of processor time
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
READ_SIDE = 2400  # pixels; larger pictures are made smaller before they are looked at


@dataclass(frozen=True)
class Credentials:
    """Content credentials (C2PA) of a file: whether they fit it, whether one of our certificates signed them, and what they say."""

    intact: bool
    ours: bool
    generator: str = ""
    signer: str = ""
    source_type: str = ""
    title: str = ""
    made_at: str = ""


@dataclass(frozen=True)
class Examined:
    """Everything that was found in one picture."""

    width: int
    height: int
    looks: int
    source_type: str = ""
    generator: str = ""
    ad_id: str = ""
    made_at: str = ""
    number: int | None = None
    credentials: Credentials | None = None


def examine(data: bytes, roots: bytes = b"", serials: Sequence[str] = ()) -> Examined:
    """Look at a JPEG, PNG or WebP of at most 15 MB. `roots` are the PEM certificates that our signers hang on, `serials` are our signers'.

    Raises PhotoRefused with a sentence for what is no such picture.
    """
    kind = _kind_of(data)
    told = _child("examine", kind, {"roots": roots.decode(), "serials": list(serials)}, data)
    found = told.pop("credentials")
    return Examined(**told, credentials=Credentials(**found) if found else None)


def credentials_of(data: bytes) -> bytes:
    """The content credentials of an uploaded photo as an archive for `c2pa_sign.sign`; empty when it has none that can be read."""
    kind = headers.kind(data)
    if kind not in KINDS or b"c2pa" not in data or len(data) > MAX_BYTES:
        return b""
    try:
        return base64.b64decode(_child("archive", kind, {}, data)["archive"])
    except PhotoRefused:
        return b""


def _kind_of(data: bytes) -> str:
    """JPEG, PNG or WEBP, of a size that can be looked at. Raises PhotoRefused."""
    if not data:
        raise PhotoRefused("The file is empty. Choose the picture again.", code="empty")
    if len(data) > MAX_BYTES:
        raise PhotoRefused("The file has more than 15 MB. Save it as a JPEG and check that.", code="too_many_bytes")
    kind = headers.kind(data)
    if kind not in KINDS:
        raise PhotoRefused("Only JPEG, PNG and WebP pictures can be checked.", code="wrong_type")
    header = headers.read(data, kind)
    if header is None:
        raise PhotoRefused("The picture is damaged or not complete, so it cannot be checked.", code="broken")
    if max(header.width, header.height) > MAX_SIDE or header.width * header.height > MAX_PIXELS:
        raise PhotoRefused(
            f"The picture is {header.width:,} × {header.height:,}. At most 40 megapixels can be checked.", code="too_many_pixels"
        )
    return kind


def _child(task: str, kind: str, told: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Let a child process do a task. Raises PhotoRefused when it could not."""
    command = [sys.executable, "-I", str(Path(__file__).resolve()), task, kind, json.dumps(told)]
    try:
        child = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603 - our own file
        answer: dict[str, Any] = json.loads(child.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise PhotoRefused("The picture takes too much memory or time to open, so it cannot be checked.", code="too_heavy") from None
    if "error" in answer:
        raise PhotoRefused("The picture is damaged or not complete, so it cannot be checked.", code="broken")
    return answer


def _examined(data: bytes, kind: str, ours: dict[str, Any]) -> dict[str, Any]:
    """In the child: look at everything."""
    import numpy as np
    from PIL import Image

    from finishing.fingerprint import perceptual_hash
    from finishing.marks import read_xmp
    from finishing.watermark import find

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
        packet = opened.info.get("xmp") or opened.info.get("XML:com.adobe.xmp") or b""
        width, height = opened.size
        picture = opened.convert("RGB")
    if max(picture.size) > READ_SIDE:
        picture.thumbnail((READ_SIDE, READ_SIDE))
    pixels = np.asarray(picture)
    said = read_xmp(packet.encode() if isinstance(packet, str) else packet)
    found = find(pixels)
    return {
        "width": width,
        "height": height,
        "looks": perceptual_hash(pixels),
        "source_type": said.source_type,
        "generator": said.generator,
        "ad_id": said.ad_id,
        "made_at": said.made_at,
        "number": found.number if found else None,
        "credentials": _credentials(data, kind, ours) if b"c2pa" in data else None,
    }


def _credentials(data: bytes, kind: str, ours: dict[str, Any]) -> dict[str, Any] | None:
    """In the child: what the content credentials say, and whether they are intact and ours."""
    import c2pa

    # No question goes to any server: a stranger's file would choose which.
    offline = {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}
    context = c2pa.Context.from_dict({"verify": offline, "trust": {"trust_anchors": ours["roots"]} if ours["roots"] else {}})
    try:
        with c2pa.Reader(KINDS[kind], io.BytesIO(data), context=context) as reader:
            told, state = json.loads(reader.json()), reader.get_validation_state()
    except c2pa.C2paError:
        return None
    active = told["manifests"][told["active_manifest"]]
    actions = [
        action
        for assertion in active.get("assertions", [])
        if assertion.get("label", "").startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    created: dict[str, Any] = next((action for action in actions if action.get("action") == "c2pa.created"), {})
    generators = active.get("claim_generator_info") or [{}]
    signature, intact = active.get("signature_info", {}), state in ("Valid", "Trusted")
    # The state is Trusted only where all ingredients are, and a camera's certificate may be unknown to us: the newest signature counts.
    proved = {each.get("code") for each in told.get("validation_results", {}).get("activeManifest", {}).get("success", [])}
    return {
        "intact": intact,
        # A public authority signs for many: it has to be one of our own certificates, too.
        "ours": intact and "signingCredential.trusted" in proved and str(signature.get("cert_serial_number")) in ours["serials"],
        "generator": f"{generators[0].get('name', '')} {generators[0].get('version', '')}".strip()[:80],
        "signer": str(signature.get("issuer") or "")[:120],
        "source_type": str(created.get("digitalSourceType", "")).rpartition("/")[2][:60],
        "title": str(active.get("title") or "")[:120],
        "made_at": str(created.get("when") or "")[:40],
    }


def _archived(data: bytes, kind: str) -> dict[str, str]:
    """In the child: a photo's credentials as an archive."""
    from finishing.c2pa_sign import SigningError, archive_of

    try:
        archive = archive_of(data, KINDS[kind])
    except SigningError:
        archive = b""
    return {"archive": base64.b64encode(archive).decode()}


def _main() -> None:
    """In the child: one task, one line of JSON."""
    task, kind, told = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    if task == "examine":  # imported before the memory is limited
        import c2pa  # noqa: F401
        import cv2

        cv2.setNumThreads(1)
    from finishing.decode import limit_itself

    limit_itself()
    data = sys.stdin.buffer.read()
    try:
        answer: dict[str, Any] = _examined(data, kind, told) if task == "examine" else _archived(data, kind)
    except Exception as error:  # whatever is wrong with the file is an answer
        answer = {"error": f"{type(error).__name__}: {error}"[:200]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main()
