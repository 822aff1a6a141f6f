"""Orders, cancels and credits that race each other over HTTP, and a webhook whose sender is killed (RELIABILITY: F-33 to F-37, K18)."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import subprocess
import sys
import threading
import time
import uuid
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.chaos.conftest import REPEAT, few
from tests.chaos.stack import ROOT, Stack, until

pytestmark = pytest.mark.chaos

PRICED = """
import django; django.setup()
from accounts import ledger
from accounts.actions import publish_price
from accounts.models import Brand, Price, Transfer
price = Price.objects.get(slug="builtin")
publish_price(by=None, price=price, data={{"credits": dict.fromkeys(price.current.data["credits"], 1)}})
brand = Brand.objects.get(slug="demo")
if more := {credits} - ledger.balance(brand).available:
    ledger.adjust(brand, more, reason="For the test", by=None)
"""


def priced(stack: Stack, credits: int) -> None:
    """The built-in engine costs 1 credit a picture here, and the brand has so many."""
    script = PRICED.format(credits=credits)
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=stack.environment(PYTHONPATH=str(ROOT)), check=True, timeout=60)


def balance(stack: Stack) -> dict[str, Any]:
    return dict(stack.get("me/credits").json()["results"][0])


def at_once(number: int, what: Any) -> list[requests.Response]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda _: what(), range(number)))


def test_twenty_equal_orders_at_once_are_one_order(stack: Stack) -> None:
    priced(stack, 100)
    stack.start("web")
    body, key = stack.order_body(), uuid.uuid4().hex
    said = at_once(20, lambda: stack.post("generations", json=body, headers={"Idempotency-Key": key}, timeout=60))
    assert {answer.status_code for answer in said} == {202}
    assert len({answer.json()["id"] for answer in said}) == 1
    assert balance(stack)["held"] == 1
    other = stack.post("generations", json=stack.order_body(), headers={"Idempotency-Key": key})
    assert other.status_code == 422
    stack.start("worker", "sweep")
    assert stack.ended(said[0].json()["id"])["status"] == "ready"
    assert (balance(stack)["available"], balance(stack)["held"]) == (99, 0)
    stack.verify()


def test_twenty_orders_with_credit_for_one_are_one_order_and_nineteen_sentences(stack: Stack) -> None:
    priced(stack, 1)
    stack.start("web")
    body = stack.order_body()
    said = at_once(20, lambda: stack.post("generations", json=body, timeout=60))
    assert sorted(answer.status_code for answer in said) == [202] + [402] * 19
    refused = next(answer.json() for answer in said if answer.status_code == 402)
    assert "needs 1 credit and your brand has 0" in refused["detail"]
    stack.start("worker", "sweep")
    taken = next(answer.json()["id"] for answer in said if answer.status_code == 202)
    assert stack.ended(taken)["status"] == "ready"
    assert stack.rows("SELECT count(*) FROM generations_generation") == [(1,)]
    stack.verify()


def test_cancels_that_race_the_work_end_paid_with_a_file_or_given_back(stack: Stack) -> None:
    """Never both, never neither."""
    races = few(500)
    priced(stack, races)
    stack.start("web", "worker-a", "worker-b", "sweep")
    stack.template()

    def race(number: int) -> str:
        generation = stack.order()
        time.sleep((number % 25) * 0.06)
        stack.post(f"generations/{generation}/cancel", timeout=60)
        return generation

    with ThreadPoolExecutor(4) as pool:
        made = [stack.ended(generation) for generation in pool.map(race, range(races))]
    ready = sum(each["status"] == "ready" for each in made)
    assert {each["status"] for each in made} <= {"ready", "cancelled", "partly"}
    assert (balance(stack)["available"], balance(stack)["held"]) == (races - ready, 0)
    assert stack.rows("SELECT count(*) FROM generations_ad WHERE status = 'ready'") == [(ready,)]
    stack.verify()


def test_a_price_that_changes_after_the_order_does_not_change_the_order(stack: Stack) -> None:
    priced(stack, 10)
    stack.start("web")
    generation = stack.order()
    subprocess.run(
        [sys.executable, "-c", PRICED.replace(", 1)", ", 7)").format(credits=20)],
        cwd=ROOT,
        env=stack.environment(PYTHONPATH=str(ROOT)),
        check=True,
        timeout=60,
    )
    stack.start("worker", "sweep")
    assert stack.ended(generation)["credits"] == 1
    assert (balance(stack)["available"], balance(stack)["held"]) == (20, 0)
    stack.verify()


class Receiver:
    """Somebody's server that hears of our webhooks and checks their signatures."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.wrong = 0
        self.secret = b""
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                number, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                signed = hmac.new(receiver.secret, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
                if f"v1,{b64encode(signed).decode()}" in self.headers["webhook-signature"].split():
                    receiver.heard.append((number, json.loads(body)))
                else:
                    receiver.wrong += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("turn", REPEAT)
def test_a_sender_killed_after_it_sent_sends_the_same_message_again_and_loses_none(stack: Stack, receiver: Receiver, turn: int) -> None:
    stack.start("web", "sweep")
    hook = stack.post("webhooks", json={"url": receiver.url, "kinds": ["generation.ready", "picture.ready", "ad.ready"]})
    assert hook.status_code == 201, hook.text
    receiver.secret = b64decode(hook.json()["signing_secret"].removeprefix("whsec_"))
    stack.start("worker", crash={"name": "K18"})
    made = stack.ended(stack.order())
    assert made["status"] == "ready"
    kinds = ["ad.ready", "generation.ready", "picture.ready"]
    until(lambda: sorted({body["type"] for _, body in receiver.heard}) == kinds, "Every kind was told")
    until(lambda: stack.rows("SELECT count(*) FROM accounts_delivery WHERE status = 'delivered'") == [(3,)], "All are delivered")
    assert stack.crashed("K18") and receiver.wrong == 0
    ids = [number for number, _ in receiver.heard]
    assert len(set(ids)) == 3 and len(ids) == 4, "the one in hand at the kill came twice, under the same id"
    stack.verify()
