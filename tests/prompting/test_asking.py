"""The writer asks a server that goes wrong in every way we have seen: each time the end is the right one, and no call is too many."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from prompting import asking, moderation, rests
from prompting.answers import Text
from prompting.instructions import in_force
from prompting.models import LanguageServer, SavedAnswer, TokenPrice
from prompting.openai_writer import OpenAIWriter
from prompting.writer import COPY_LIMITS, OverBudget, Refused, WriterError, WriterUnavailable, Written
from prompting.writers import paused, writer
from tests.fakes.llm_server import ALL, LlmServer
from tests.prompting.conftest import BRIEF, MARBLE, PLAN, Purse, photo

pytestmark = pytest.mark.django_db

CHAT = "/chat/completions"
# What each fault, for ever, ends in: the error's class, its code, and how many times the server was asked.
FOR_EVER: dict[str, tuple[type[WriterError], str, int]] = {
    "rate_limit": (WriterUnavailable, "rate_limit", 3),
    "rate_limit_long": (WriterUnavailable, "rate_limit", 1),
    "rate_limit_bare": (WriterUnavailable, "rate_limit", 3),
    "rate_limit_nonsense": (WriterUnavailable, "rate_limit", 3),
    "quota": (WriterUnavailable, "quota", 1),
    "server_error": (WriterUnavailable, "outage", 3),
    "bad_gateway": (WriterUnavailable, "outage", 3),
    "overloaded": (WriterUnavailable, "outage", 3),
    "gateway_timeout": (WriterUnavailable, "outage", 3),
    "timeout": (WriterUnavailable, "outage", 3),
    "drip": (WriterUnavailable, "outage", 3),
    "reset": (WriterUnavailable, "outage", 3),
    "closed": (WriterUnavailable, "outage", 3),
    "truncated_body": (WriterUnavailable, "outage", 3),
    "html": (WriterUnavailable, "outage", 3),
    "redirect": (WriterUnavailable, "outage", 3),
    "not_text": (WriterUnavailable, "outage", 3),
    "no_choices": (WriterUnavailable, "outage", 3),
    "unauthorized": (WriterUnavailable, "key", 1),
    "forbidden": (WriterUnavailable, "key", 1),
    "model_missing": (WriterUnavailable, "model", 1),
    "too_long": (WriterError, "too_long", 1),
    "refusal": (Refused, "refused", 1),
    "refusal_in_words": (Refused, "refused", 1),
    "content_filter": (Refused, "refused", 1),
    "content_policy": (Refused, "refused", 1),
    "moderation_blocked": (Refused, "refused", 1),
    "truncated_json": (WriterError, "bad_answer", 2),
    "not_json": (WriterError, "bad_answer", 2),
    "wrong_schema": (WriterError, "bad_answer", 2),
    "wrong_types": (WriterError, "bad_answer", 2),
    "empty": (WriterError, "bad_answer", 2),
    "null": (WriterError, "bad_answer", 2),
    "blank_fields": (WriterError, "bad_answer", 2),
    "huge": (WriterError, "bad_answer", 2),
    "long_fields": (WriterError, "bad_answer", 2),
    "deep": (WriterError, "bad_answer", 2),
    "wrong_language": (WriterError, "bad_answer", 2),
    "tool_call": (WriterError, "bad_answer", 2),
    "injected": (WriterError, "bad_answer", 2),
}
# These are understood as they are.
HARMLESS = ("fenced", "chatty", "thinking", "extra_keys", "list", "no_usage")
# Once, and then the server is well again: all that another try or a repair can mend is mended.
MENDED = sorted(name for name, (kind, code, calls) in FOR_EVER.items() if calls > 1)


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, settings: Any) -> None:
    """Where a server hangs, we do not wait for it as long as we would; where it answers in the end, long enough for a busy machine."""
    if getattr(request.node, "callspec", None) and request.node.callspec.params.get("fault") in ("timeout", "drip"):
        settings.WRITER_SECONDS = 1.5 if "that_passes" in request.node.name else 0.4


def plan(**more: object) -> Written:
    return OpenAIWriter().plan(MARBLE, BRIEF, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", sorted(FOR_EVER))
def test_a_fault_that_stays_ends_in_the_right_refusal_and_in_few_calls(server: LlmServer, pauses: list[float], fault: str) -> None:
    kind, code, calls = FOR_EVER[fault]
    server.always = fault
    with pytest.raises(WriterError) as caught:
        plan()
    assert type(caught.value) is kind and caught.value.code == code
    assert len(server.asked(CHAT)) == calls <= asking.CALLS_AT_MOST
    assert str(caught.value).endswith(".") and not any(word in str(caught.value) for word in ("127.0.0.1", "sk-", "nginx", "Error"))
    assert not SavedAnswer.objects.exists()


@pytest.mark.parametrize("fault", sorted(FOR_EVER))
def test_with_the_offline_writer_behind_it_every_order_is_written_or_politely_refused(
    server: LlmServer, pauses: list[float], fault: str
) -> None:
    server.always = fault
    if FOR_EVER[fault][0] is Refused:
        with pytest.raises(Refused):
            writer().plan(MARBLE, BRIEF)
        return
    written = writer().plan(MARBLE, BRIEF)
    assert written.fallback and (written.who, written.error) == ("offline", FOR_EVER[fault][1])
    assert written.plan.scene_prompt.startswith("Scene: A warm marble counter")


@pytest.mark.parametrize("fault", MENDED)
def test_a_fault_that_passes_costs_one_more_call_and_no_quality(server: LlmServer, pauses: list[float], fault: str) -> None:
    server.script(fault)
    written = plan()
    assert written.plan.alt_text == PLAN["alt_text"] and not written.fallback
    assert len(server.asked(CHAT)) == 2


@pytest.mark.parametrize("fault", HARMLESS)
def test_an_answer_in_other_clothes_is_an_answer(server: LlmServer, fault: str) -> None:
    server.always = fault
    written = plan()
    assert written.plan.alt_text == PLAN["alt_text"] and len(server.asked(CHAT)) == 1
    assert set(SavedAnswer.objects.get().answer) == set(PLAN)


def test_a_server_that_asks_for_patience_gets_it_and_one_that_asks_for_too_much_does_not(server: LlmServer, pauses: list[float]) -> None:
    server.script("rate_limit", "overloaded")
    plan()
    assert pauses == [1.0, 2.0]
    server.script("rate_limit_long")
    SavedAnswer.objects.all().delete()
    with pytest.raises(WriterUnavailable) as caught:
        plan()
    assert caught.value.retry_after == 120.0 and pauses == [1.0, 2.0]
    asked = len(server.requests)
    with pytest.raises(WriterUnavailable) as caught:
        plan()
    assert caught.value.code == "resting" and 100 < (caught.value.retry_after or 0) <= 120 and len(server.requests) == asked


def test_without_a_word_from_the_server_the_pauses_grow_and_are_never_the_same(server: LlmServer, pauses: list[float]) -> None:
    server.always = "server_error"
    with pytest.raises(WriterUnavailable):
        plan()
    assert len(pauses) == 2 and 0 <= pauses[0] <= 1 and 0 <= pauses[1] <= 2 and pauses[0] != pauses[1]


def test_three_orders_that_nobody_answered_let_the_next_ones_pass_by_and_one_probe_brings_them_back(
    server: LlmServer, pauses: list[float]
) -> None:
    server.always = "server_error"
    for _ in range(3):
        with pytest.raises(WriterUnavailable, match="cannot be reached"):
            plan()
    asked = len(server.requests)
    with pytest.raises(WriterUnavailable) as caught:
        plan()
    assert caught.value.code == "resting" and len(server.requests) == asked == 9
    server.always = ""
    LanguageServer.objects.update(rest_until=1)  # the half minute is over
    rests.may_ask(LanguageServer.objects.get())
    with pytest.raises(WriterUnavailable):
        plan()  # somebody else is the probe
    LanguageServer.objects.update(rest_until=1)
    assert plan().who == "openai"
    row = LanguageServer.objects.get()
    assert (row.failures, row.rest_until, row.reason) == (0, 0, "")


def test_orders_wait_for_the_writers_server_only_where_nobody_steps_in_for_it(
    server: LlmServer, pauses: list[float], settings: Any
) -> None:
    server.always = "quota"
    moderation.check(BRIEF)
    LanguageServer.objects.update(rest_until=2**50)  # the moderation rests by itself
    settings.WRITER_FALLBACK = False
    assert not paused()
    with pytest.raises(WriterUnavailable):
        plan()
    assert paused()
    settings.OPENAI_MODEL = "another"
    assert not paused()
    settings.OPENAI_MODEL, settings.WRITER_FALLBACK = "fake-large", True
    assert not paused()
    settings.WRITER_FALLBACK = False
    rests.worked(LanguageServer.objects.get(model="fake-large"))
    assert not paused()
    settings.OPENAI_BASE_URL = settings.OPENAI_API_KEY = ""
    assert not paused()


@pytest.mark.parametrize(
    ("fault", "job", "advice"),
    [
        ("quota", "plan", "The order waits until staff have looked after it."),
        ("quota", "fit", "Write it yourself, or ask staff to look after it."),
        ("server_error", "plan", "The order waits and goes on by itself."),
        ("server_error", "translate", "Try again in a little while."),
        ("refusal", "plan", "order again"),
        ("refusal", "copy", "ask again"),
        ("refusal", "translate", "translate them yourself"),
        ("refusal", "fit", "shorten it yourself"),
        ("refusal", "keywords", "type the keywords yourself"),
        ("too_long", "translate", "Send fewer or shorter ones."),
    ],
)
def test_every_sentence_fits_what_was_asked_for(server: LlmServer, pauses: list[float], fault: str, job: str, advice: str) -> None:
    server.always = fault
    ask = {
        "plan": lambda who: who.plan(MARBLE, BRIEF),
        "keywords": lambda who: who.keywords(photo(), "a.jpg", "en"),
        "copy": lambda who: who.copy(BRIEF, angles=("benefit",), limits=COPY_LIMITS, language="en"),
        "translate": lambda who: who.translate({"headline": "Wake up"}, limits={}, language="de"),
        "fit": lambda who: who.fit("Wake up to glow", 10),
    }
    with pytest.raises(WriterError, match=advice):
        ask[job](OpenAIWriter())


def test_the_whole_answer_must_be_there_in_time_however_it_drips(server: LlmServer, pauses: list[float], impatient: None) -> None:
    server.always = "drip"
    began = time.monotonic()
    with pytest.raises(WriterUnavailable):
        plan()
    assert time.monotonic() - began < 10


def test_a_redirect_takes_the_key_nowhere(server: LlmServer, pauses: list[float]) -> None:
    server.always = "redirect"
    with pytest.raises(WriterUnavailable):
        plan()
    assert {each.path for each in server.requests} == {CHAT}


def test_a_step_stops_before_it_uses_more_than_its_tokens(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "STEP_TOKENS", 6_500)
    server.always = "not_json"
    with pytest.raises(WriterError) as caught:
        plan()
    assert caught.value.code == "budget" and len(server.asked(CHAT)) == 1


def test_the_answer_is_handed_over_before_it_is_read_also_when_it_is_no_good(server: LlmServer) -> None:
    purse = Purse()
    server.script("not_json")
    OpenAIWriter(purse).plan(MARBLE, BRIEF)
    assert purse.books[0][0].startswith("Sure!") and json.loads(purse.books[1][0]) == PLAN
    assert all(usage.tokens > 0 for _, usage in purse.books)


@pytest.mark.parametrize("fault", ["refusal", "not_json", "wrong_language", "truncated_json"])
def test_an_answer_that_is_no_good_is_paid_all_the_same_and_so_it_is_counted(server: LlmServer, fault: str) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    purse = Purse()
    server.always = fault
    with pytest.raises(WriterError):
        OpenAIWriter(purse).captions(BRIEF, limits={"headline": 40}, language="en")
    assert len(purse.books) == len(server.asked(CHAT)) and all(usage.micro_usd > 0 for _, usage in purse.books)


def test_nothing_is_asked_that_nobody_can_pay_and_a_repair_is_a_question_too(server: LlmServer) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    with pytest.raises(OverBudget):
        OpenAIWriter(Purse(calls=0)).plan(MARBLE, BRIEF)
    assert not server.asked(CHAT)
    server.script("not_json")
    with pytest.raises(OverBudget):
        OpenAIWriter(Purse(calls=1)).plan(MARBLE, BRIEF)
    assert len(server.asked(CHAT)) == 1
    assert OpenAIWriter(Purse(calls=1)).plan(MARBLE, BRIEF).who == "openai"
    assert OpenAIWriter(Purse(calls=0)).plan(MARBLE, BRIEF).who == "openai"  # said before, so it costs nothing


def test_what_costs_nothing_is_asked_without_money(server: LlmServer) -> None:
    assert OpenAIWriter(Purse(calls=0)).plan(MARBLE, BRIEF).who == "openai"
    TokenPrice.objects.create(model="fake", prompt=0, completion=0)
    SavedAnswer.objects.all().delete()
    assert OpenAIWriter(Purse(calls=0)).plan(MARBLE, BRIEF).who == "openai"


def test_a_repair_tells_the_model_what_was_wrong_and_shows_its_answer(server: LlmServer) -> None:
    server.script("wrong_schema")
    plan()
    first, second = (each.body["messages"] for each in server.asked(CHAT))
    assert second[: len(first)] == first and [each["role"] for each in second[len(first) :]] == ["assistant", "user"]
    assert "The field 'scene' is missing." in second[-1]["content"] and '"alt_text"' in second[-1]["content"]


@pytest.mark.parametrize(
    ("speaks", "learned"),
    [
        (ALL, ("strict", "max_completion_tokens", True)),
        (ALL - {"max_completion_tokens"}, ("strict", "max_tokens", True)),
        (ALL - {"json_schema"}, ("json_object", "max_completion_tokens", True)),
        (ALL - {"json_schema", "json_object", "vision"}, ("plain", "max_completion_tokens", False)),
        (frozenset({"max_tokens"}), ("plain", "max_tokens", False)),
    ],
)
def test_what_a_server_understands_is_found_out_once_and_remembered(
    server: LlmServer, speaks: frozenset[str], learned: tuple[str, str, bool]
) -> None:
    server.speaks = speaks
    assert plan(photo=photo()).who == "openai"
    row = LanguageServer.objects.get()
    assert (row.structured, row.token_limit, row.vision) == learned
    SavedAnswer.objects.all().delete()
    before = len(server.requests)
    plan(photo=photo())
    assert len(server.requests) == before + 1


def test_a_server_that_calls_a_picture_its_own_fault_is_shown_none_any_more(server: LlmServer, pauses: list[float]) -> None:
    server.script("blind")
    assert plan(photo=photo()).who == "openai" and pauses == []
    row = LanguageServer.objects.get()
    assert (row.vision, row.structured, row.failures) == (False, "strict", 0)
    assert isinstance(server.requests[-1].body["messages"][1]["content"], str)


def test_where_the_schema_cannot_be_sent_it_is_told_in_words(server: LlmServer) -> None:
    server.speaks, server.reply = frozenset({"max_tokens"}), None  # the server makes its answer of the schema that it finds
    fields = asking.ask(_small_question()).fields
    assert set(fields) == {"text"}
    assert "response_format" not in server.requests[-1].body


def _small_question() -> asking.Question:
    return asking.Question("fit", in_force("copy_prompt"), "Say it shorter.", {"text": "a"}, {"text": Text(40)})


def test_a_server_that_only_pretends_to_keep_to_a_schema_is_told_it_in_words_from_then_on(server: LlmServer) -> None:
    server.script("not_json")
    plan()
    assert LanguageServer.objects.get().structured == "json_object"
    assert '"alt_text"' in server.requests[-1].body["messages"][0]["content"]


def test_a_server_that_minds_everything_is_left_in_peace(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.speaks = frozenset()
    with pytest.raises(WriterUnavailable) as caught:
        plan(photo=photo())
    assert caught.value.code == "not_understood" and len(server.requests) <= asking.LEARNING_AT_MOST + 1
    assert not LanguageServer.objects.exclude(structured="strict").exists()  # nothing was learned from that


def test_a_model_that_thought_for_too_long_gets_more_room_and_is_told_to_be_shorter(server: LlmServer) -> None:
    server.script("truncated_json")
    plan()
    first, second = (each.body for each in server.asked(CHAT))
    assert second["max_completion_tokens"] == 2 * first["max_completion_tokens"]
    assert "Be shorter." in second["messages"][-1]["content"]
    assert LanguageServer.objects.get().structured == "strict"  # a server that runs out of room does keep to schemas


def test_answers_are_forgotten_after_a_month(server: LlmServer) -> None:
    plan()
    SavedAnswer.objects.update(created_at=timezone.now() - timedelta(days=31))
    plan(photo=photo())
    assert SavedAnswer.objects.count() == 1 and len(server.requests) == 2
    SavedAnswer.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert asking.forget_old_answers() == 1


def test_no_traceback_shows_the_key(server: LlmServer) -> None:
    assert "sk-canary-key" not in repr(asking.wire())


def test_the_same_question_is_paid_once_and_another_instruction_photo_or_brief_is_another_question(server: LlmServer) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    first, again = plan(photo=photo()), plan(photo=photo())
    assert first.plan == again.plan and len(server.requests) == 1
    assert first.micro_usd > 0 and (again.micro_usd, again.tokens) == (0, 0) and again.raw == first.raw
    OpenAIWriter().plan(MARBLE, BRIEF, photo=photo(quality=20))
    plan()
    assert len(server.requests) == 3


def test_money_is_whole_micro_dollars_by_the_longest_name_that_fits(server: LlmServer) -> None:
    TokenPrice.objects.create(model="fake", prompt=1, completion=1)
    TokenPrice.objects.create(model="fake-la", prompt=2_500_000, completion=10_000_000)
    written, usage = plan(), SavedAnswer.objects.get()
    asked = [len(json.dumps(server.requests[0].body["messages"], ensure_ascii=False)) // 4, len(json.dumps(PLAN, ensure_ascii=False)) // 4]
    assert written.micro_usd == -(-(asked[0] * 2_500_000 + asked[1] * 10_000_000) // 1_000_000)
    assert usage.tokens == written.tokens == sum(asked)


def test_without_a_model_in_the_settings_the_only_one_of_the_server_writes(server: LlmServer, settings: Any) -> None:
    settings.OPENAI_MODEL = ""
    with pytest.raises(WriterUnavailable, match="not set up"):
        plan()
    server.models = ["the-only-one"]
    asked = len(server.requests)
    with pytest.raises(WriterUnavailable, match="not available"):
        plan()
    assert len(server.requests) == asked, "nobody looks again before staff could have done something"
    rests.worked(LanguageServer.objects.get(model=""))
    assert plan().who == "openai" and server.requests[-1].body["model"] == "the-only-one"


def test_nothing_listens_there(server: LlmServer, pauses: list[float]) -> None:
    server.stop()
    server.stop = lambda: None  # type: ignore[method-assign]
    with pytest.raises(WriterUnavailable):
        plan()
    assert len(pauses) == 2
