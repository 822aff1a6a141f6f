"""E-mails: written with what they tell of, sent in both forms, tried again, emptied, and ended by who does not want them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import emails, ledger, letters, outbox
from accounts.models import Brand, Message, User
from generations import states
from generations.models import Generation
from tests.fakes.mail_server import MailServer, mail_server

WORDS = {
    "link": "https://ads.example.com/x/?a=1&b=2",
    "new": "new@example.com",
    "place": "203.0.113.5",
    "device": "Firefox on Windows",
    "when": "26 November 2026, 08:00 UTC",
    "what": "A passkey was added to your account",
    "sender": "Mia <Miravel>",
    "brand_name": "Salt & Sun",
    "role": "editor",
    "may": "Editors make and change ads.",
    "title": "Radiance <serum>",
    "state": "All of them came out.",
    "left": "12 credits",
}


@pytest.fixture
def post_office(settings: Any) -> Iterator[MailServer]:
    """A mail server, and our settings for it."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        yield server


def letter(mia: User, kind: str = "ready") -> Message:
    written = outbox.write(kind, to=mia.email, user=mia, **WORDS)
    assert written is not None
    return written


@pytest.mark.parametrize("kind", Message.Kind.values)
def test_every_kind_says_what_to_do_in_plain_words_and_in_html(mia: User, kind: str) -> None:
    rendered = letters.render(Message(kind=kind, to=mia.email, user=mia), WORDS, unsubscribe="https://ads.example.com/no/")
    assert "{" not in rendered.subject + rendered.text and "\n" not in rendered.subject
    assert "Hello Mia," in rendered.text and "&amp;" not in rendered.text
    assert "<serum>" not in rendered.html and "<Miravel>" not in rendered.html, "names are text, not HTML"
    if letters.LETTERS[kind].button:
        assert WORDS["link"] in rendered.text and "https://ads.example.com/x/?a=1&amp;b=2" in rendered.html
    optional = kind in Message.OPTIONAL
    assert ("https://ads.example.com/no/" in rendered.text) == optional == ("https://ads.example.com/no/" in rendered.html)


def test_a_letter_leaves_in_both_forms_with_a_way_to_end_them_and_is_emptied(mia: User, post_office: MailServer) -> None:
    row = letter(mia)
    with connection.cursor() as cursor:
        cursor.execute("SELECT says FROM accounts_message")
        assert "ads.example.com" not in cursor.fetchone()[0], "a link that opens something does not lie in the clear"
    assert emails.send(row.pk)
    (sent,) = post_office.letters
    assert sent["To"] == mia.email and sent["Subject"] == "Your ads for Radiance <serum> are ready"
    assert {part.get_content_type() for part in sent.walk()} == {"multipart/alternative", "text/plain", "text/html"}
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and sent["Message-ID"].startswith(f"<{row.pk}@")
    row.refresh_from_db()
    assert (row.status, row.says) == ("sent", "")
    assert not emails.send(row.pk) and len(post_office.letters) == 1


def test_what_the_mail_server_puts_off_is_tried_again_and_what_it_refuses_is_not(mia: User, post_office: MailServer) -> None:
    row = letter(mia)
    post_office.answers = ["451 later"]
    emails.send(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error_code, row.lease_until) == ("waiting", "try_failed", None) and row.run_after > 0
    assert not emails.send(row.pk), "not before its time"
    Message.objects.update(run_after=0)
    post_office.answers = ["550 no such box"]
    emails.send(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error_code, row.says) == ("failed", "not_taken", "")
    assert post_office.letters == []


def test_a_mail_server_that_is_away_costs_a_try_and_after_seven_it_is_over(mia: User, post_office: MailServer, settings: Any) -> None:
    row = letter(mia)
    settings.EMAIL_PORT = 1
    for _ in emails.SCHEDULE:
        Message.objects.update(run_after=0)
        emails.send(row.pk)
    row.refresh_from_db()
    assert (row.status, row.tries) == ("failed", len(emails.SCHEDULE))


def test_a_link_for_a_new_password_is_not_sent_after_it_ran_out(mia: User, post_office: MailServer) -> None:
    row = letter(mia, "reset")
    Message.objects.update(created_at=timezone.now() - timedelta(hours=2))
    emails.send(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error_code) == ("failed", "too_late") and post_office.letters == []


def test_a_letter_is_written_with_what_it_tells_of_or_not_at_all(mia: User) -> None:
    with transaction.atomic():
        letter(mia)
        transaction.set_rollback(True)
    assert not Message.objects.exists()


def test_one_click_ends_one_kind_and_a_link_that_is_only_followed_ends_nothing(client: Client, mia: User, post_office: MailServer) -> None:
    link = emails.unsubscribe_link(mia, "ready").removeprefix("http://127.0.0.1:8000")
    assert "No more emails" in client.get(link).content.decode()
    mia.refresh_from_db()
    assert mia.unwanted_mail == []
    assert Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    mia.refresh_from_db()
    assert mia.unwanted_mail == ["ready"]
    assert outbox.write("ready", to=mia.email, user=mia, **WORDS) is None
    assert outbox.write("reset", to=mia.email, user=mia, **WORDS) is not None, "what one cannot do without always comes"
    assert "This link is not right" in client.get(link[:-3] + "zz/").content.decode()


def test_an_order_that_took_a_while_is_told_of_and_a_quick_one_is_not(mia: User, order: Generation) -> None:
    with transaction.atomic():
        states.note(order, [("generation.ready", order.pk)])
    assert not Message.objects.exists()
    Generation.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    order.refresh_from_db()
    for _ in range(2):
        with transaction.atomic():
            states.note(order, [("generation.ready", order.pk)])
    row = Message.objects.get()
    assert (row.kind, row.to) == ("ready", mia.email) and f"/generations/{order.pk}/" in row.words["link"]


def test_owners_hear_once_a_day_that_few_credits_are_left(mia: User, max: User, brand: Brand) -> None:
    ledger.grant(brand, ledger.LOW + 10, reason="Hello", by=None)
    ledger.hold(brand.pk, {uuid4(): 5})
    assert not Message.objects.exists()
    ids = [uuid4(), uuid4()]
    ledger.hold(brand.pk, {ids[0]: 10})
    row = Message.objects.get()
    assert (row.kind, row.to, row.words["left"]) == ("credits_low", mia.email, "45 credits")
    ledger.void(ids[:1])
    ledger.hold(brand.pk, {ids[1]: 20})
    assert Message.objects.count() == 1


def test_the_sweep_rings_for_letters_that_nobody_sent(mia: User) -> None:
    from accounts import tasks

    letter(mia)
    assert tasks.sweep() == 1
