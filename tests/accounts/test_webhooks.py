"""Webhooks: what is written down, what the receiver gets, what happens when it is down, slow, gone or out to harm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as real_settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import deliveries, outbox, tasks, webhooks
from accounts.models import Brand, Delivery, User, Webhook
from accounts.models.outgoing import KINDS
from accounts.webhooks import WebhookRefused
from generations.states import MAY_FOLLOW
from keeping.claims import claim, db_now
from tests.accounts.racing import race
from tests.keeping.servers import Asked, Receiver, receiver, say

ROOT = Path(__file__).parents[2]
OBJECT = uuid.UUID("0b7c3f5e-0000-4000-8000-000000000001")
SENDING, WAITING, DELIVERED, FAILED = (Delivery.Status[name] for name in ("SENDING", "WAITING", "DELIVERED", "FAILED"))


@pytest.fixture(autouse=True)
def private(settings: Any) -> None:
    """Receivers of the tests stand on this machine."""
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The messages that the bell rang for, in order, in place of a queue."""
    found: list[uuid.UUID] = []
    for room in (outbox, tasks, webhooks):
        monkeypatch.setattr(room, "ring", lambda task, pk: transaction.on_commit(lambda: found.append(pk)))
    return found


class Scripted:
    """A receiver that answers each request with the next of these codes, and the last one for ever."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)

    def __call__(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        say(code, f"said {code}".encode())(handler, asked)


@pytest.fixture
def listening() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiver(say(200, b"thanks")) as server:
        yield server


def hook(brand: Brand, url: str, **fields: Any) -> Webhook:
    return Webhook.objects.create(brand=brand, url=f"{url}/hook", **fields)


def told(brand: Brand, kind: str = "ad.ready", **data: Any) -> Delivery:
    """The message that was written last."""
    assert outbox.post(brand.pk, kind, OBJECT, data) >= 1
    return Delivery.objects.order_by("-created_at")[0]


def at_once(delivery: Delivery) -> bool:
    """Send it as if its waiting time were over."""
    Delivery.objects.filter(pk=delivery.pk).update(run_after=0)
    return deliveries.deliver(delivery.pk)


def waits(delivery: Delivery) -> float:
    """Seconds until the next try."""
    delivery.refresh_from_db()
    return (delivery.run_after - db_now()) / 1000


def verified(asked: Asked, secret: str) -> dict[str, Any]:
    """What a receiver does by the text of Standard Webhooks: check the time, then one of the signatures, then read the body."""
    assert abs(time.time() - int(asked.headers["webhook-timestamp"])) < 300
    content = b".".join([asked.headers["webhook-id"].encode(), asked.headers["webhook-timestamp"].encode(), asked.body])
    expected = hmac.new(base64.b64decode(secret.split("_", 1)[1]), content, hashlib.sha256).digest()
    given = [base64.b64decode(each.split(",", 1)[1]) for each in asked.headers["webhook-signature"].split(" ") if each.startswith("v1,")]
    assert any(hmac.compare_digest(expected, each) for each in given)
    return json.loads(asked.body)  # type: ignore[no-any-return]


# --- what is written down


def test_everything_that_can_happen_to_an_order_has_a_name_that_webhooks_can_ask_for() -> None:
    happening = {f"{row.__name__.lower()}.{to}" for row, moves in MAY_FOLLOW.items() for after in moves.values() for to in after}
    rooms = [*(ROOT / "generations" / "actions").glob("*.py"), ROOT / "generations" / "states.py", ROOT / "generations" / "verify.py"]
    done = {kind for room in rooms for kind in re.findall(r'"((?:ad|generation|picture|copy|review)\.[a-z]+)"', room.read_text())}
    assert happening | done - {"review.asked"} == set(KINDS)  # that one is for the log only


def test_a_brand_without_webhooks_costs_one_question(brand: Brand, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert outbox.post(brand.pk, "ad.ready", OBJECT, {}) == 0


def test_only_the_webhooks_that_want_to_hear_are_told(brand: Brand, eve: User, django_assert_num_queries: Any) -> None:
    everything = hook(brand, "https://a.example.com")
    ready = hook(brand, "https://b.example.com", kinds=["ad.ready", "ad.failed"])
    hook(brand, "https://c.example.com", kinds=["generation.ready"])
    hook(brand, "https://d.example.com", active=False)
    hook(eve.brands.get(), "https://e.example.com")
    with django_assert_num_queries(2):
        assert outbox.post(brand.pk, "ad.ready", OBJECT, {"at": timezone.now(), "by": brand.pk}) == 2
    assert set(Delivery.objects.values_list("webhook", flat=True)) == {everything.pk, ready.pk}
    body = Delivery.objects.all()[0].body
    assert (body["type"], body["data"]["id"], body["data"]["brand"]) == ("ad.ready", str(OBJECT), str(brand.pk))


def test_a_brand_that_is_deleted_is_told_nothing(brand: Brand) -> None:
    hook(brand, "https://a.example.com")
    Brand.objects.filter(pk=brand.pk).update(deleted_at=timezone.now())
    assert outbox.post(brand.pk, "ad.ready", OBJECT, {}) == 0


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_never_after_a_rollback(brand: Brand, rung: list[uuid.UUID]) -> None:
    hook(brand, "https://a.example.com")
    with transaction.atomic():
        outbox.post(brand.pk, "ad.ready", OBJECT, {})
        transaction.set_rollback(True)
    assert not rung and not Delivery.objects.exists()
    with transaction.atomic():
        outbox.post(brand.pk, "ad.ready", OBJECT, {})
        assert not rung
    assert rung == [Delivery.objects.get().pk]


# --- what the receiver gets


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the Svix documentation, whose scheme became Standard Webhooks.
    body = b'{"event_type":"ping","data":{"success":true}}'
    signed = deliveries.sign("whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert signed == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_a_receiver_can_verify_what_it_gets(brand: Brand, listening: Receiver) -> None:
    webhook = hook(brand, listening.url)
    delivery = told(brand, word="Grüße 🎁", n=1)
    assert deliveries.deliver(delivery.pk)
    (asked,) = listening.asked
    body = verified(asked, webhook.secret)
    assert body["type"] == "ad.ready" and body["data"] == {"id": str(OBJECT), "brand": str(brand.pk), "word": "Grüße 🎁", "n": 1}
    assert (asked.method, asked.path, asked.headers["webhook-id"]) == ("POST", "/hook", str(delivery.pk))
    assert asked.headers["content-type"] == "application/json"
    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_code, delivery.answer_body) == (DELIVERED, 200, "thanks")
    assert delivery.finished_at is not None and delivery.lease_until is None and delivery.log[0]["code"] == 200


def test_a_changed_body_or_another_secret_does_not_verify(brand: Brand, listening: Receiver) -> None:
    webhook = hook(brand, listening.url)
    deliveries.deliver(told(brand).pk)
    (asked,) = listening.asked
    for body, secret in ((asked.body + b" ", webhook.secret), (asked.body, "whsec_" + base64.b64encode(b"x" * 32).decode())):
        with pytest.raises(AssertionError):
            verified(Asked(asked.method, asked.path, asked.headers, body), secret)


def test_while_a_secret_is_changed_over_both_sign(brand: Brand, listening: Receiver) -> None:
    webhook = hook(brand, listening.url)
    old = webhook.secret
    new = webhooks.rotate_secret(webhook).secret
    assert new != old and len(base64.b64decode(new.removeprefix("whsec_"))) == 32
    deliveries.deliver(told(brand).pk)
    assert verified(listening.asked[0], old) == verified(listening.asked[0], new)
    Webhook.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    deliveries.deliver(told(brand).pk)
    assert verified(listening.asked[1], new)
    with pytest.raises(AssertionError):
        verified(listening.asked[1], old)


def test_a_secret_whose_key_is_gone_keeps_the_message_and_a_new_secret_helps(brand: Brand, listening: Receiver, settings: Any) -> None:
    webhook = hook(brand, listening.url)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    delivery = told(brand)
    assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == WAITING and "Rotate its secret" in delivery.error_message and not listening.asked
    new = webhooks.rotate_secret(webhook).secret
    assert at_once(delivery)
    assert verified(listening.asked[0], new)


# --- when the receiver does not take it


def test_a_receiver_that_stumbles_gets_the_message_again_with_the_same_id(brand: Brand) -> None:
    with receiver(Scripted(500, 200)) as server:
        hook(brand, server.url)
        delivery = told(brand)
        assert deliveries.deliver(delivery.pk)
        assert 3 < waits(delivery) <= 5
        assert (delivery.status, delivery.answer_code, delivery.answer_body, delivery.lease_until) == (WAITING, 500, "said 500", None)
        assert delivery.error_message == "The receiver answered 500 in place of 200."
        assert not deliveries.deliver(delivery.pk)  # not yet
        assert at_once(delivery)
    delivery.refresh_from_db()
    assert (delivery.status, [line["code"] for line in delivery.log], delivery.error_message) == (DELIVERED, [500, 200], "")
    assert [asked.headers["webhook-id"] for asked in server.asked] == [str(delivery.pk)] * 2
    assert server.asked[0].body == server.asked[1].body


def test_the_schedule_is_followed_to_its_end(brand: Brand) -> None:
    waited = []
    with receiver(Scripted(503)) as server:
        hook(brand, server.url)
        delivery = told(brand)
        for _ in range(10):
            assert at_once(delivery)
            waited.append(round(waits(delivery)))
    assert waited[:9] == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert (delivery.status, delivery.error_code, len(delivery.log), len(server.asked)) == (FAILED, "not_taken", 10, 10)
    assert delivery.error_message == "The receiver did not take this message in 10 tries. The receiver answered 503 in place of 200."
    assert not at_once(delivery)


def test_a_receiver_that_is_not_there_is_tried_again_later(brand: Brand) -> None:
    with receiver(say(200)) as server:
        pass
    hook(brand, server.url)
    delivery = told(brand)
    assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_code) == (WAITING, None)
    assert "cannot be reached" in delivery.error_message and delivery.log[0]["error"] == delivery.error_message


def test_a_slow_receiver_is_given_up_after_its_time(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deliveries.TIMEOUT == 15
    monkeypatch.setattr(deliveries, "TIMEOUT", 0.4)
    with receiver(lambda *_: time.sleep(3)) as server:
        hook(brand, server.url)
        delivery, began = told(brand), time.monotonic()
        assert deliveries.deliver(delivery.pk)
        assert time.monotonic() - began < 1.5
    delivery.refresh_from_db()
    assert delivery.status == WAITING and "too long" in delivery.error_message and 0.3 < delivery.log[0]["seconds"] < 1


@pytest.mark.parametrize("there", ["http://127.0.0.1:1/admin", "https://example.com/"])
def test_a_redirect_is_not_followed(brand: Brand, there: str) -> None:
    with receiver(say(302, Location=there)) as server:
        hook(brand, server.url)
        delivery = told(brand)
        assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_code, len(server.asked)) == (WAITING, 302, 1)
    assert "which is not followed" in delivery.error_message


def test_an_address_on_this_machine_is_refused_when_it_is_sent_to(brand: Brand, listening: Receiver, settings: Any) -> None:
    hook(brand, listening.url)
    settings.WEBHOOK_ALLOW_PRIVATE = False
    delivery = told(brand)
    assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == WAITING and delivery.error_message.endswith(".") and not listening.asked


def test_two_gigabytes_of_an_answer_are_cut(brand: Brand) -> None:
    sent = [0]

    def flood(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2 << 30))
        handler.end_headers()
        while sent[0] < 2 << 30:
            sent[0] += handler.wfile.write(b"a\0" * (1 << 15))

    began = time.monotonic()
    with receiver(flood) as server:
        hook(brand, server.url)
        delivery = told(brand)
        assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, len(delivery.answer_body)) == (DELIVERED, 2048)
    assert "\0" not in delivery.answer_body  # which PostgreSQL does not take
    assert sent[0] < 32 << 20 and time.monotonic() - began < 2


def test_a_receiver_that_is_gone_is_switched_off(brand: Brand) -> None:
    with receiver(Scripted(410)) as server:
        webhook = hook(brand, server.url)
        first, second = told(brand), told(brand)
        assert deliveries.deliver(first.pk)
        assert deliveries.deliver(second.pk)
    webhook.refresh_from_db()
    first.refresh_from_db()
    second.refresh_from_db()
    assert not webhook.active and "410" in webhook.disabled_reason
    assert (first.status, first.error_code) == (FAILED, "gone")
    assert (second.status, second.error_code) == (FAILED, "switched_off") and len(server.asked) == 1
    assert outbox.post(brand.pk, "ad.ready", OBJECT, {}) == 0


# --- in order, each once


def test_messages_come_in_the_order_in_which_things_happened(
    brand: Brand, listening: Receiver, rung: list[uuid.UUID], django_capture_on_commit_callbacks: Any
) -> None:
    hook(brand, listening.url)
    written = [told(brand, n=n).pk for n in range(5)]
    for pk in reversed(written):  # whichever bell is heard first
        with django_capture_on_commit_callbacks(execute=True):
            tasks.deliver(str(pk))
        while rung:
            with django_capture_on_commit_callbacks(execute=True):
                tasks.deliver(str(rung.pop(0)))
    assert [json.loads(asked.body)["data"]["n"] for asked in listening.asked] == [0, 1, 2, 3, 4]


def test_one_message_that_is_never_taken_does_not_hold_up_the_others_for_days(brand: Brand) -> None:
    with receiver(Scripted(500, 500, 200)) as server:
        hook(brand, server.url)
        first, second = told(brand), told(brand)
        assert not deliveries.deliver(second.pk)  # the first one's turn
        assert at_once(first)
        assert not deliveries.deliver(second.pk)  # which may still be taken in a few seconds
        assert at_once(first)
        assert deliveries.deliver(second.pk)  # five minutes are too long to wait for it
    assert [asked.headers["webhook-id"] for asked in server.asked] == [str(first.pk), str(first.pk), str(second.pk)]


def test_a_slow_webhook_does_not_hold_up_another(brand: Brand, listening: Receiver) -> None:
    slow, quick = hook(brand, "http://127.0.0.1:9"), hook(brand, listening.url)
    outbox.post(brand.pk, "ad.ready", OBJECT, {})
    assert claim(Delivery.objects.get(webhook=slow))  # in another hand
    assert deliveries.deliver(Delivery.objects.get(webhook=quick).pk)


@pytest.mark.django_db(transaction=True)
def test_eight_workers_that_hear_the_bell_together_send_it_once(brand: Brand, listening: Receiver, rung: list[uuid.UUID]) -> None:
    hook(brand, listening.url)
    delivery = told(brand)
    found = race([lambda: deliveries.deliver(delivery.pk)] * 8)
    assert sorted(found, key=str) == [False] * 7 + [True]
    assert len(listening.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_takes_long_keeps_its_message(brand: Brand, rung: list[uuid.UUID]) -> None:
    """The lease of the tests is two seconds; the receiver takes three."""
    with receiver(lambda handler, asked: time.sleep(3) or say(200)(handler, asked)) as server:  # type: ignore[func-returns-value]
        hook(brand, server.url)
        delivery = told(brand)

        def send() -> None:
            deliveries.deliver(delivery.pk)
            connection.close()

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(2.6)
        assert tasks.sweep() == 0 and not deliveries.deliver(delivery.pk)
        sender.join()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempt, delivery.deaths, len(server.asked)) == (DELIVERED, 1, 0, 1)


def test_a_worker_that_comes_back_late_changes_nothing(brand: Brand, listening: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(brand, listening.url)
    delivery = told(brand)

    def meanwhile(_: str) -> None:
        monkeypatch.setattr(deliveries, "crashpoint", lambda _: None)
        Delivery.objects.filter(pk=delivery.pk).update(lease_until=0)
        assert deliveries.deliver(delivery.pk)
        Delivery.objects.filter(pk=delivery.pk).update(answer_body="of the second worker")

    monkeypatch.setattr(deliveries, "crashpoint", meanwhile)
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_body, delivery.deaths, len(delivery.log)) == (DELIVERED, "of the second worker", 1, 1)


CHILD = """
import sys, uuid
import django
from django.conf import settings
django.setup()
settings.WEBHOOK_ALLOW_PRIVATE = True
settings.CRASHPOINT = {"name": "K18", "times": 1, "marks": sys.argv[1]}
from accounts.deliveries import deliver
print(deliver(uuid.UUID(sys.argv[2])))
"""


def this_database() -> str:
    """The tests' database as an address."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    return f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_the_answer_and_the_note_lets_the_receiver_see_the_same_id_twice(
    brand: Brand, listening: Receiver, rung: list[uuid.UUID], tmp_path: Path
) -> None:
    hook(brand, listening.url)
    delivery, next_one = told(brand), told(brand)
    known = {"DATABASE_URL": this_database(), "ADSGEM_DATA": str(real_settings.DATA_DIR), "DJANGO_SETTINGS_MODULE": "adsgem.settings"}
    child = [sys.executable, "-c", CHILD, str(tmp_path), str(delivery.pk)]
    killed = subprocess.run(child, env={**os.environ, **known}, cwd=ROOT, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempt, len(listening.asked)) == (SENDING, 1, 1)
    rung.clear()
    until = time.monotonic() + 10
    while Delivery.objects.filter(status__in=deliveries.OPEN).exists() and time.monotonic() < until:
        tasks.sweep()
        while rung:
            tasks.deliver(str(rung.pop(0)))
        time.sleep(0.1)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.deaths) == (DELIVERED, 1)
    assert [asked.headers["webhook-id"] for asked in listening.asked] == [str(delivery.pk)] * 2 + [str(next_one.pk)]


