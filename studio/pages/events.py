"""What happens in the brand that somebody works in, told to its pages while it happens."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.models import User
from generations import stream
from studio.current import brand_of


@login_required
@require_GET
def events(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events from now on, or from the last one that the browser saw. 204 tells it not to ask again; pages poll, too."""
    brand = brand_of(request)
    if brand is None or not isinstance(request.user, User):
        return HttpResponse(status=204)
    told = request.headers.get("Last-Event-ID", "")
    after = int(told) if told.isascii() and told.isdecimal() and len(told) <= 18 else brand.event_seq
    try:
        response = stream.response_of(request, stream.Subject(request.user.pk, request.user.sign_in_epoch, brand.pk), after=after)
    except stream.TooMany:
        return HttpResponse("Many pages follow this brand already. This one asks now and then.", status=429, headers={"Retry-After": "30"})
    return response or HttpResponse(status=204)
