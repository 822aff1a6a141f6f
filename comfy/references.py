"""Reference pictures on servers: uploaded once by their hash, and remembered."""

from __future__ import annotations

import hashlib

from comfy.models import Server, ServerFile
from comfy.pool import Seat
from keeping.crashpoints import crashpoint


def put(seat: Seat, png: bytes) -> str:
    """Make sure that the seat's server has this picture, and give the name that graphs there use for it. Raises ComfyError."""
    sha256 = hashlib.sha256(png).hexdigest()
    known = ServerFile.objects.filter(server=seat.server, sha256=sha256).values_list("name", flat=True).first()
    if known:
        return known
    name = seat.client.upload(png, sha256)
    crashpoint("K7")
    # Somebody may have been as quick with the same picture: the same name came back.
    ServerFile.objects.bulk_create([ServerFile(server=seat.server, sha256=sha256, name=name)], ignore_conflicts=True)
    return name


def forget(server: Server) -> None:
    """Its input folder was emptied: upload what is needed anew."""
    ServerFile.objects.filter(server=server).delete()