# --- the sweep


def test_the_sweep_rings_for_what_is_due_and_for_nothing_else(
    brand: Brand, rung: list[uuid.UUID], django_capture_on_commit_callbacks: Any
) -> None:
    due, late, held, sent = (hook(brand, f"https://{name}.example.com") for name in "abcd")
    outbox.post(brand.pk, "ad.ready", OBJECT, {})
    Delivery.objects.filter(webhook=late).update(run_after=db_now() + 60_000)
    Delivery.objects.filter(webhook=sent).update(status=DELIVERED, in_line=False)
    assert claim(Delivery.objects.get(webhook=held))
    outbox.post(brand.pk, "ad.failed", OBJECT, {})  # stands behind the first of `due`, `late` and `held`; `sent` is free
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.sweep() == 2
    assert set(rung) == {Delivery.objects.get(webhook=due, kind="ad.ready").pk, Delivery.objects.get(webhook=sent, kind="ad.failed").pk}


def test_the_sweep_rings_for_at_most_fifty(brand: Brand, rung: list[uuid.UUID]) -> None:
    webhook = hook(brand, "https://a.example.com")
    waiting = [Delivery(webhook=webhook, kind="ad.ready", object_id=OBJECT, body={}, attempt=3, in_line=False) for _ in range(60)]
    Delivery.objects.bulk_create(waiting)
    assert tasks.sweep() == 50


