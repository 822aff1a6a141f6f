"""The Content-Security-Policy header, with a fresh nonce for each answer. Django 6 brings the same under the same setting."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject, empty

SELF, UNSAFE_INLINE, NONCE = "'self'", "'unsafe-inline'", "<CSP_NONCE_SENTINEL>"
POWERS = ("camera", "microphone", "geolocation", "payment", "usb", "midi", "display-capture", "browsing-topics")
NO_POWERS = ", ".join(f"{power}=()" for power in POWERS)  # what an ad tool never asks a browser for


class ContentSecurityPolicy(MiddlewareMixin):
    """Says what a page may load. Templates write `nonce="{{ request.csp_nonce }}"` on their own script and style elements."""

    def process_request(self, request: HttpRequest) -> None:
        """Offer a nonce; it is made when a template asks for it."""
        request.csp_nonce = SimpleLazyObject(lambda: secrets.token_urlsafe(16))  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the headers, where the view has not set its own."""
        policy: dict[str, list[str]] = settings.SECURE_CSP
        for path, more in settings.SECURE_CSP_BY_PATH.items():
            if request.path.startswith(path):
                policy = {**policy, **more}
        nonce = getattr(request, "csp_nonce", None)
        asked = nonce is not None and nonce._wrapped is not empty
        response.headers.setdefault("Content-Security-Policy", written(policy, str(nonce) if asked else None))
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", NO_POWERS)
        return response


def written(policy: Mapping[str, Sequence[str]], nonce: str | None) -> str:
    """The policy as a header. Without a nonce its place is left out."""
    lines = []
    for directive, sources in policy.items():
        words = [f"'nonce-{nonce}'" if source == NONCE else source for source in sources if source != NONCE or nonce]
        lines.append(" ".join([directive, *words]))
    return "; ".join(lines)
