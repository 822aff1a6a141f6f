"""Captions beside the ads: written once for each wording, within every network's limits, and never in the way of a picture."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Brand, User
from generations import actions, captions, pipeline, queries, tasks, writing
from generations.download import zip_of
from generations.models import Ad, Copy, Event, Generation, Photo, Step
from prompting import asking, writers
from prompting.brief import Brief
from prompting.models import SavedAnswer
from templates_app.models import AdTemplate
from tests.fakes.llm_server import LlmServer
from tests.people import placements

PLACES = ("meta_ig_feed_square", "google_pmax_square", "google_display_250x250")
GOOD = {
    "primary_text": "Rosehip wakes tired skin while the kettle boils.",
    "headline": "Mornings that glow softly",
    "headline_b": "Mornings that glow",
    "description": "Rosehip for tired mornings, every morning",
    "description_b": "Rosehip for mornings",
    "long_headline": "Wake up to glow while the kettle boils",
}


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    """A language server, as this installation's writer from now on."""
    monkeypatch.setattr(asking, "pause", lambda seconds: None)
    with LlmServer() as running:
        running.reply = GOOD
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = running.url, "sk-test", "fake-large"
        yield running


@pytest.fixture
def planned(brand: Brand, mia: User, template: AdTemplate, photo: Photo) -> Generation:
    """Mia's order for two networks with captions and a banner without, planned by the writer that needs no model."""
    made = actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Wake up to glow", "subline": "Rosehip for tired mornings", "product": "Radiance serum"}),
        placements=placements(*PLACES),
        photos=[photo],
        variations=2,
        seed=7,
    )
    writing.write(made.pk)
    return Generation.objects.get(pk=made.pk)


def captioned(order: Generation) -> Copy:
    captions.write(order.copies.get().pk)
    return order.copies.get()


def table_of(order: Generation) -> list[dict[str, str]]:
    archive = zipfile.ZipFile(io.BytesIO(zip_of(queries.with_pictures(Generation.objects.filter(pk=order.pk)).get()).read()))
    if "captions.csv" not in archive.namelist():
        return []
    return list(csv.DictReader(io.StringIO(archive.read("captions.csv").decode())))


def test_without_a_model_the_briefs_own_words_stand_beside_the_ad_within_every_limit(planned: Generation) -> None:
    told = captioned(planned).captions
    assert set(told) == {"meta_ig_feed_square", "google_pmax_square"}, "a display banner has nothing beside it"
    assert told["meta_ig_feed_square"]["primary_text"] == "Wake up to glow. Rosehip for tired mornings."
    for ad in Ad.objects.filter(picture__generation=planned).select_related("placement__placement"):
        limits = captions.limits_of(ad.placement)
        assert all(0 < len(text) <= limits[field] for field, text in captions.captions_of(ad).items())
    step = Step.objects.get(generation=planned, kind=Step.Kind.WRITE, subject=planned.copies.get().pk)
    assert (step.who, step.error) == ("offline", "") and "no language model" in step.output_data["note"]


def test_a_model_is_asked_once_for_all_placements_and_the_advertisers_name_is_never_written_by_it(
    planned: Generation, server: LlmServer
) -> None:
    told = captioned(planned).captions
    meta, google = told["meta_ig_feed_square"], told["google_pmax_square"]
    assert (google["headline"], meta["headline"]) == ("Mornings that glow softly", "Mornings that glow"), "30 characters, and 27"
    assert google["business_name"] == "Miravel" and meta["primary_text"] == GOOD["primary_text"]
    assert len(server.asked("/chat/completions")) == 1 and "business_name" not in server.asked("/chat/completions")[0].text
    paid, kept = Step.objects.filter(subject=planned.copies.get().pk)
    assert (paid.who, kept.who) == ("openai", "openai") and paid.tokens > 0 == kept.tokens


def test_captions_are_written_once_and_whoever_follows_the_order_hears_of_it_once(planned: Generation, server: LlmServer) -> None:
    copy = planned.copies.get()
    assert captions.write(copy.pk) and not captions.write(copy.pk)
    Copy.objects.filter(pk=copy.pk).update(captions={"meta_ig_feed_square": {"headline": "Mine"}})
    assert not captions.write(copy.pk) and planned.copies.get().captions["meta_ig_feed_square"] == {"headline": "Mine"}
    assert Event.objects.filter(generation=planned, kind="copy.captioned").count() == 1
    assert len(server.asked("/chat/completions")) == 1


