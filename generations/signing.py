"""Who signs finished files: the certificate of the settings, or one that was made on this machine."""

from __future__ import annotations

import fcntl
import logging
import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from finishing.certificates import CertificateError, Identity, look_at, make_chain

log = logging.getLogger(__name__)

CHAIN, KEY = "chain.pem", "key.pem"
WANTED_BOTH = "C2PA_CERT and C2PA_KEY belong together: set both, or neither."


def identity() -> Identity | None:
    """The certificate and key to sign with; None, and a line in the log, when they cannot be used."""
    try:
        return usable_identity()
    except (CertificateError, OSError) as error:
        log.warning("Files are not signed: %s", error)
        return None


def usable_identity() -> Identity:
    """As `identity`. Raises CertificateError or OSError."""
    found = _read(settings.C2PA_CERT, settings.C2PA_KEY, settings.C2PA_TSA_URL, Path(settings.DATA_DIR) / "c2pa")
    look_at(found)
    return found


def known() -> tuple[bytes, list[str]]:
    """By what a signature of ours is known: the roots (PEM) and serial numbers of the certificate in use and of our own one, if there is one."""
    roots, serials = [], []
    own = Path(settings.DATA_DIR) / "c2pa"
    for chain, key in {(settings.C2PA_CERT, settings.C2PA_KEY), (None, None)}:
        if chain is None and not (own / CHAIN).exists():
            continue
        try:
            looked = look_at(_read(chain, key, settings.C2PA_TSA_URL, own))
        except (CertificateError, OSError):
            continue
        roots.append(looked.root)
        serials.append(looked.serial)
    return b"".join(roots), serials


@lru_cache(maxsize=4)
def _read(chain: Path | None, key: Path | None, time_stamps: str, own: Path) -> Identity:
    if bool(chain) != bool(key):
        raise CertificateError(WANTED_BOTH)
    if chain and key:
        return Identity(chain.read_bytes(), key.read_bytes(), time_stamps)
    _make_own(own)
    return Identity((own / CHAIN).read_bytes(), (own / KEY).read_bytes(), time_stamps, own=True)


def _make_own(folder: Path) -> None:
    """Make a chain of our own, once: of several processes that start together, the one that holds the lock."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / CHAIN).exists():
            return
        chain, key = make_chain()
        _write_private(folder / KEY, key)
        _write_private(folder / CHAIN, chain)  # last: where it is, the key is


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only this account may read, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
