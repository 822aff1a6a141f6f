"""What every answer carries, how long a sign-in lasts, and what watchers are told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.conf import settings as real
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import User
from adsgem import checks, csp, health
from generations.models import Generation
from painting import engines as painters
from painting.engine import EngineError


def answer(path: str, template: str = "") -> tuple[HttpResponse, str]:
    """What the middleware makes of a page with this template."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(engines["django"].from_string(template).render({}, request))

    response = csp.ContentSecurityPolicy(view)(RequestFactory().get(path))  # type: ignore[arg-type]
    return response, response.headers["Content-Security-Policy"]  # type: ignore[return-value, union-attr]


def test_a_page_may_load_its_own_scripts_and_nobody_elses() -> None:
    _, policy = answer("/")
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy and "script-src 'self' 'unsafe-inline'" not in policy


def test_a_template_that_asks_for_a_nonce_gets_a_new_one_each_time() -> None:
    seen = set()
    for _ in range(2):
        response, policy = answer("/", '<script nonce="{{ request.csp_nonce }}">1</script>')
        nonce = re.search(r'nonce="([\w-]{20,})"', response.content.decode())
        assert nonce and f"script-src 'self' 'nonce-{nonce[1]}'" in policy
        seen.add(nonce[1])
    assert len(seen) == 2


def test_data_pictures_are_for_admin_and_docs_only() -> None:
    assert "data:" in answer(f"/{real.ADMIN_PATH}accounts/")[1]
    assert "data:" in answer("/api/v1/docs/")[1]
    assert "data:" not in answer("/library/")[1]


def test_a_view_may_be_stricter_than_the_site() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    response = csp.ContentSecurityPolicy(view)(RequestFactory().get("/files/x"))  # type: ignore[arg-type]
    assert response.headers["Content-Security-Policy"] == "sandbox"  # type: ignore[union-attr]


def idle(client: Client, seconds: int) -> None:
    session = client.session
    session["seen"] -= seconds
    session.save()


@pytest.fixture
def at_desk(client: Client, mia: User) -> Client:
    """Mia, signed in, with one page looked at."""
    client.force_login(mia)
    client.get("/health/live")
    return client


def signed_in(client: Client) -> bool:
    client.get("/health/live")
    return "_auth_user_id" in client.session


def test_somebody_who_comes_back_within_the_day_is_still_signed_in(at_desk: Client) -> None:
    idle(at_desk, 11 * 60 * 60)
    assert signed_in(at_desk)


def test_somebody_who_stayed_away_half_a_day_signs_in_again(at_desk: Client) -> None:
    idle(at_desk, 13 * 60 * 60)
    assert not signed_in(at_desk)


def test_staff_who_left_their_desk_for_half_an_hour_sign_in_again(client: Client, sam: User) -> None:
    client.force_login(sam)
    assert signed_in(client)
    idle(client, 31 * 60)
    assert not signed_in(client)


def test_coming_back_every_day_does_not_move_the_end_of_the_session(at_desk: Client) -> None:
    end = at_desk.session.get_expiry_date()
    assert timedelta(days=13, hours=23) < end - timezone.now() <= timedelta(days=14)
    idle(at_desk, 60 * 60)
    assert signed_in(at_desk)
    assert at_desk.session.get_expiry_date() == end


def test_a_page_that_polls_does_not_write_its_session_each_time(at_desk: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):  # reads the session and the person
        at_desk.get("/health/live")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Health is remembered for some seconds."""
    cache.clear()


def test_a_healthy_machine_is_up_and_says_no_more(client: Client, db: None) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "up", "database": "up", "queue": "up", "storage": "up", "engines": "up"}
    assert "no-store" in response["Cache-Control"]


def test_the_probe_leaves_no_file_behind(client: Client, db: None) -> None:
    client.get("/health/ready")
    assert default_storage.listdir("health")[1] == []


def test_a_store_that_takes_no_files_is_down_without_a_reason_for_strangers(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, content: object) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(health.default_storage, "save", full)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["storage"] == "down" and response.json()["status"] == "down"
    assert "space" not in response.content.decode()


def test_no_engine_is_down(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(asked: str) -> str:
        raise EngineError("None.", code="none")

    monkeypatch.setattr(painters, "choose", none)
    assert client.get("/health/ready").json()["engines"] == "down"


def test_an_order_that_nobody_takes_for_minutes_means_that_no_worker_listens(client: Client, order: Generation) -> None:
    assert client.get("/health/ready").json()["queue"] == "up"
    Generation.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(minutes=10))
    cache.clear()
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["queue"]) == (503, "down")


def test_a_long_queue_is_no_fault_while_somebody_works(client: Client, order: Generation) -> None:
    Generation.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(minutes=10))
    order.pictures.update(lease_until=health.states.db_now() + 60_000)
    assert client.get("/health/ready").json()["queue"] == "up"


def test_strangers_who_ask_often_do_not_make_the_machine_work(client: Client, db: None, django_assert_num_queries: Any) -> None:
    client.get("/health/ready")
    with django_assert_num_queries(0):
        client.get("/health/ready")


def test_this_machine_keeps_the_promises_of_the_queue() -> None:
    assert checks.celery_keeps_its_promises(None) == []


@pytest.mark.parametrize("name", ["task_acks_late", "accept_content", "worker_prefetch_multiplier", "result_expires"])
def test_a_queue_setting_that_drifts_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    drifted = Celery("drifted")
    drifted.config_from_object({**{promise: checks.app.conf[promise] for promise in checks.CELERY_PROMISES}, name: None})
    drifted.conf.broker_transport_options = drifted.conf.result_backend_transport_options = {"visibility_timeout": 3600}
    monkeypatch.setattr(checks, "app", drifted)
    (error,) = checks.celery_keeps_its_promises(None)
    assert error.id == "adsgem.E002" and name in error.msg


def test_a_missing_visibility_timeout_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.app.conf, "broker_transport_options", {})
    assert [error.id for error in checks.celery_keeps_its_promises(None)] == ["adsgem.E002"]


def test_a_missing_fribidi_is_told_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.features, "check", lambda name: False)
    (warning,) = checks.type_is_set_with_raqm(None)
    assert "libfribidi0" in str(warning.hint)


def test_an_incomplete_copy_is_told(settings: Any, tmp_path: object) -> None:
    settings.BASE_DIR = tmp_path
    assert [error.id for error in checks.pictures_and_fonts_are_there(None)] == ["adsgem.E001"] * len(checks.READABLE)


def test_sqlite_that_may_forget_is_an_error(db: None) -> None:
    # The tests themselves run without waiting for the disk.
    found = checks.sqlite_forgets_nothing(None, databases=["default"])
    vendor = checks.connection.vendor
    assert [error.id for error in found] == (["adsgem.E003"] if vendor == "sqlite" else [])