def test_a_worker_that_died_before_it_kept_them_does_not_pay_twice(planned: Generation, server: LlmServer) -> None:
    first = captioned(planned)
    Copy.objects.filter(pk=first.pk).update(captions={})
    SavedAnswer.objects.all().delete()
    assert captioned(planned).captions == first.captions
    assert len(server.asked("/chat/completions")) == 1 and Step.objects.filter(subject=first.pk, tokens__gt=0).count() == 1


def test_two_workers_keep_the_captions_of_the_quicker_one(planned: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = planned.copies.get()
    mine = {"meta_ig_feed_square": {"headline": "Quicker"}}
    really = writers.writer

    def slow(purse: Any) -> Any:
        Copy.objects.filter(pk=copy.pk).update(captions=mine)
        return really()

    monkeypatch.setattr(captions, "writer", slow)
    assert not captions.write(copy.pk)
    assert planned.copies.get().captions == mine


@pytest.mark.parametrize("fault", ["refusal", "quota", "not_json"])
def test_when_nobody_can_write_them_the_ads_are_ready_all_the_same(
    planned: Generation, server: LlmServer, settings: Any, fault: str
) -> None:
    settings.WRITER_FALLBACK = False
    server.always = fault
    assert captioned(planned).captions == {}
    steps = Step.objects.filter(subject=planned.copies.get().pk)
    assert steps.get(tokens=0).error.startswith("Captions: ")
    assert steps.filter(tokens__gt=0).count() == {"refusal": 1, "quota": 0, "not_json": 2}[fault], (
        "each answer is counted, also a useless one"
    )
    assert pipeline.run(planned.pk).status == Generation.Status.READY
    assert table_of(planned) == []


def test_when_the_model_is_away_the_writer_without_one_steps_in(planned: Generation, server: LlmServer) -> None:
    server.always = "server_error"
    assert captioned(planned).captions["meta_ig_feed_square"]["headline"] == "Wake up to glow"
    step = Step.objects.get(subject=planned.copies.get().pk)
    assert step.who == "offline" and step.output_data["fallback"] is True


def test_nothing_is_written_for_an_order_that_was_not_judged_or_was_stopped(
    order: Generation, planned: Generation, server: LlmServer
) -> None:
    assert not captions.write(order.copies.get().pk)
    actions.cancel_generation(by=None, generation=planned)
    assert captioned(planned).captions == {} and not server.requests


def test_the_zip_says_each_caption_with_its_length_and_limit(planned: Generation) -> None:
    Copy.objects.filter(generation=planned).update(
        captions={"meta_ig_feed_square": {"headline": "=1+1"}, "google_pmax_square": {"headline": "Wake up"}}
    )
    assert pipeline.run(planned.pk).status == Generation.Status.READY
    rows = {row["field"] + row["limit"]: row for row in table_of(planned)}
    assert rows["headline27"]["text"] == "'=1+1" and rows["headline27"]["characters"] == "4", "a spreadsheet takes it for no formula"
    assert rows["headline30"]["variations"] == "A B" and len(rows) == 2


def test_an_order_rings_for_its_captions_after_its_pictures(
    order: Generation, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    for task in (tasks.make_picture, captions.write_captions):
        monkeypatch.setattr(task, "apply_async", lambda args, **told: rung.append(args[0]))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.write_generation(str(order.pk))
    assert rung == [*(str(pk) for pk in order.pictures.values_list("pk", flat=True)), str(order.copies.get().pk)]


def test_new_words_have_captions_of_their_own(
    planned: Generation, mia: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pipeline.run(planned.pk).status == Generation.Status.READY
    rung: list[str] = []
    monkeypatch.setattr(captions.write_captions, "apply_async", lambda args, **told: rung.append(args[0]))
    with django_capture_on_commit_callbacks(execute=True):
        new = actions.change_copy(by=mia, generation=planned, words={"headline": "Glow before coffee"}, variation=1)
    assert rung == [str(new.pk)]
    captions.write_captions(rung[0])
    new.refresh_from_db()
    assert new.captions["meta_ig_feed_square"]["headline"] == "Glow before coffee"
    assert planned.copies.get(parent=None).captions == {}
    for ad in Ad.objects.filter(copy=new):
        pipeline.finish_ad(ad.pk)
    assert {row["variations"] for row in table_of(planned)} == {"A"}


def test_changed_words_that_may_not_be_advertised_are_not_shown_to_a_model(planned: Generation, server: LlmServer) -> None:
    copy = planned.copies.get()
    Copy.objects.filter(pk=copy.pk).update(words={**copy.words, "headline": "Porn for all"})
    assert captioned(planned).captions == {} and not server.asked("/chat/completions")
    assert "Nudity" in Step.objects.get(subject=copy.pk).error