def test_the_sweep_costs_one_question_however_many_messages_there_are(
    brand: Brand, rung: list[uuid.UUID], django_assert_num_queries: Any
) -> None:
    hook(brand, "https://a.example.com")
    for _ in range(20):
        outbox.post(brand.pk, "ad.ready", OBJECT, {})
    with django_assert_num_queries(3):  # the clock, the messages, the e-mails
        assert tasks.sweep() == 1


# --- what a person may do


def test_a_ping_arrives_whatever_kinds_are_wanted(brand: Brand, listening: Receiver) -> None:
    webhook = hook(brand, listening.url, kinds=["generation.ready"])
    assert deliveries.deliver(webhooks.try_out(webhook).pk)
    assert verified(listening.asked[0], webhook.secret)["type"] == "ping"


def test_a_message_is_replayed_with_the_same_id_and_all_its_tries(brand: Brand) -> None:
    with receiver(Scripted(*[500] * 12, 200)) as server:
        hook(brand, server.url)
        delivery = told(brand)
        for _ in range(10):
            at_once(delivery)
        delivery.refresh_from_db()
        assert delivery.status == FAILED
        again = webhooks.replay(delivery)
        assert (again.status, again.tries, again.attempt, again.finished_at) == (WAITING, 0, 10, None)
        assert deliveries.deliver(delivery.pk)
        assert 3 < waits(delivery) <= 5  # the schedule from its beginning
        assert at_once(delivery)
        assert at_once(delivery)
    delivery.refresh_from_db()
    assert (delivery.status, len(delivery.log)) == (DELIVERED, 13)
    assert {asked.headers["webhook-id"] for asked in server.asked} == {str(delivery.pk)}


