"""What each e-mail says: subject, sentences, and the one thing to do. Both the plain and the HTML form are made of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string

from accounts.models import Message

Kind = Message.Kind


@dataclass(frozen=True)
class Letter:
    """The words of one kind. Braces are filled in from the message's own words."""

    subject: str
    lead: str
    button: str = ""
    after: str = ""


@dataclass(frozen=True)
class Rendered:
    """An e-mail ready to be sent."""

    subject: str
    text: str
    html: str


IGNORE = "If that was not you, you need not do anything: nobody gets in without this link."
LETTERS: dict[str, Letter] = {
    Kind.VERIFY: Letter(
        "Confirm your email address",
        "Welcome to AdsGem. Confirm that {to} is yours, and you can make your first ads.",
        "Confirm my address",
        "The link works for three days. If you did not create an account, ignore this message and the account stays shut.",
    ),
    Kind.CHANGE: Letter(
        "Confirm your new email address",
        "You asked to sign in to AdsGem with {to} from now on. Your old address keeps working until you confirm this one.",
        "Confirm my new address",
        "The link works for three days. If you did not ask for this, ignore this message and nothing changes.",
    ),
    Kind.CHANGED: Letter(
        "Your email address was changed",
        "Your AdsGem account now signs in with {new}. This message goes to your old address, which no longer does.",
        after="If that was not you, answer this message at once, so that we can help.",
    ),
    Kind.KNOWN: Letter(
        "You have an AdsGem account already",
        "Somebody, most likely you, tried to create an account with {to}. You have one already, so nothing was changed.",
        "Sign in",
        "Forgot your password? Choose a new one on the same page.",
    ),
    Kind.UNKNOWN: Letter(
        "There is no account for this address",
        "Somebody, most likely you, asked for a new AdsGem password for {to}. We have no account for this address. "
        "Perhaps you signed up with another one?",
        "Create an account",
        "If you did not ask for this, ignore this message.",
    ),
    Kind.RESET: Letter(
        "Choose a new password",
        "You asked for a new password for your AdsGem account.",
        "Choose a new password",
        f"The link works once, for one hour, and signs you out everywhere else. {IGNORE}",
    ),
    Kind.PASSWORD: Letter(
        "Your password was changed",
        "The password of your AdsGem account was just changed, from {place}. Every other device was signed out.",
        "Choose another password",
        "If that was you, there is nothing to do.",
    ),
    Kind.SIGN_IN: Letter(
        "A sign-in from a new place",
        "Your account was used from {place} with {device}, on {when}.",
        "Look at my sessions",
        "If that was you, there is nothing to do. If not, sign out everywhere and choose a new password.",
    ),
    Kind.SECOND_STEP: Letter(
        "Your second step was changed",
        "{what}, from {place}.",
        "Look at my second step",
        "If that was not you, choose a new password now and look at your sessions.",
    ),
    Kind.TOKEN_REUSED: Letter(
        "An app was signed out to protect you",
        "A sign-in of {device} was used a second time, which happens when somebody copied it. We ended it, so that nobody can go on with it.",
        "Look at my sessions",
        "Sign in again in your app. If you have no idea where this comes from, choose a new password.",
    ),
    Kind.INVITE: Letter(
        "{sender} invites you to {brand_name}",
        "{sender} asks you to share the brand {brand_name} on AdsGem, as {role}. {may}",
        "Accept the invitation",
        "The link works for seven days, with your account or with a new one. If you do not know {sender}, ignore this message.",
    ),
    Kind.READY: Letter(
        "Your ads for {title} are ready",
        "{state}",
        "Look at the ads",
    ),
    Kind.FAILED: Letter(
        "Your ads for {title} could not be made",
        "{state} What was not made costs nothing.",
        "See what happened",
    ),
    Kind.CREDITS_LOW: Letter(
        "{brand_name} has {left} left",
        "{brand_name} can spend {left} more. The built-in engine stays free; other engines stop when the credits are gone.",
        "Look at the credits",
    ),
}
WHY = {
    Kind.READY: "when an order that took a while is ready",
    Kind.FAILED: "when an order could not be made",
    Kind.CREDITS_LOW: "when a brand of yours runs low on credits",
}


def render(message: Message, words: Mapping[str, Any], *, unsubscribe: str = "") -> Rendered:
    """The e-mail in both forms. `words` fill the braces, with `link` for the button."""
    letter = LETTERS[message.kind]
    filled = {"to": message.to, **words}
    name = message.user.name.split(" ")[0] if message.user and message.user.name else ""
    page = {
        "subject": letter.subject.format(**filled),
        "greeting": f"Hello {name}," if name else "Hello,",
        "lead": letter.lead.format(**filled),
        "button": letter.button,
        "link": words.get("link", ""),
        "after": letter.after.format(**filled),
        "why": WHY.get(Kind(message.kind), ""),
        "unsubscribe": unsubscribe,
    }
    text = render_to_string("accounts/email.txt", page)
    return Rendered(" ".join(page["subject"].split()), text, render_to_string("accounts/email.html", page))
