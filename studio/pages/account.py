"""The door: in by e-mail and password, and out."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from templates_app.models import TemplatePreview

WRONG = "This email and password do not belong together. Check both and try again."
LOCKED = "Too many tries with a wrong password. Signing in with this email is shut from here for 15 minutes; then try again."
ART = ("4:5", "1:1", "1.91:1")  # shapes that stack well beside the form


@login_not_required
@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, or a session. A wrong pair of e-mail and password gets one sentence that does not say which of them was wrong."""
    if request.htmx:  # type: ignore[attr-defined] # a part of a page asked after its session had run out; adsgem.js says so
        return HttpResponse(status=401)
    goal = _safe(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(goal or "home")
    if request.method != "POST":
        return _page(request, goal)
    email, password = request.POST.get("username", "").strip().lower(), request.POST.get("password", "")
    errors = {}
    if "@" not in email:
        errors["username"] = "Type the email address of your account."
    if not password:
        errors["password"] = "Type your password."  # noqa: S105 - a sentence
    if errors:
        return _page(request, goal, email=email, errors=errors, status=422)
    person = authenticate(request, username=email, password=password)
    if person is None:
        locked = getattr(request, "axes_locked_out", False)
        request.axes_locked_out = False  # type: ignore[attr-defined] # axes would put its own page in place of ours
        return _page(request, goal, email=email, refused=LOCKED if locked else WRONG, status=429 if locked else 422)
    login(request, person)
    return redirect(goal or "home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("home")


def _safe(request: HttpRequest, goal: str) -> str:
    """Where to go afterwards, when it is a page of ours; else nothing."""
    return goal if url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure()) else ""


def _page(
    request: HttpRequest, goal: str, *, email: str = "", errors: dict[str, str] | None = None, refused: str = "", status: int = 200
) -> HttpResponse:
    context = {"next": goal, "email": email, "errors": errors or {}, "refused": refused, "art": _art()}
    return render(request, "studio/sign_in.html", context, status=status)


def _art() -> list[list[TemplatePreview]]:
    """Two columns of what the templates make, each from another template."""
    previews = TemplatePreview.objects.filter(template__published=True, shape__in=ART).select_related("file")
    wanted: list[TemplatePreview] = []
    for preview in previews.order_by("template__position", "pk"):
        number = len(wanted)
        if preview.template_id not in {chosen.template_id for chosen in wanted} and preview.shape == ART[number % len(ART)]:
            wanted.append(preview)
        if len(wanted) == 6:
            break
    return [wanted[0::2], wanted[1::2]]
