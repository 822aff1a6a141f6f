"""The second step: an authenticator app, passkeys, recovery codes. What is done is allauth's; here are our pages for it."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.http import HttpResponse
from django.urls import reverse_lazy

from accounts import second_step
from studio.pages.account import Said


class Steps(base.IndexView):
    """What there is, and what can be added."""

    template_name = "studio/account/steps.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """As a list that a template can go through."""
        found = list(Authenticator.objects.filter(user=self.request.user).order_by("created_at"))
        recovery = next((each.wrap() for each in found if each.type == Authenticator.Type.RECOVERY_CODES), None)
        return {
            **super().get_context_data(**kwargs),
            "app": next((each for each in found if each.type == Authenticator.Type.TOTP), None),
            "passkeys": [each for each in found if each.type == Authenticator.Type.WEBAUTHN],
            "codes_left": len(recovery.get_unused_codes()) if recovery else None,
            "needed": second_step.is_needed(self.request.user),
        }


class AddApp(Said, app.ActivateTOTPView):
    """Scan a picture, type a code."""

    template_name = "studio/account/app.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The picture is drawn in the page itself: the content security policy lets no data: pictures in."""
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        return {**context, "secret": spaced, "needed": second_step.is_needed(self.request.user)}

    def form_valid(self, form: Any) -> HttpResponse:
        """On to the recovery codes."""
        answer: HttpResponse = super().form_valid(form)
        second_step.remember(self.request)
        return answer


class RemoveApp(Said, app.DeactivateTOTPView):
    """Codes are no longer asked for."""

    template_name = "studio/account/app_remove.html"
    success_url = reverse_lazy("mfa_index")


class Codes(codes.ViewRecoveryCodesView):
    """The codes for the day on which the phone is lost."""

    template_name = "studio/account/codes.html"


class NewCodes(Said, codes.GenerateRecoveryCodesView):
    """New ones in place of the old."""

    template_name = "studio/account/codes_new.html"


class AddPasskey(Said, passkeys.AddWebAuthnView):
    """A key that lives in a device."""

    template_name = "studio/account/passkey.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """On to the recovery codes."""
        answer: HttpResponse = super().form_valid(form)
        second_step.remember(self.request)
        return answer


class RemovePasskey(passkeys.RemoveWebAuthnView):
    """That device opens nothing any more."""

    template_name = "studio/account/passkey_remove.html"
    success_url = reverse_lazy("mfa_index")


class CodeAgain(Said, base.ReauthenticateView):
    """A code once more."""

    template_name = "studio/account/code_again.html"


class PasskeyAgain(passkeys.ReauthenticateWebAuthnView):
    """A passkey once more."""

    template_name = "studio/account/passkey_again.html"
