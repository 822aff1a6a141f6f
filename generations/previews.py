"""The newest look at a picture that is being painted, on its way from the worker to a page: a hint, lost without harm.

It lives in the cache "previews": Redis where there is one, since worker and web may be different machines; else files of the data folder, since
they are different processes of one machine. Nothing of it is fsynced, and it is gone after two minutes at the latest.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.core import signing
from django.core.cache import caches

log = logging.getLogger(__name__)

KEEP_SECONDS, LARGEST = 120, 200_000
SALT, KEY_SECONDS = "generations.previews", 300


def keep(picture_id: UUID, jpeg: bytes) -> None:
    """Keep it in the place of the one before, unless it is too large."""
    if len(jpeg) > LARGEST:
        return
    try:
        caches["previews"].set(_name(picture_id), jpeg, KEEP_SECONDS)
    except Exception as trouble:  # whatever a cache raises: the picture is worth more than its preview
        log.info("The preview of picture %s is lost: %s", picture_id, trouble)


def drop(picture_id: UUID) -> None:
    """Painting has ended."""
    try:
        caches["previews"].delete(_name(picture_id))
    except Exception as trouble:
        log.info("The preview of picture %s goes by itself: %s", picture_id, trouble)


def of(picture_id: UUID) -> bytes | None:
    """The newest, or None."""
    try:
        found: bytes | None = caches["previews"].get(_name(picture_id))
    except Exception as trouble:
        log.info("No preview of picture %s: %s", picture_id, trouble)
        return None
    return found


def key(picture_id: UUID) -> str:
    """A word that lets its holder see this picture's preview for five minutes: apps have no session to show."""
    return signing.dumps(str(picture_id), salt=SALT)


def opens(word: str, picture_id: UUID) -> bool:
    """Whether this is such a word for this picture."""
    try:
        return bool(signing.loads(word, salt=SALT, max_age=KEY_SECONDS) == str(picture_id))
    except signing.BadSignature:
        return False


def _name(picture_id: UUID) -> str:
    return f"preview:{picture_id}"
