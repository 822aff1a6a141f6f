"""Where a payment provider tells that money arrived."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import payments

log = logging.getLogger(__name__)


@login_not_required
@csrf_exempt  # the provider signs what it sends
@require_POST
def notice(request: HttpRequest) -> HttpResponse:
    """Book the payment. 404 while no provider is set; what is refused gets no explanation, that is in the log."""
    provider = payments.provider()
    if provider is None:
        raise Http404("No payment provider is set.")
    try:
        payments.receive(provider, request.body, request.headers)
    except payments.NoticeRefused as refused:
        log.warning("A payment notice was refused: %s", refused)
        return HttpResponseBadRequest("This notice was refused.", content_type="text/plain")
    return HttpResponse(status=204)
