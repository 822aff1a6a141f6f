"""What a person may do with all that AdsGem has of them: take it home, and close the account."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import closing
from accounts.models import User
from generations import export


@require_safe
@login_required
@reauthentication_required  # type: ignore[untyped-decorator] # allauth's has no types
@never_cache
def take_home(request: HttpRequest) -> FileResponse:
    """Everything as one ZIP. Whoever finds an open browser is asked for the password first."""
    person: User = request.user  # type: ignore[assignment]
    return FileResponse(export.export_of(person), as_attachment=True, filename=export.export_name(person), content_type="application/zip")


@login_required
@reauthentication_required  # type: ignore[untyped-decorator] # allauth's has no types
@never_cache
def close(request: HttpRequest) -> HttpResponse:
    """What closing means, and the button."""
    if request.method != "POST":
        return render(request, "studio/account/close.html")
    try:
        closing.close_account(request.user)  # type: ignore[arg-type]
    except closing.ClosingRefused as refused:
        return render(request, "studio/account/close.html", {"refused": str(refused)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    logout(request)
    messages.success(request, "Your account is closed.")
    return redirect("home")
