"""The door: in by e-mail and password or by passkey, a second step, out; registering, confirming an address, a new password.

What is done is allauth's (`accounts.adapter` fits it in); here are our pages for it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as second_step
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import brands, tries
from templates_app.models import TemplatePreview

ART = ("4:5", "1:1", "1.91:1")  # shapes that stack well beside the form
INVITED = "invited"  # where a session keeps the link of an invitation until its person is in
MAIL_WAIT = "Too many messages were asked for from here. Wait an hour, then try again."


class Said:
    """A form that comes back says so in its status, and one that came too often says when to come again."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again."""
        answer: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        if answer.status_code == HTTPStatus.OK:
            answer.status_code = HTTPStatus.TOO_MANY_REQUESTS if "too_many" in codes else HTTPStatus.UNPROCESSABLE_ENTITY
        return answer


class BesideArt:
    """A page of the door, with what the templates make beside it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the pictures."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, "art": _art(), "next": self._goal()}

    def _goal(self) -> str:
        request = self.request  # type: ignore[attr-defined]
        return str(request.POST.get("next") or request.GET.get("next", ""))


class Mails:
    """A form that makes us write e-mails: so many an hour from one place, whatever addresses it names."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form again when there were too many."""
        if request.POST and tries.take(tries.MAIL_FROM, tries.network_of(request)):
            form = self.get_form()  # type: ignore[attr-defined]
            form.add_error(None, MAIL_WAIT)
            answer: HttpResponse = self.render_to_response(self.get_context_data(form=form))  # type: ignore[attr-defined]
            answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
            return answer
        sent: HttpResponse = super().post(request, *args, **kwargs)  # type: ignore[misc]
        return sent


class SignIn(Said, BesideArt, account.LoginView):
    """The form, or a session. A wrong pair of e-mail and password gets one sentence that does not say which of them was wrong."""

    template_name = "studio/door/sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A part of a page that asked after its session had run out gets no page in its place; adsgem.js says so."""
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def get_success_url(self) -> str | None:
        """Where its person wanted to go; whoever came by an invitation goes to that."""
        goal: str | None = super().get_success_url() or self.request.session.get(INVITED)
        return goal


class Register(Said, Mails, BesideArt, account.SignupView):
    """A new account. For an address that has one, the answer is the same, and its owner gets an e-mail that says so."""

    template_name = "studio/door/register.html"

    @method_decorator(transaction.atomic)
    def form_valid(self, form: Any) -> HttpResponse:
        """The account, its brand and the e-mail come true together."""
        if came_by := self.request.session.get(INVITED):
            self._confirm_by_invitation(came_by, form)
        answer: HttpResponse = super().form_valid(form)
        return answer

    def get_success_url(self) -> str | None:
        """Whoever came by an invitation goes to that."""
        goal: str | None = super().get_success_url() or self.request.session.get(INVITED)
        return goal

    def _confirm_by_invitation(self, came_by: str, form: Any) -> None:
        # The link was in the letter box of this address: that is all that confirming would show.
        invitation = brands.invitation_of(came_by.rstrip("/").rpartition("/")[2])
        if invitation and invitation.email == form.cleaned_data["email"]:
            self.request.session["account_verified_email"] = invitation.email


class ConfirmSent(BesideArt, account.EmailVerificationSentView):
    """Look into your letter box."""

    template_name = "studio/door/sent.html"


class Confirm(BesideArt, account.ConfirmEmailView):
    """The link of that e-mail: one button, so that programs which follow links in letter boxes confirm nothing."""

    template_name = "studio/door/confirm.html"


class AskReset(Said, Mails, BesideArt, account.PasswordResetView):
    """A link for a new password, to an address."""

    template_name = "studio/door/reset.html"


class ResetSent(BesideArt, account.PasswordResetDoneView):
    """Look into your letter box, said to everybody."""

    template_name = "studio/door/reset_sent.html"


class Reset(Said, BesideArt, account.PasswordResetFromKeyView):
    """A new password by the link. It ends every session, and works once."""

    template_name = "studio/door/new_password.html"


class ResetDone(BesideArt, account.PasswordResetFromKeyDoneView):
    """The new password holds."""

    template_name = "studio/door/reset_done.html"


class Closed(BesideArt, account.AccountInactiveView):
    """An account that staff closed."""

    template_name = "studio/door/closed.html"


class Code(BesideArt, second_step.AuthenticateView):
    """The second step: a code of the app, a recovery code, or a passkey."""

    template_name = "studio/door/code.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again."""
        answer: HttpResponse = super().form_invalid(form)
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS if "too_many" in codes else HTTPStatus.UNPROCESSABLE_ENTITY
        return answer


sign_in = login_not_required(never_cache(sensitive_post_parameters("password")(SignIn.as_view())))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("home")


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
