"""What Prometheus reads, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Brand
from adsgem.metrics import exposition
from comfy.models import Server
from generations import breakers, pipeline
from generations.figures import Figure
from generations.models import Generation, Picture

LINE = re.compile(r'[a-z_]+(\{([a-z_]+="(?:[^"\\]|\\.)*",?)+\})? -?[0-9.e+-]+')


def asked(client: Client, token: str = "token-of-prometheus") -> Any:
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = "token-of-prometheus"


def figures(client: Client) -> dict[str, float]:
    answer = asked(client)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_whoever_has_no_token_finds_nothing(db: None, client: Client, settings: Any) -> None:
    assert asked(client, "another").status_code == 404 and client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = ""
    assert asked(client, "").status_code == 404


def test_an_order_is_seen_from_waiting_to_ready(client: Client, order: Generation) -> None:
    before = figures(client)
    assert before['adsgem_open{kind="generation",status="waiting"}'] == 1 and before['adsgem_open{kind="picture",status="waiting"}'] == 2
    assert before['adsgem_queue_age_seconds{queue="words"}'] >= 0 and before['adsgem_open_pictures{engine="builtin"}'] == 2
    pipeline.run(order.pk)
    after = figures(client)
    assert after['adsgem_open{kind="picture",status="waiting"}'] == 0
    assert after['adsgem_pictures_last_hour{status="ready",engine="builtin"}'] == 2
    assert after['adsgem_step_seconds{kind="paint",who="builtin",quantile="0.95"}'] >= 0
    assert after["adsgem_files"] > 0 and after["adsgem_files_bytes"] > after["adsgem_files"]


def test_what_does_not_work_is_seen(client: Client, order: Generation) -> None:
    for _ in range(5):
        breakers.failed("comfyui", "Nobody answers.")
    Server.objects.create(name='gpu "1"', address="http://127.0.0.1:9", allow_private=True)
    Picture.objects.filter(generation=order).update(status="failed", error_code="gave_up", finished_at=order.created_at)
    told = figures(client)
    assert told['adsgem_breaker_open{name="comfyui"}'] == 1
    assert told['adsgem_server_jobs{server="gpu \\"1\\""}'] == 0
    assert told['adsgem_failures_last_hour{code="gave_up"}'] == 2


def test_the_page_costs_the_same_for_one_order_or_many(
    client: Client, order: Generation, brand: Brand, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(30):
        figures(client)


def test_each_name_is_explained_once() -> None:
    told = exposition([Figure("one", {"a": "x\ny"}, 1, "What it is."), Figure("two", {}, 2.5, "Another."), Figure("one", {}, 3, "Again.")])
    assert told == '# HELP one What it is.\n# TYPE one gauge\none{a="x\\ny"} 1\none 3\n# HELP two Another.\n# TYPE two gauge\ntwo 2.5\n'
