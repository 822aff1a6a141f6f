"""Keywords, copy, captions, translations and lengths: by a model within limits and true to the brief, by rules as far as rules go."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prompting import patterns, seen
from prompting.brief import Brief
from prompting.languages import LANGUAGES, in_language
from prompting.offline import Offline
from prompting.openai_writer import OpenAIWriter
from prompting.writer import ANGLES, COPY_LIMITS, Refused, Writer, WriterError
from prompting.writers import WithFallback, writer
from tests.fakes.llm_server import ALL, LlmServer
from tests.prompting.conftest import BRIEF, MARBLE, PLAN, photo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

PRODUCTS = Path(__file__).parents[2] / "templates_app" / "shelf" / "products"


def row(headline: str, **more: str) -> dict[str, str]:
    return {"angle": "benefit", "headline": headline, "subline": "", "cta": "", "badge": "", **more}


def copy_of(who: Writer, brief: Brief = BRIEF, *, language: str = "en", angles: tuple[str, ...] = ANGLES, **limits: int) -> Any:
    return who.copy(brief, angles=angles, limits={**COPY_LIMITS, **limits}, language=language)


# --- by a model


def test_keywords_come_from_what_a_model_sees(server: LlmServer) -> None:
    server.reply = {"keywords": ["wet slate", "Morgensonne", "wet slate", "Leinen", "Dampf", "Eiche", ""]}
    made = OpenAIWriter().keywords(photo(), "IMG_1.jpg", "de")
    assert made.value.keywords == ("wet slate", "Morgensonne", "Leinen", "Dampf", "Eiche") and made.who == "openai" and made.tokens > 0
    assert server.requests[0].body["messages"][1]["content"][1]["type"] == "image_url"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("yes", "yes"), ("No.", "no"), ("unknown", "unknown"), ("perhaps a hand", "unknown"), (True, "unknown"), (None, "unknown")],
)
def test_whether_people_are_in_a_photo_is_asked_with_the_rest_and_never_costs_a_second_question(
    server: LlmServer, said: object, meant: str
) -> None:
    server.reply = {**PLAN, "people_in_photo": said}
    assert OpenAIWriter().plan(MARBLE, BRIEF, photo=photo()).people_in_photo == meant
    server.reply = {"keywords": ["slate", "linen", "low sun", "steam", "oak"], "people_in_photo": said}
    assert OpenAIWriter().keywords(photo(), "IMG_1.jpg", "en").value.people == meant
    assert len(server.asked("/chat/completions")) == 2


def test_who_could_not_look_does_not_know_whether_people_are_there(server: LlmServer) -> None:
    server.reply = {**PLAN, "people_in_photo": "yes"}
    assert OpenAIWriter().plan(MARBLE, BRIEF).people_in_photo == "unknown"
    server.speaks = ALL - {"vision"}
    assert OpenAIWriter().plan(MARBLE, BRIEF, photo=photo()).people_in_photo == "unknown"
    assert OpenAIWriter().plan(MARBLE, BRIEF, photo=photo()).people_in_photo == "unknown"
    assert Offline().plan(MARBLE, BRIEF, photo=photo()).people_in_photo == "unknown"
    assert Offline().keywords(photo(), "IMG_1.jpg", "en").value.people == "unknown"


def test_a_model_without_eyes_leaves_the_photo_to_the_rules(server: LlmServer) -> None:
    server.speaks = ALL - {"vision"}
    made = writer().keywords(photo(), "rosehip serum 50ml.jpg", "en")
    assert made.fallback and made.who == "offline" and "rosehip" in made.value.keywords and "no language model" in made.note


def test_copy_that_is_too_long_untrue_or_in_another_language_is_left_out(server: LlmServer) -> None:
    good = row("Mornings that glow", subline="Rosehip for skin that slept too little", cta="Try it")
    server.reply = {
        "suggestions": [
            good,
            row("A headline that is much longer than the forty characters which are allowed"),
            row("Clinically proven glow"),
            row("Now 50% off"),
            row("Dein Licht für den Morgen und die Nacht"),
            row("Glow at evil.shop"),
            row("The best serum"),
            row("Mornings", angle="poetry"),
        ]
    }
    made = copy_of(OpenAIWriter())
    assert [each.headline for each in made.value] == ["Mornings that glow"]
    assert made.value[0].cta == "Try it" and made.note == ""


def test_a_claim_of_the_brief_may_be_said_again(server: LlmServer) -> None:
    brief = Brief.read({"headline": "The best serum, 50% off", "product": "evil.shop"})
    server.reply = {"suggestions": [row("The best serum is 50% off at evil.shop")]}
    assert len(copy_of(OpenAIWriter(), brief).value) == 1


def test_words_that_a_brand_avoids_are_avoided(server: LlmServer) -> None:
    brief = Brief.read({**BRIEF.as_data(), "avoid": "cheap, anti-ageing"})
    server.reply = {"suggestions": [row("Cheap glow"), row("Anti-ageing for all"), row("Cheaply is another word")]}
    assert [each.headline for each in copy_of(OpenAIWriter(), brief).value] == ["Cheaply is another word"]


def test_copy_of_which_nothing_can_be_used_is_asked_for_again_and_then_put_together_from_the_brief(server: LlmServer) -> None:
    server.reply = {"suggestions": [row("Guaranteed miracle")]}
    made = copy_of(writer())
    assert made.fallback and made.who == "offline" and len(server.requests) == 2
    assert {each.angle for each in made.value} == {"benefit", "curiosity"}


def test_captions_keep_to_the_limits_of_a_placement(server: LlmServer) -> None:
    server.reply = {"primary_text": "Rosehip wakes tired skin while the kettle boils.", "headline": "Glow before coffee"}
    limits = {"primary_text": 125, "headline": 27}
    assert OpenAIWriter().captions(BRIEF, limits=limits, language="en").value == server.reply
    server.reply = {"primary_text": "Rosehip wakes tired skin.", "headline": "Glow before coffee, every single morning"}
    with pytest.raises(WriterError):
        OpenAIWriter().captions(BRIEF, limits={**limits, "primary_text": 100}, language="en")


@pytest.mark.parametrize(
    ("language", "said"),
    [("ar", "استيقظي على إشراقة"), ("he", "להתעורר לזוהר"), ("ja", "輝きとともに目覚める"), ("de", "Wach auf und strahle")],
)
def test_a_translation_is_in_its_language(server: LlmServer, language: str, said: str) -> None:
    server.reply = {"headline": said}
    assert OpenAIWriter().translate({"headline": "Wake up to glow", "badge": ""}, limits={}, language=language).value == server.reply
    other = "he" if language != "he" else "ar"
    with pytest.raises(WriterError):
        OpenAIWriter().translate({"headline": "Wake up to glow"}, limits={}, language=other if language != "de" else "ru")


def test_figures_and_limits_survive_a_translation(server: LlmServer) -> None:
    texts = {"headline": "30% off until 24.12.", "legal": "RRP 49.90 €"}
    server.reply = {"headline": "30 % Rabatt bis 24.12.", "legal": "UVP 49.90 €"}
    assert OpenAIWriter().translate(texts, limits={"headline": 30}, language="de").value == server.reply
    for wrong in (
        {"headline": "40 % Rabatt bis 24.12.", "legal": "UVP 49.90 €"},
        {"headline": "30 % Rabatt nur noch bis zum 24.12.", "legal": "UVP 49.90 €"},
    ):
        server.reply = wrong
        with pytest.raises(WriterError):
            OpenAIWriter().translate(texts, limits={"headline": 29}, language="de")


def test_a_language_that_nobody_knows_is_said_before_anything_is_spent(server: LlmServer) -> None:
    with pytest.raises(WriterError, match="does not know the language"):
        OpenAIWriter().translate({"headline": "Hello"}, limits={}, language="tlh")
    assert not server.requests


def test_a_text_is_made_shorter_and_longer(server: LlmServer) -> None:
    server.reply = {"text": "Glow by rosehip"}
    assert OpenAIWriter().fit("Wake up to the glow of rosehip", 20).value == "Glow by rosehip"
    assert writer().fit("Wake up", 60, longer=True).value == "Glow by rosehip"
    server.reply = {"text": "Glow by rosehip, 20% off"}
    assert OpenAIWriter().fit("Glow by rosehip, 20% off today", 25).value == "Glow by rosehip, 20% off"
    with pytest.raises(WriterError):
        OpenAIWriter().fit("Glow by rosehip, with all of it", 25)


# --- who writes


def test_without_a_key_or_an_address_the_offline_writer_writes(settings: Any) -> None:
    assert writer().name == "offline"
    settings.OPENAI_API_KEY = "sk-test"
    assert writer().name == "openai" and isinstance(writer(), WithFallback)
    settings.WRITER_FALLBACK = False
    assert isinstance(writer(), OpenAIWriter)


def test_without_fallback_an_outage_is_told_and_nobody_steps_in(server: LlmServer, settings: Any, pauses: list[float]) -> None:
    settings.WRITER_FALLBACK, server.always = False, "server_error"
    with pytest.raises(WriterError) as caught:
        writer().plan(MARBLE, BRIEF)
    assert not caught.value.permanent


def test_a_translation_nobody_can_do_now_says_what_the_model_says(server: LlmServer, pauses: list[float]) -> None:
    server.always = "server_error"
    with pytest.raises(WriterError, match="cannot be reached"):
        writer().translate({"headline": "Hello"}, limits={}, language="de")


def test_what_a_model_refuses_nobody_else_writes(server: LlmServer) -> None:
    server.always = "refusal"
    with pytest.raises(Refused):
        copy_of(writer())


def test_a_plan_keeps_out_what_template_and_brief_keep_out_whatever_the_model_says(server: LlmServer) -> None:
    server.reply = {**PLAN, "negative_prompt": "letters"}
    brief = Brief.read({**BRIEF.as_data(), "avoid": "flowers"})
    assert OpenAIWriter().plan(MARBLE, brief).plan.negative_prompt == "clutter, harsh colour, flowers, letters"


def test_a_scene_that_repeats_the_ads_own_words_is_asked_for_again(server: LlmServer) -> None:
    server.reply = {**PLAN, "scene": "A wall on which wake up to glow is written"}
    with pytest.raises(WriterError):
        OpenAIWriter().plan(MARBLE, BRIEF)
    assert len(server.requests) == 2


# --- by rules


@pytest.mark.parametrize("name", [each.name for each in sorted(PRODUCTS.glob("*.jpg"))[:3]])
def test_rules_name_a_real_products_colours_and_the_words_of_its_files_name(name: str) -> None:
    made = Offline().keywords((PRODUCTS / name).read_bytes(), f"IMG_2041-{name}", "de")
    assert made.value.keywords[0] == name.split(".")[0].split("-")[0].split("_")[0] and made.who == "offline"
    assert set(made.value.keywords) & set(seen.NAMES["de"].values())


def test_rules_know_colours_by_their_names_in_a_few_languages_and_say_nothing_in_others() -> None:
    assert Offline().keywords(photo(), "DSC_0001.JPG", "fr").value.keywords == ("brun",)
    made = Offline().keywords(photo(), "DSC_0001.JPG", "ja")
    assert made.value.keywords == () and "file's name alone" in made.note


@pytest.mark.parametrize(
    ("colour", "name"),
    [((200, 20, 30), "red"), ((20, 60, 200), "blue"), ((10, 10, 12), "black"), ((250, 250, 250), "white"), ((120, 70, 40), "brown"), ((128, 128, 128), "grey"),
     ((235, 220, 195), "beige"), ((30, 140, 60), "green"), ((250, 210, 30), "yellow"), ((240, 120, 190), "pink")],
)  # fmt: skip
def test_a_colour_is_called_what_people_call_it(colour: tuple[int, int, int], name: str) -> None:
    assert seen.colour_name(*colour) == name


def test_the_ground_is_not_the_product() -> None:
    buffer = io.BytesIO()
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((20, 60, 200, 255), (10, 10, 30, 30))
    picture.save(buffer, "PNG")
    assert seen.colours(buffer.getvalue()) == ["blue"]


@pytest.mark.parametrize("data", [b"", b"not a picture", photo()[:40]])
def test_what_is_no_photo_is_said_in_a_sentence(data: bytes) -> None:
    with pytest.raises(WriterError, match="cannot be read"):
        Offline().keywords(data, "a.jpg", "en")


def test_rules_make_an_offer_only_of_an_offer_and_a_proof_only_of_a_proof() -> None:
    plain = copy_of(Offline())
    assert {each.angle for each in plain.value} == {"benefit", "curiosity"} and "no language model" in plain.note
    rich = Brief.read(
        {"headline": "20% off", "subline": "4,200 customers sleep better", "product": "Nimbus pillow", "badge": "Only until 24.12."}
    )
    told = {each.angle: each.headline for each in copy_of(Offline(), rich).value}
    assert told == {
        "benefit": "4,200 customers sleep better",
        "offer": "20% off",
        "urgency": "Only until 24.12.: Nimbus pillow",
        "social_proof": "4,200 customers sleep better",
        "curiosity": "Have you met Nimbus pillow?",
    }


def test_rules_say_nothing_that_does_not_fit_and_nothing_in_languages_they_do_not_speak() -> None:
    assert copy_of(Offline(), headline=5).value == ()
    japanese = copy_of(Offline(), Brief.read({"headline": "輝く朝", "product": "セラム"}), language="ja").value
    assert [(each.angle, each.headline, each.cta) for each in japanese] == [("benefit", "輝く朝", "")]


def test_braces_in_a_products_name_are_only_braces_in_copy() -> None:
    told = copy_of(Offline(), Brief.read({"headline": "Hi", "product": "{0} {product}"}), angles=("curiosity",)).value
    assert told[0].headline == "Have you met {0} {product}?"


def test_captions_by_rules_are_the_briefs_words_within_every_limit() -> None:
    limits = {"primary_text": 125, "headline": 27, "tiny": 4}
    told = Offline().captions(BRIEF, limits=limits, language="en").value
    assert told == {"primary_text": "Wake up to glow. Rosehip for tired mornings.", "headline": "Wake up to glow", "tiny": "Wake"}
    assert all(len(text) <= limits[name] for name, text in told.items())


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [("Short", 10, "Short"), ("One. Two. Three.", 10, "One. Two."), ("A long sentence of words", 11, "A long"), ("Unbrechbarlangeswort", 5, "Unbre"), ("Hello, world", 6, "Hello")],
)  # fmt: skip
def test_a_text_is_cut_where_a_person_would(text: str, limit: int, kept: str) -> None:
    assert patterns.within(text, limit) == kept == Offline().fit(text, limit).value


def test_rules_neither_translate_nor_make_longer_and_say_so() -> None:
    with pytest.raises(WriterError, match="Nothing can be translated"):
        Offline().translate({"headline": "Hello"}, limits={}, language="de")
    with pytest.raises(WriterError, match="Nothing can be made longer"):
        Offline().fit("Hello", 50, longer=True)


# --- languages


def test_twenty_languages_and_more_are_known_and_those_from_right_to_left_are_marked() -> None:
    assert len(LANGUAGES) >= 20
    assert {tag for tag, language in LANGUAGES.items() if language.right_to_left} == {"ar", "he", "fa"}


@pytest.mark.parametrize(
    ("text", "tag", "fits"),
    [
        ("The sun is on the wall", "en", True),
        ("The sun is on the wall and in the room", "de", False),
        ("Die Sonne steht auf der Wand und im Raum", "de-AT", True),
        ("晨光洒在大理石台面上", "de", False),
        ("Sonne", "fr", True),
        ("Nike 2026!", "ar", False),
        ("حذاء Nike الجديد للجري", "ar", True),
        ("42", "ar", True),
        ("Qapla'", "tlh", True),
    ],
)
def test_a_text_in_another_language_is_found_out_where_there_is_a_reason(text: str, tag: str, fits: bool) -> None:
    assert in_language(text, tag) is fits
