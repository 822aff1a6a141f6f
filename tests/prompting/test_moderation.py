"""Before anything is spent: what may not be advertised is refused with a reason, and people in a picture are flagged."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from prompting import moderation
from prompting.brief import Brief
from prompting.models import LanguageServer, Rule
from prompting.rules import says
from tests.fakes.llm_server import ALL, LlmServer
from tests.prompting.conftest import photo

pytestmark = pytest.mark.usefixtures("rules")


def check(**told: Any) -> moderation.Verdict:
    return moderation.check(Brief.read({"headline": "Wake up to glow", "product": "Radiance serum", **told}))


def test_an_ordinary_brief_may_be_made() -> None:
    assert check() == moderation.Verdict(True)


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"headline": "Porn for everybody"}, "Nudity"),
        ({"keywords": ["topless"]}, "Nudity"),
        ({"product": "ＰＯＲＮＯ magazine"}, "Nudity"),
        ({"product": "po\u200brn"}, "Nudity"),
        ({"subline": "Eine nackte Frau am Strand"}, "Nudity"),
        ({"subline": "It cures cancer"}, "heal an illness"),
        ({"headline": "A deepfake of the president"}, "real person"),
        ({"product": "Replica watches"}, "Imitations"),
        ({"audience": "buyers of an assault rifle"}, "Weapons"),
    ],
)
def test_what_may_not_be_advertised_is_refused_with_a_reason(told: dict[str, Any], word: str) -> None:
    verdict = check(**told)
    assert not verdict.ok and word in verdict.reason and verdict.reason.endswith(".")


@pytest.mark.parametrize(
    "told",
    [
        {"product": "Nude lipstick"},
        {"headline": "Grape therapy"},
        {"product": "Cocktail shaker"},
        {"headline": "Kill the boredom"},
        {"product": "Essex gin"},
        {"subline": "A gun-metal grey finish"},
        {"avoid": "nudity, gore"},
    ],
)
def test_harmless_words_that_look_like_others_are_not_refused(told: dict[str, Any]) -> None:
    assert check(**told).ok


def test_people_who_will_be_seen_are_flagged_and_people_who_will_read_it_are_not() -> None:
    assert check(keywords=["a woman running", "dawn"]).people
    assert check(keywords=["Frau", "Morgen"]).people
    assert not check(audience="women of 30 to 40", keywords=["dawn", "manual", "modelling clay"], avoid="people").people


def test_staff_decide_what_is_refused() -> None:
    Rule.objects.create(words="lava lamp*", reason="Lava lamps are not advertised here.")
    assert check(product="Lava Lamps of 1970").reason == "Lava lamps are not advertised here."
    Rule.objects.filter(words="lava lamp*").update(enabled=False)
    assert check(product="Lava Lamps of 1970").ok


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("the best tea", "the best", True),
        ("bestial", "best", False),
        ("we are #1!", "#1", True),
        ("100% cotton", "100%", True),
        ("a", "*", False),
    ],
)
def test_words_are_found_as_words(text: str, words: str, found: bool) -> None:
    assert says(text, words) is found


def test_where_there_is_a_moderation_it_sees_the_brief_and_the_photo(server: LlmServer) -> None:
    good = moderation.check(Brief.read({"headline": "Wake up"}), photo())
    assert (good.ok, good.who) == (True, "moderation")
    bad = moderation.check(Brief.read({"headline": "A nude bottle"}), photo())
    assert not bad.ok and "sexual content" in bad.reason
    parts = server.requests[0].body["input"]
    assert [part["type"] for part in parts] == ["text", "image_url"] and "Wake up" in parts[0]["text"]


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        ("order", "The brief or the photo shows sexual content. Change it, and order again."),
        ("brief", "The brief shows sexual content. Change it, and ask again."),
        ("texts", "The texts show sexual content. Change them, and ask again."),
        ("text", "The text shows sexual content. Change it, and ask again."),
        ("photo", "The photo shows sexual content. Choose another one."),
    ],
)
def test_a_refusal_speaks_of_what_was_judged(server: LlmServer, judged: str, sentence: str) -> None:
    assert moderation.check(Brief.read({"headline": "A nude bottle"}), judged=judged).reason == sentence


def test_no_rule_speaks_of_a_brief_where_there_may_be_none() -> None:
    assert not Rule.objects.filter(reason__contains="out of the brief").exists()


def test_a_server_without_moderation_is_asked_once(server: LlmServer) -> None:
    server.speaks = ALL - {"moderations"}
    assert check() == check() == moderation.Verdict(True)
    assert len(server.requests) == 1 and not LanguageServer.objects.get().moderation


def test_when_the_moderation_is_away_the_rules_decide_and_nobody_waits_for_it_for_long(server: LlmServer) -> None:
    server.always = "server_error"
    assert [check().ok for _ in range(5)] == [True] * 5
    assert not check(headline="Porn").ok
    assert len(server.requests) == 3  # then it is left in peace


def test_a_refusal_must_say_why() -> None:
    with pytest.raises(ValidationError, match="Say in a sentence"):
        Rule(words="x", effect="refuse").full_clean()
