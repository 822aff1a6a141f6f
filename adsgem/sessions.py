"""How long a sign-in lasts: it ends when nobody came for a while, and after two weeks whatever happens."""

from __future__ import annotations

import time
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

SEEN = "seen"  # epoch seconds
WRITE_EVERY = 60  # seconds: a page that polls shall not write its session every time


class SessionAge(MiddlewareMixin):
    """Signs out who was idle too long, staff after half an hour, others after half a day; and shows times by each person's clock.

    The absolute end is a moment, fixed on the first request after signing in: later writes do not move it.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Sign out the idle, and note that this person was here."""
        if not request.session.session_key or not request.user.is_authenticated:
            return
        now = int(time.time())
        seen = request.session.get(SEEN)
        limit = settings.SESSION_IDLE_SECONDS_STAFF if request.user.is_staff else settings.SESSION_IDLE_SECONDS
        if seen is not None and now - seen > limit:
            logout(request)
        elif seen is None or now - seen >= WRITE_EVERY:
            if seen is None:
                request.session.set_expiry(timedelta(seconds=settings.SESSION_COOKIE_AGE))
            request.session[SEEN] = now
        if request.user.is_authenticated:
            timezone.activate(_zone(request.user.time_zone))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The next request of this thread may be somebody's elsewhere."""
        timezone.deactivate()
        return response


def _zone(name: str) -> ZoneInfo:
    """The person's own; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return ZoneInfo("UTC")
