"""How an e-mail gets out: claimed like every other row, tried again by a schedule, emptied when it has ended."""

from __future__ import annotations

import logging
from datetime import timedelta
from http import HTTPStatus
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import letters
from accounts.models import Message, User
from keeping import claims
from keeping.secrets import SecretUnreadable

log = logging.getLogger(__name__)

MINUTE, HOUR = 60, 3600
SCHEDULE = (0, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR)  # seconds before each try
TIMEOUT = 60.0
AT_ONCE = 50
KEPT = timedelta(days=30)
OPEN = (Message.Status.WAITING, Message.Status.SENDING)
UNSUBSCRIBE = "accounts.unsubscribe"
# After that long what the message says is no longer true.
LIVES = {Message.Kind.RESET: timedelta(hours=1), Message.Kind.VERIFY: timedelta(days=3), Message.Kind.CHANGE: timedelta(days=3)}


def due(now: int) -> QuerySet[Message]:
    """The e-mails that may be sent at `now` of the database's clock, the longest due first. What they say is read when it is sent."""
    return Message.objects.filter(claims.in_nobodys_hands(now), status__in=OPEN).defer("says").order_by("run_after", "created_at", "pk")


def send(message_id: UUID) -> bool:
    """Try to send one e-mail. False when another hand has it, or it is not its turn.

    It may arrive twice, when we die between the mail server's answer and our note of it; never not at all.
    """
    message = due(claims.db_now()).filter(pk=message_id).select_related("user", "brand").first()
    if message is None or not claims.claim(message):
        return False
    with claims.held(message, at_most_seconds=2 * TIMEOUT):
        if message.status == Message.Status.WAITING and not _note(message, Message.Status.SENDING):
            return False
        if message.kind in Message.OPTIONAL and message.user and message.kind in message.user.unwanted_mail:
            return _note(message, Message.Status.FAILED, error_code="unwanted", error_message="This person does not want such e-mails.")
        if timezone.now() - message.created_at > LIVES.get(Message.Kind(message.kind), KEPT):
            return _note(message, Message.Status.FAILED, error_code="too_late", error_message="It could not be sent while it was true.")
        try:
            _hand_over(message)
        except (OSError, SMTPException, SecretUnreadable, ValueError) as error:
            _try_again(message, error)
        else:
            _note(message, Message.Status.SENT, error_code="", error_message="")
    return True


def unsubscribe_link(user: User, kind: str) -> str:
    """The address that ends one kind of e-mail, without signing in."""
    token = signing.dumps({"user": str(user.pk), "kind": kind}, salt=UNSUBSCRIBE)
    return settings.PUBLIC_URL.rstrip("/") + reverse("unsubscribe", args=[token])


def read_unsubscribe(token: str) -> tuple[User, str] | None:
    """Whose mail of which kind such an address ends; None for one that is not ours."""
    try:
        said = signing.loads(token, salt=UNSUBSCRIBE)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=said["user"]).first()
    return (user, said["kind"]) if user and said["kind"] in Message.OPTIONAL else None


def want(user: User, kind: str, *, wanted: bool) -> None:
    """Whether this person gets e-mails of an optional kind."""
    left_out = {*user.unwanted_mail} - {kind} if wanted else {*user.unwanted_mail, kind}
    user.unwanted_mail = sorted(left_out & {str(each) for each in Message.OPTIONAL})
    user.save(update_fields=["unwanted_mail"])


def forget_old() -> int:
    """Delete e-mails that ended a month ago. Gives how many."""
    return Message.objects.filter(status__in=Message.FINAL, finished_at__lt=timezone.now() - KEPT).delete()[0]


def _hand_over(message: Message) -> None:
    """Give it to the mail server. Raises what smtplib raises."""
    unsubscribe = unsubscribe_link(message.user, message.kind) if message.user and message.kind in Message.OPTIONAL else ""
    rendered = letters.render(message, message.words, unsubscribe=unsubscribe)
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": f"<{message.pk}@{settings.SITE.hostname}>"}
    if unsubscribe:
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mail = EmailMultiAlternatives(rendered.subject, rendered.text, settings.DEFAULT_FROM_EMAIL, [message.to], headers=headers)
    if settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend":  # on a screen only the words can be read
        mail.attach_alternative(rendered.html, "text/html")
    mail.send()


def _try_again(message: Message, error: Exception) -> None:
    sentence = f"The mail server did not take it: {type(error).__name__}."
    if _is_for_ever(error) or message.tries >= len(SCHEDULE):
        log.error("An e-mail (%s, %s) could not be sent: %s", message.kind, message.pk, type(error).__name__)
        _note(message, Message.Status.FAILED, error_code="not_taken", error_message=sentence[:400])
        return
    later = claims.after(SCHEDULE[message.tries])
    _note(message, Message.Status.WAITING, error_code="try_failed", error_message=sentence[:400], run_after=later)


def _is_for_ever(error: Exception) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= HTTPStatus.INTERNAL_SERVER_ERROR for code, _ in error.recipients.values())
    if isinstance(error, SMTPResponseException):
        return error.smtp_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, (SecretUnreadable, ValueError))


def _note(message: Message, status: str, **fields: Any) -> bool:
    """Move an e-mail that is in our hands; False when it is not any more. All but `sending` puts it down, and an end empties it."""
    if status != Message.Status.SENDING:
        fields |= {"lease_until": None}
    if status in Message.FINAL:
        fields |= {"finished_at": timezone.now(), "says": ""}
    ours = Message.objects.filter(pk=message.pk, status=message.status, attempt=message.attempt)
    won = bool(ours.update(status=status, **fields))
    if won:
        message.status = status
    return won
