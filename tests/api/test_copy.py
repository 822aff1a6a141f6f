"""Copy ideas and keywords by API: for one's own brand and photos, judged first, honest about who wrote, and free."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from accounts.models import Brand, Membership, User
from generations import spending
from generations.models import Generation, Photo, Step
from prompting import asking
from prompting.models import Rule, TokenPrice
from tests.api.conftest import client_of, is_problem
from tests.fakes.llm_server import LlmServer

SUGGEST = "/api/v1/copy/suggest"
BRIEF = {"headline": "Wake up to glow", "product": "Radiance serum", "subline": "Rosehip for tired mornings"}
GOOD = {"angle": "benefit", "headline": "Mornings that glow", "subline": "Rosehip while the kettle boils", "cta": "Try it", "badge": ""}


@pytest.fixture(autouse=True)
def rules(db: None) -> None:
    if not Rule.objects.exists():
        import_module("prompting.migrations.0002_first_instructions_and_rules").fill(apps, None)
        import_module("prompting.migrations.0003_prices_of_pictures_and_where_they_were_read").say_it_of_any_text(apps, None)


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    """A language model that answers well."""
    monkeypatch.setattr(asking, "pause", lambda seconds: None)
    with LlmServer() as running:
        running.reply = {"suggestions": [GOOD]}
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = running.url, "sk-test", "fake-large"
        yield running


def suggest(client: APIClient, **more: Any) -> Any:
    return client.post(SUGGEST, {"brief": BRIEF, **more}, format="json")


def test_mia_gets_ideas_without_a_model_and_is_told_what_they_are(as_mia: APIClient, brand: Brand) -> None:
    answer = suggest(as_mia)
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) == {"writer", "fallback", "note", "language", "suggestions"}
    assert (told["writer"], told["fallback"], told["language"]) == ("offline", False, "en") and "no language model" in told["note"]
    assert {each["angle"] for each in told["suggestions"]} == {"benefit", "curiosity"}
    assert not Generation.objects.exists() and not Step.objects.exists()


def test_a_model_writes_in_the_brands_voice_within_the_limits_that_were_asked_for(
    as_mia: APIClient, brand: Brand, server: LlmServer
) -> None:
    Brand.objects.filter(pk=brand.pk).update(tone="calm", words_to_avoid=["anti-ageing"])
    told = suggest(as_mia, angles=["benefit"], limits={"headline": 25}).json()
    assert told["suggestions"] == [GOOD] and told["writer"] == "openai" and told["note"] == ""
    sent = server.asked("/chat/completions")[0].text
    assert "anti-ageing" in sent and "calm" in sent and "25" in sent
    assert [each.path for each in server.requests] == ["/moderations", "/chat/completions"]


def test_when_the_model_is_away_the_patterns_step_in_and_the_answer_says_so(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    server.always = "server_error"
    told = suggest(as_mia).json()
    assert told["fallback"] is True and told["writer"] == "offline" and told["suggestions"]


def test_without_a_fallback_the_caller_is_told_when_to_come_back(as_mia: APIClient, brand: Brand, server: LlmServer, settings: Any) -> None:
    settings.WRITER_FALLBACK = False
    server.script("ok", "rate_limit_long")  # the moderation answers, the writer does not
    answer = suggest(as_mia)
    is_problem(answer, 503)
    assert answer["Retry-After"] == "120"


def test_an_answer_of_no_use_is_the_servers_fault_and_a_refusal_the_briefs(
    as_mia: APIClient, brand: Brand, server: LlmServer, settings: Any
) -> None:
    settings.WRITER_FALLBACK = False
    server.script("ok", "not_json", "not_json")
    is_problem(suggest(as_mia), 502)
    server.script("ok", "refusal")
    body = is_problem(suggest(as_mia), 422)
    assert list(body["errors"]) == ["brief"] and "will not write" in body["detail"]


def test_what_may_not_be_advertised_is_refused_before_a_model_is_asked(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    body = is_problem(suggest(as_mia, brief={**BRIEF, "headline": "Porn for all"}), 422)
    assert "Nudity" in body["detail"] and not server.asked("/chat/completions")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"brief": {"product": "x"}}, "brief.headline"),
        ({"brief": "glow"}, "brief"),
        ({"angles": ["poetry"]}, "angles"),
        ({"limits": {"headline": 4}}, "limits.headline"),
        ({"limits": {"headline": 1000}}, "limits.headline"),
        ({"limits": []}, "limits"),
        ({"brand": "elsewhere"}, "brand"),
    ],
)
def test_what_cannot_be_read_is_said_by_field(as_mia: APIClient, brand: Brand, eve: User, more: dict[str, Any], field: str) -> None:
    body = is_problem(suggest(as_mia, **more), 422)
    assert any(name.startswith(field) for name in body["errors"]), body


def test_who_may_only_look_and_who_is_nobody_spends_nothing(anyone: APIClient, brand: Brand, server: LlmServer) -> None:
    is_problem(suggest(anyone), 401)
    viewer = User.objects.create_user("vera@example.com", "correct horse battery", name="Vera")
    Membership.objects.create(user=viewer, brand=brand, role=Membership.Role.REVIEWER)
    is_problem(suggest(client_of(viewer)), 403)
    assert not server.requests


# --- other languages and lengths

GERMAN = {"headline": "Wach auf und strahle", "cta": "Jetzt testen"}


def translate(client: APIClient, **more: Any) -> Any:
    body = {"texts": {"headline": "Wake up to glow", "cta": "Try it now", "badge": ""}, "language": "de", **more}
    return client.post("/api/v1/copy/translate", body, format="json")


def fit(client: APIClient, **more: Any) -> Any:
    return client.post("/api/v1/copy/fit", {"text": "Wake up to glow. Rosehip for tired mornings.", "limit": 20, **more}, format="json")


def test_a_model_says_mias_texts_in_german_within_her_limits(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    server.reply = GERMAN
    told = translate(as_mia, limits={"headline": 25}).json()
    by_whom = {"writer": "openai", "fallback": False, "note": ""}
    assert told == {**by_whom, "language": "de", "right_to_left": False, "texts": {**GERMAN, "badge": ""}}
    assert [each.path for each in server.requests] == ["/moderations", "/chat/completions"]
    assert "German (de)" in server.requests[1].text and "25" in server.requests[1].text
    assert not Generation.objects.exists() and Step.objects.get().subject == brand.pk


def test_without_a_model_nothing_is_translated_and_mia_is_told_what_to_do(as_mia: APIClient, brand: Brand) -> None:
    body = is_problem(translate(as_mia), 422)
    assert body["errors"] == {"texts": ["Nothing can be translated while no language model is at work. Write these words yourself."]}


def test_when_the_model_is_away_a_translation_can_be_asked_for_again_later(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    server.script("ok", "rate_limit_long")
    assert is_problem(translate(as_mia), 503)["detail"] and translate(as_mia)["Retry-After"]


def test_a_language_that_nobody_knows_is_said_at_its_field(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    body = is_problem(translate(as_mia, language="tlh"), 422)
    assert list(body["errors"]) == ["language"] and not server.asked("/chat/completions")


def test_a_model_says_a_text_shorter_or_longer(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    server.reply = {"text": "Wake up, glow."}
    told = fit(as_mia).json()
    assert told == {"writer": "openai", "fallback": False, "note": "", "language": "en", "text": "Wake up, glow."}
    server.reply = {"text": "Wake up to glow with rosehip, made for tired mornings."}
    assert fit(as_mia, limit=60, longer=True).json()["text"] == server.reply["text"]
    assert "longer" in server.asked("/chat/completions")[1].text


def test_without_a_model_a_text_is_cut_and_says_so_but_is_never_made_longer(as_mia: APIClient, brand: Brand) -> None:
    told = fit(as_mia).json()
    assert (told["writer"], told["text"]) == ("offline", "Wake up to glow.") and "not rewritten" in told["note"]
    body = is_problem(fit(as_mia, limit=80, longer=True), 422)
    assert body["errors"]["text"] == ["Nothing can be made longer while no language model is at work. Add the words yourself."]


@pytest.mark.parametrize("asking_for", [translate, fit])
def test_words_that_may_not_be_advertised_are_neither_translated_nor_fitted(
    as_mia: APIClient, brand: Brand, server: LlmServer, asking_for: Any
) -> None:
    body = is_problem(asking_for(as_mia, texts={"headline": "Porn for all"}, text="Porn for all"), 422)
    assert "Nudity" in body["detail"] and not server.requests


@pytest.mark.parametrize("asking_for", [translate, fit])
def test_strangers_and_those_who_may_only_look_have_nothing_written(
    anyone: APIClient, as_eve: APIClient, brand: Brand, server: LlmServer, asking_for: Any
) -> None:
    viewer = User.objects.create_user("vera@example.com", "correct horse battery", name="Vera")
    Membership.objects.create(user=viewer, brand=brand, role=Membership.Role.REVIEWER)
    is_problem(asking_for(anyone), 401)
    is_problem(asking_for(client_of(viewer)), 403)
    assert "brand" in is_problem(asking_for(as_eve, brand=brand.slug), 422)["errors"]
    assert not server.requests


@pytest.mark.parametrize(
    ("asking_for", "more", "field"),
    [
        (translate, {"texts": {}}, "texts"),
        (translate, {"texts": ["Wake up"]}, "texts"),
        (translate, {"texts": {"headline": "\u200b", "cta": " "}}, "texts"),
        (translate, {"texts": {"Head line": "Wake up"}}, "texts"),
        (translate, {"texts": {f"text_{number}": "Wake up" for number in range(21)}}, "texts"),
        (translate, {"texts": {"headline": "x" * 3001}}, "texts"),
        (translate, {"language": "</material>"}, "language"),
        (translate, {"limits": {"subline": 20}}, "limits"),
        (translate, {"limits": {"headline": 0}}, "limits"),
        (fit, {"text": "\u200b"}, "text"),
        (fit, {"limit": 2}, "limit"),
        (fit, {"limit": None}, "limit"),
        (fit, {"language": "everything"}, "language"),
    ],
)
def test_what_cannot_be_written_from_is_said_by_field(
    as_mia: APIClient, brand: Brand, server: LlmServer, asking_for: Any, more: dict[str, Any], field: str
) -> None:
    body = is_problem(asking_for(as_mia, **more), 422)
    assert any(name.startswith(field) for name in body["errors"]), body
    assert not server.requests


def test_a_brand_that_has_spent_its_day_is_told_what_to_do_and_nothing_is_asked(
    as_mia: APIClient, brand: Brand, photo: Photo, server: LlmServer
) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    Brand.objects.filter(pk=brand.pk).update(daily_micro_usd=0)
    assert "Write the words yourself" in is_problem(translate(as_mia), 422)["detail"]
    told = [suggest(as_mia).json(), fit(as_mia).json(), keywords_of(as_mia, photo).json()]
    assert all(each["fallback"] and each["writer"] == "offline" for each in told), "rules step in where they can"
    assert not server.asked("/chat/completions")


def test_what_is_asked_without_an_order_counts_for_the_brand_that_asked(as_mia: APIClient, brand: Brand, server: LlmServer) -> None:
    TokenPrice.objects.create(model="fake", prompt=2_000_000, completion=8_000_000)
    server.reply = {"text": "Wake up, glow."}
    fit(as_mia)
    assert spending.spent_today(brand) == Step.objects.get(subject=brand.pk).micro_usd > 0


# --- keywords of a photo


def keywords_of(client: APIClient, photo: Photo, **body: Any) -> Any:
    return client.post(f"/api/v1/photos/{photo.pk}/keywords", body, format="json")


def test_keywords_are_found_by_rules_and_kept_with_the_photo(as_mia: APIClient, photo: Photo) -> None:
    told = keywords_of(as_mia, photo).json()
    assert told["writer"] == "offline" and "no language model" in told["note"]
    assert "bottle" in told["keywords"] and {"brown", "black"} & set(told["keywords"])
    photo.refresh_from_db()
    assert photo.keywords == told["keywords"]


def test_a_model_looks_at_the_product_and_answers_in_the_marketers_language(as_mia: APIClient, photo: Photo, server: LlmServer) -> None:
    server.reply = {"keywords": ["Schiefer", "Leinen", "Dampf", "Eiche", "Morgensonne"], "people_in_photo": "no"}
    told = keywords_of(as_mia, photo, language="de-AT").json()
    assert told["keywords"] == server.reply["keywords"] and (told["writer"], told["note"]) == ("openai", "")
    assert told["people_in_photo"] == "no" and "German (de-AT)" in server.asked("/chat/completions")[0].text
    assert keywords_of(as_mia, photo, language="de-AT").json() == told and len(server.asked("/chat/completions")) == 1
    assert Step.objects.get(photo=photo, kind=Step.Kind.WRITE).tokens > 0


def test_a_photo_that_may_not_be_advertised_is_not_described(as_mia: APIClient, photo: Photo, server: LlmServer) -> None:
    Photo.objects.filter(pk=photo.pk).update(name="nude bottle.jpg")  # the stand-in for a moderation goes by this word
    body = is_problem(keywords_of(as_mia, photo), 422)
    assert body["errors"] == {"photo": ["The photo shows sexual content. Choose another one."]} and not server.asked("/chat/completions")


def test_eve_cannot_have_mias_photo_looked_at(client: Any, eve: User, photo: Photo, server: LlmServer) -> None:
    is_problem(keywords_of(client_of(eve), photo), 404)
    is_problem(client_of(eve).post(f"/api/v1/photos/{uuid.uuid4()}/keywords", {}, format="json"), 404)
    assert not server.requests and Photo.objects.get().keywords == []


def test_who_may_only_look_gets_no_keywords(brand: Brand, photo: Photo) -> None:
    viewer = User.objects.create_user("vera@example.com", "correct horse battery", name="Vera")
    Membership.objects.create(user=viewer, brand=brand, role=Membership.Role.REVIEWER)
    is_problem(keywords_of(client_of(viewer), photo), 403)


def test_a_language_must_be_a_language(as_mia: APIClient, photo: Photo) -> None:
    assert "language" in is_problem(keywords_of(as_mia, photo, language="</material>"), 422)["errors"]