def test_replaying_a_message_that_still_waits_tries_it_now(brand: Brand) -> None:
    with receiver(Scripted(500, 500, 200)) as server:
        hook(brand, server.url)
        delivery = told(brand)
        at_once(delivery)
        at_once(delivery)
        assert waits(delivery) > 200
        webhooks.replay(delivery)
        assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempt) == (DELIVERED, 3)


def test_a_message_in_a_workers_hands_is_not_replayed_out_of_them(brand: Brand) -> None:
    hook(brand, "https://a.example.com")
    delivery = told(brand)
    assert claim(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(status=SENDING)
    before = Delivery.objects.filter(pk=delivery.pk).values().get()
    webhooks.replay(delivery)
    assert Delivery.objects.filter(pk=delivery.pk).values().get() == before


def test_a_webhook_that_is_switched_off_sends_nothing(brand: Brand) -> None:
    webhook = hook(brand, "https://a.example.com")
    delivery = told(brand)
    webhooks.change_webhook(webhook, active=False)
    for attempt in (lambda: webhooks.try_out(webhook), lambda: webhooks.replay(Delivery.objects.get())):
        with pytest.raises(WebhookRefused, match="switched off"):
            attempt()
    assert deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error_code, delivery.log) == (FAILED, "switched_off", [])


