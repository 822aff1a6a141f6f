"""How often and how long a row is tried, and how it waits for a store that is away: the same for orders, pictures and ads."""

from __future__ import annotations

import logging

from django.db.models import F

from generations import breakers, states
from generations.models import Ad, Generation, Picture
from keeping import claims, store

log = logging.getLogger(__name__)

DEATHS_AT_MOST, TRIES_AT_MOST = 3, 5
STEP_SECONDS = 15 * 60.0  # longer than this nothing is held by one worker
PAUSE = 2.0  # seconds before a failed try is tried again; doubled each time


def given_up(row: claims.Claimed) -> bool:
    """Whether a row has killed or failed its workers often enough."""
    return row.deaths >= DEATHS_AT_MOST or row.tries > TRIES_AT_MOST


def wait_for_the_store(row: Generation | Picture | Ad, trouble: store.StoreUnavailable) -> None:
    """A disk or an S3 that does not work is no failed try: the row waits where it is."""
    log.error("The store does not work: %s", trouble)
    breakers.failed(breakers.STORE, str(trouble))
    states.release(row, after_seconds=PAUSE, pauses=F("pauses") + 1)
