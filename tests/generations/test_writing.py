"""An order is judged and written before its pictures are begun: by a language model, or by whoever steps in for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Brand, Transfer, User
from generations import pipeline, spending, writing
from generations.models import Generation, Picture, Step
from prompting import rests
from prompting.models import LanguageServer, TokenPrice
from tests.fakes.llm_server import LlmServer
from tests.prompting.conftest import PLAN


@pytest.fixture
def server(settings: Any) -> Iterator[LlmServer]:
    """A language server that answers well, as this installation's writer."""
    with LlmServer() as running:
        running.reply = PLAN
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = running.url, "sk-canary-key", "fake-large"
        yield running


def words_of(order: Generation) -> Generation:
    writing.write(order.pk)
    return Generation.objects.get(pk=order.pk)


def test_a_model_writes_the_scene_and_what_it_used_is_counted_once(order: Generation, server: LlmServer) -> None:
    written = words_of(order)
    assert written.status == Generation.Status.MAKING and written.plan is not None
    assert "marble counter" in written.plan.scene_prompt
    assert (written.facts["writer"], written.facts["fallback"]) == ("openai", False)
    steps = Step.objects.filter(generation=order, kind=Step.Kind.WRITE, error="")
    assert sum(step.tokens for step in steps) > 0
    assert any("marble" in str(step.output_data.get("raw", "")) for step in steps), "the answer as it came"
    assert sum(step.tokens > 0 for step in steps) == len(server.asked("/chat/completions")) == 1
    assert not any("sk-canary-key" in str(step.output_data) for step in steps)


def test_an_order_that_may_not_be_advertised_is_refused_with_a_reason_and_costs_nothing(
    order: Generation, server: LlmServer, mia: User, client: Client
) -> None:
    Generation.objects.filter(pk=order.pk).update(brief_data={**order.brief_data, "headline": "nude"})
    ended = words_of(order)
    assert ended.status == Generation.Status.REFUSED and "Change it" in ended.error_message
    assert set(ended.pictures.values_list("status", flat=True)) == {Picture.Status.REFUSED}
    assert not server.asked("/chat/completions"), "nothing was spent on it"
    assert Transfer.objects.filter(kind="void").count() == ended.pictures.count()
    client.force_login(mia)
    assert ended.error_message[:40] in client.get(f"/generations/{order.pk}/").content.decode()


def test_a_model_that_will_not_write_it_ends_the_order_politely(order: Generation, server: LlmServer) -> None:
    server.always = "refusal"
    ended = words_of(order)
    assert ended.status == Generation.Status.REFUSED and ended.error_message
    assert set(ended.pictures.values_list("status", flat=True)) == {Picture.Status.REFUSED}


def test_without_an_answer_the_writer_that_needs_no_model_steps_in_and_the_page_says_so(
    order: Generation, server: LlmServer, mia: User, client: Client
) -> None:
    server.always = "quota"
    written = words_of(order)
    assert written.status == Generation.Status.MAKING
    assert written.facts["fallback"] and written.facts["reason"] == "quota"
    client.force_login(mia)
    assert "come from the writer without one" in client.get(f"/generations/{order.pk}/").content.decode()
    assert pipeline.run(order.pk).status == Generation.Status.READY
    ad = order.pictures.first().ads.first()  # type: ignore[union-attr]
    assert ad is not None and ad.recipe["written"]["fallback"]


def test_where_nobody_may_step_in_the_order_waits_loses_no_try_and_goes_on_by_itself(
    order: Generation, server: LlmServer, settings: Any, mia: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WRITER_FALLBACK = False
    server.always = "quota"
    for _ in range(3):
        Generation.objects.filter(pk=order.pk).update(run_after=0)
        waiting = words_of(order)
    assert waiting.status == Generation.Status.WRITING and waiting.tries == 0
    assert len(server.asked("/chat/completions")) == 1, "its server says itself that it rests"
    client.force_login(mia)
    assert "The service that writes does not answer" in client.get(f"/generations/{order.pk}/").content.decode()
    server.always = ""
    rests.worked(LanguageServer.objects.get(model="fake-large"))
    Generation.objects.filter(pk=order.pk).update(run_after=0)
    assert words_of(order).status == Generation.Status.MAKING


def test_people_who_are_seen_in_the_photo_are_flagged_though_the_brief_names_none(order: Generation, server: LlmServer) -> None:
    server.reply = {**PLAN, "people_in_photo": "yes"}
    facts = words_of(order).facts
    assert (facts["people"], facts["people_in_photo"]) == (True, "yes")


def test_the_writer_that_needs_no_model_does_not_know_whether_people_are_in_a_photo(order: Generation) -> None:
    facts = words_of(order).facts
    assert (facts["people"], facts["people_in_photo"]) == (False, "unknown")


def test_an_answer_that_could_not_be_used_is_counted_where_another_writer_steps_in(order: Generation, server: LlmServer) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    server.always = "not_json"
    written = words_of(order)
    assert written.facts["fallback"] and written.facts["reason"] == "bad_answer"
    paid = Step.objects.filter(generation=order, micro_usd__gt=0)
    assert paid.count() == len(server.asked("/chat/completions")) == 2 and spending.spent_today(order.brand) > 0


# --- the budget of a day


@pytest.fixture
def dear(server: LlmServer) -> LlmServer:
    """A model that costs money: some thousand micro-dollars an answer."""
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    return server


def test_a_brand_that_has_spent_its_day_is_written_for_without_a_model_and_the_page_says_why(
    order: Generation, dear: LlmServer, settings: Any, mia: User, client: Client
) -> None:
    settings.DAILY_MICRO_USD = 0
    written = words_of(order)
    assert written.status == Generation.Status.MAKING and written.facts["reason"] == "daily_budget"
    assert not dear.asked("/chat/completions")
    client.force_login(mia)
    assert "budget for language models is used up" in client.get(f"/generations/{order.pk}/").content.decode()


def test_where_nobody_may_step_in_the_order_fails_with_a_sentence_and_its_credits_go_back(
    order: Generation, dear: LlmServer, settings: Any
) -> None:
    settings.WRITER_FALLBACK = False
    Brand.objects.filter(pk=order.brand_id).update(daily_micro_usd=0)
    ended = words_of(order)
    assert (ended.status, ended.error_code) == (Generation.Status.FAILED, "daily_budget")
    assert ended.error_message == f"{spending.USED_UP} Order again tomorrow, or ask staff to raise it. No credit used."
    assert not dear.asked("/chat/completions")
    assert Transfer.objects.filter(kind="void").count() == ended.pictures.count()


def test_a_brands_own_budget_goes_before_the_installations_and_yesterday_counts_for_nothing(
    order: Generation, dear: LlmServer, settings: Any
) -> None:
    settings.DAILY_MICRO_USD = 0
    brand = order.brand
    Brand.objects.filter(pk=brand.pk).update(daily_micro_usd=1)
    assert words_of(order).facts["writer"] == "openai"
    brand.refresh_from_db()
    spent = spending.spent_today(brand)
    assert spent > 1 and spending.used_up(brand)
    Step.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert spending.spent_today(brand) == 0 and not spending.used_up(brand)


def test_what_one_brand_spends_is_no_other_brands_budget(order: Generation, dear: LlmServer) -> None:
    words_of(order)
    hers = Brand.objects.create(name="Nebula", slug="nebula")
    assert spending.spent_today(order.brand) > 0 == spending.spent_today(hers)