@pytest.mark.django_db(transaction=True)
def test_two_who_are_quick_do_not_go_over_the_limit_together(brand: Brand, mia: User) -> None:
    for number in range(webhooks.MOST_WEBHOOKS - 1):
        hook(brand, f"http://127.0.0.1:{1000 + number}")

    def make() -> Webhook:
        return webhooks.make_webhook(by=mia, brand=brand, url="http://127.0.0.1:80/", kinds=[])

    makers: list[Callable[[], object]] = [make] * 4
    found = race(makers)
    assert sum(isinstance(each, Webhook) for each in found) == 1
    assert all(isinstance(each, (Webhook, WebhookRefused)) for each in found)
    assert Webhook.objects.count() == webhooks.MOST_WEBHOOKS


# --- in admin


@pytest.fixture
def desk(sam: User, client: Client) -> Client:
    """Sam of the staff, signed in."""
    client.force_login(sam)
    return client


def test_staff_look_at_webhooks_and_messages_and_see_no_secret(brand: Brand, desk: Client, settings: Any) -> None:
    webhook = hook(brand, "https://a.example.com", kinds=["ad.ready"])
    delivery = told(brand)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]  # also when no secret can be read any more
    for row in (webhook, delivery):
        name = f"admin:accounts_{row._meta.model_name}"
        for page in (desk.get(reverse(f"{name}_changelist")), desk.get(reverse(f"{name}_change", args=[row.pk]))):
            text = page.content.decode()
            assert page.status_code == 200 and "a.example.com" in text and "ad.ready" in text
            assert "whsec_" not in text and webhook.secret not in text
        assert desk.get(reverse(f"{name}_changelist"), {"q": "a.example"}).context["cl"].result_count == 1
        assert desk.get(reverse(f"{name}_add")).status_code == 403
        assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_staff_send_messages_again(brand: Brand, desk: Client, listening: Receiver) -> None:
    hook(brand, listening.url)
    delivery = told(brand)
    Delivery.objects.update(status=FAILED, in_line=False)
    off = hook(brand, "https://off.example.com", active=False)
    other = Delivery.objects.create(webhook=off, kind="ad.ready", object_id=OBJECT, body={}, status=FAILED, in_line=False)
    chosen = {"action": "replay", "_selected_action": [delivery.pk, other.pk]}
    page = desk.post(reverse("admin:accounts_delivery_changelist"), chosen, follow=True).content.decode()
    assert "Sent again: 1." in page and "This webhook is switched off." in page
    assert deliveries.deliver(delivery.pk) and len(listening.asked) == 1
    assert Delivery.objects.get(pk=other.pk).status == FAILED


def test_a_list_of_messages_costs_the_same_for_one_or_many(brand: Brand, desk: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(reverse("admin:accounts_delivery_changelist")).status_code == 200
        return len(asked)

    hook(brand, "https://a.example.com")
    told(brand), told(brand)
    cost()  # the first page also looks up what Django remembers from then on
    before = cost()
    for _ in range(12):
        told(brand)
    assert cost() == before <= 10
