"""An order is judged and written before its pictures are begun: by a language model, or by whoever steps in for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Transfer, User
from generations import breakers, pipeline, writing
from generations.models import Breaker, Generation, Picture, Step
from prompting.models import LanguageServer
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
    assert not breakers.may_try(breakers.WRITER)
    client.force_login(mia)
    assert "The service that writes does not answer" in client.get(f"/generations/{order.pk}/").content.decode()
    server.always = ""
    Breaker.objects.all().delete()
    LanguageServer.objects.update(rest_until=0)
    Generation.objects.filter(pk=order.pk).update(run_after=0)
    assert words_of(order).status == Generation.Status.MAKING
