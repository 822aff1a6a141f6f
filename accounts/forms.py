"""allauth's forms, with our fields, our sentences and our count of guesses. Pages and API use the same ones."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.base import forms as second_step
from allauth.mfa.totp import forms as app
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts import tries
from accounts.models import User
from accounts.passwords import MOST

USED = tries.Limit("used-code", most=1, seconds=120, shut=120)  # a code that was seen over a shoulder opens nothing any more
ADDRESS = "Type an email address, such as mia@example.com."
HOW_LONG = "12 characters or more. A sentence works well."


def _password(field: forms.Field, label: str, missing: str) -> None:
    field.label, field.help_text, field.error_messages["required"] = label, "", missing
    field.widget.attrs |= {"maxlength": MOST}
    field.widget.attrs.pop("placeholder", None)


def _address(field: forms.Field) -> None:
    field.label, field.error_messages["required"], field.error_messages["invalid"] = "Email", ADDRESS, ADDRESS
    field.widget.attrs |= {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "maxlength": 254}
    field.widget.attrs.pop("placeholder", None)


class SignInForm(account.LoginForm):
    """E-mail address and password. The address is called `username`, as Django's own forms and password managers have it."""

    field_order = ["username", "password"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = self.fields.pop("login")
        _address(self.fields["username"])
        self.fields["username"].widget.attrs["autocomplete"] = "username"
        self.fields["username"].error_messages = {"required": self.NO_ADDRESS, "invalid": self.NO_ADDRESS}
        _password(self.fields["password"], "Password", "Type your password.")
        self.fields["password"].widget.attrs["maxlength"] = 1024  # whoever pastes too much is told that it is wrong, not cut off
        self.order_fields(self.field_order)

    NO_ADDRESS = "Type the email address of your account."

    def user_credentials(self) -> dict[str, str]:
        """What the backend is asked with."""
        return {"email": self.cleaned_data["username"].strip().lower(), "password": self.cleaned_data["password"]}

    def _clean_with_password(self, credentials: dict[str, str]) -> dict[str, Any]:
        adapter = get_adapter(self.request)
        person = adapter.authenticate(self.request, **credentials)
        if person is None:
            raise adapter.validation_error("email_password_mismatch")
        self.user, self._login = person, Login(user=person, email=credentials["email"])
        return dict(self.cleaned_data)


class RegisterForm(account.SignupForm):
    """Name, e-mail address and password. For an address that has an account it does as much work and says the same."""

    field_order = ["name", "email", "password1"]
    name = forms.CharField(label="Your name", max_length=120, error_messages={"required": "Type your name."})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        _address(self.fields["email"])
        _password(self.fields["password1"], "Password", "Choose a password.")
        self.fields["password1"].help_text = HOW_LONG

    def try_save(self, request: HttpRequest) -> Any:
        """The new person, or a message to the owner of the address."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # takes as long as making the account would
        return super().try_save(request)


class ChangePasswordForm(account.ChangePasswordForm):
    """The password of now, and a new one. Guesses at the first are counted like those at the door."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password2")
        _password(self.fields["oldpassword"], "Password of now", "Type your password of now.")
        _password(self.fields["password1"], "New password", "Choose a new password.")
        self.fields["password1"].help_text = HOW_LONG

    def clean_oldpassword(self) -> str:
        """Raises ValidationError."""
        typed: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, typed):
            raise get_adapter().validation_error("enter_current_password")
        return typed


class AskResetForm(account.ResetPasswordForm):
    """The address that a link for a new password goes to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _address(self.fields["email"])


class ResetForm(account.ResetPasswordKeyForm):
    """A new password, by the link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password2")
        _password(self.fields["password1"], "New password", "Choose a new password.")
        self.fields["password1"].help_text = HOW_LONG


class ChangeEmailForm(account.AddEmailForm):
    """A new address; the old one holds until this one is confirmed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _address(self.fields["email"])
        self.fields["email"].label = "New email"


class ReauthenticateForm(account.ReauthenticateForm):
    """The password once more, before something that cannot be taken back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _password(self.fields["password"], "Password", "Type your password.")


class _CountedCode(forms.Form):
    """A code of six digits has a million forms: guesses are counted, and each code is taken once."""

    user: User

    def clean_code(self) -> str:
        """Raises ValidationError."""
        try:
            guess = tries.guess("code", self.user.email, tries.network_of(context.request))
        except tries.TooMany as too_many:
            raise forms.ValidationError(str(too_many), code="too_many") from None
        code: str = super().clean_code()  # type: ignore[misc] # of the form that stands behind this one
        if tries.take(USED, str(self.user.pk), code):
            raise get_adapter().validation_error("incorrect_code")
        guess.was_right()
        return code


def _code(form: forms.Form) -> None:
    form.fields["code"].label = "Code"
    form.fields["code"].error_messages["required"] = "Type the code."
    form.fields["code"].widget.attrs |= {"inputmode": "numeric", "maxlength": 12, "autocomplete": "one-time-code"}
    form.fields["code"].widget.attrs.pop("placeholder", None)


class CodeForm(_CountedCode, second_step.AuthenticateForm):
    """The second step at the door."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code(self)


class CodeAgainForm(_CountedCode, second_step.ReauthenticateForm):
    """The second step once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code(self)


class AddAppForm(app.ActivateTOTPForm):
    """The first code of a new app shows that it has the key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code(self)
