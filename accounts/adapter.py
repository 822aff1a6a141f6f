"""Where allauth's flows meet our house: people get a brand, e-mails become rows of our outbox, secrets are encrypted, words are ours."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts import outbox, tries
from accounts.brands import make_personal_brand
from accounts.devices import device_of
from accounts.models import Message, User
from keeping.secrets import decrypt, encrypt

Kind = Message.Kind
WRONG = "This email and password do not belong together. Check both and try again."

# allauth's messages in our words; those that are not here say nothing that the page does not show.
SAID = {
    "account/messages/email_confirmed.txt": "Your email address is confirmed.",
    "account/messages/email_confirmation_failed.txt": "This address belongs to another account by now.",
    "account/messages/password_changed.txt": "Your password is changed.",
    "mfa/messages/totp_activated.txt": "From now on you sign in with a code, too.",
    "mfa/messages/totp_deactivated.txt": "Codes from your app are no longer asked for.",
    "mfa/messages/recovery_codes_generated.txt": "Here are your new recovery codes. The old ones no longer work.",
    "mfa/messages/webauthn_added.txt": "Your passkey is added.",
    "mfa/messages/webauthn_removed.txt": "The passkey is removed.",
}
SECOND_STEPS = {
    "mfa/email/totp_activated": "An authenticator app was added to your account",
    "mfa/email/totp_deactivated": "The authenticator app was removed from your account",
    "mfa/email/recovery_codes_generated": "New recovery codes were made for your account",
    "mfa/email/webauthn_added": "A passkey was added to your account",
    "mfa/email/webauthn_removed": "A passkey was removed from your account",
}
STAFF_NEEDS_IT = "Staff sign in with a second step here. Add another one before you take the last away."


class AccountAdapter(DefaultAccountAdapter):
    """allauth's account flows in our house."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": WRONG,
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your password.",
        "incorrect_code": "This code is not right, or was used before. Wait for the next one, then try again.",
        "same_as_current": "This is your address already.",
        "duplicate_email": "This is your address already.",
        "invalid_password_reset": "This link was used before, or is too old. Ask for a new one.",
        "email_taken": "This address cannot be used.",
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person, or None. Raises ValidationError with a sentence after too many tries. Counted by our backend, not by allauth's cache."""
        person = authenticate(request, **credentials)
        if person is None and (too_many := getattr(request, "too_many", None)):
            raise ValidationError(str(too_many), code="too_many")
        return person

    def get_client_ip(self, request: HttpRequest) -> str:
        """Where the connection came from; nothing that a caller writes into a header."""
        return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - nobody listens there; a Unix socket has no address

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        """A new person, with a brand of their own."""
        user.name = form.cleaned_data.get("name", "")
        saved: User = super().save_user(request, user, form, commit)
        if commit:
            make_personal_brand(saved)
        return saved

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say it in our words, on pages."""
        if request.path.startswith("/api/"):
            return
        if sentence := message or SAID.get(message_template or ""):
            messages.add_message(request, level, sentence, extra_tags=extra_tags)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the account."""
        return reverse("account")

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """On to the first ad for who is in, else to the door."""
        return reverse("home") if self.request.user.is_authenticated else reverse("sign-in")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Of our public address, whatever host this request named."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.PUBLIC_URL.rstrip("/") + path.replace("UID-KEY", key)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Of our public address, whatever host this request named."""
        return outbox.address("account_confirm_email", emailconfirmation.key)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Ask the owner of an address to confirm it."""
        address = emailconfirmation.email_address
        kind = Kind.VERIFY if address.user.email.lower() == address.email.lower() else Kind.CHANGE
        link = self.get_email_confirmation_url(request, emailconfirmation)
        self._mail(kind, address.email, user=address.user, link=link)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """What allauth would send now becomes a row of our outbox."""
        where = {"place": context.get("ip", "an unknown place"), "device": device_of(context.get("user_agent", ""))}
        user = User.objects.filter(emailaddress__email=email).first()
        if what := SECOND_STEPS.get(template_prefix):
            return self._mail(Kind.SECOND_STEP, email, user=user, what=what, link=outbox.address("mfa_index"), **where)
        match template_prefix.rpartition("/")[2]:
            case "account_already_exists":
                self._mail(Kind.KNOWN, email, user=user, link=outbox.address("sign-in"))
            case "unknown_account":
                self._mail(Kind.UNKNOWN, email, link=outbox.address("register"))
            case "password_reset_key":
                self._mail(Kind.RESET, email, user=context["user"], link=context["password_reset_url"])
            case "password_changed" | "password_reset" | "password_set":
                self._mail(Kind.PASSWORD, email, user=user, link=outbox.address("account_reset_password"), **where)
            case "email_changed":
                self._mail(Kind.CHANGED, email, new=context["to_email"])
        return None

    def _mail(self, kind: str, to: str, *, user: User | None = None, **words: Any) -> None:
        # Nobody fills a letter box through us; who asked too often is told the same and gets no more.
        if not tries.take(tries.MAIL_TO, to.lower()):
            outbox.write(kind, to=to, user=user, **words)

    def post_login(self, request: HttpRequest, user: User, **hooks: Any) -> HttpResponse:
        """Staff without a second step are asked for one; where it is needed, accounts.second_step asks and does not let go."""
        if user.is_staff and not settings.HTTPS and not Authenticator.objects.filter(user=user).exists():
            messages.info(request, "You are staff. Add a second step under Account, so that a lost password opens nothing.")
        answer: HttpResponse = super().post_login(request, user, **hooks)
        return answer


class SecondStepAdapter(DefaultMFAAdapter):
    """allauth's second step in our house."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "unverified_email": "Confirm your new email address first, or take the change back.",
        "cannot_delete_authenticator": STAFF_NEEDS_IT,
        "add_email_blocked": "Confirm your address before you add a second step.",
    }

    def encrypt(self, text: str) -> str:
        """By a key that is not in the database."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable."""
        return decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        """Under which name an app shows our codes."""
        return "AdsGem"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whom a passkey is for: the host of our public address; on this machine, the one that was asked for."""
        host = settings.SITE.hostname if settings.HTTPS else context.request.get_host().partition(":")[0]
        return {"id": host or "localhost", "name": "AdsGem"}

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 - allauth's name for it
        """What a new passkey is called until its owner says otherwise."""
        name = device_of(context.request.META.get("HTTP_USER_AGENT", ""))
        return name[:1].upper() + name[1:]

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep one where they need one."""
        if not (settings.HTTPS and authenticator.user.is_staff):
            return True
        others = Authenticator.objects.filter(user=authenticator.user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        return bool(others.exclude(pk=authenticator.pk).exists())
