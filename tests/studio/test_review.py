"""Somebody without an account looks at Mia's ads by a link, and says what they think."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from generations import actions, pipeline, queries
from generations.models import Ad, Event, Generation, ReviewLink, Verdict


@pytest.fixture
def link(order: Generation, mia: User) -> ReviewLink:
    """A link to Mia's finished order."""
    pipeline.run(order.pk)
    return actions.ask_for_review(by=mia, generation=order, note="Which one for June?")


@pytest.fixture
def page(link: ReviewLink) -> str:
    return reverse("review", args=[actions.token_of(link)])


def test_mia_makes_a_link_and_jonas_sees_the_ads_without_an_account(as_mia: Client, order: Generation) -> None:
    pipeline.run(order.pk)
    as_mia.post(reverse("generation-review", args=[order.pk]), {"note": "Which one for June?", "days": "3"})
    link = ReviewLink.objects.get()
    assert timedelta(days=2, hours=23) < link.expires_at - timezone.now() < timedelta(days=3, minutes=1)
    sheet = as_mia.get(reverse("generation", args=[order.pk])).content.decode()
    (address,) = re.findall(r'value="(http[^"]*/review/[^"]*)"', sheet)
    jonas = Client()
    shown = jonas.get(address)
    assert shown.status_code == 200 and "no-store" in shown["Cache-Control"]
    text = shown.content.decode()
    assert "Which one for June?" in text and "Mia Miravel asks" in text and "Wake up to glow" in text
    picture = re.findall(r'<img src="([^"]*)"', text)[0]
    assert jonas.get(picture)["Content-Type"] == "image/webp"


def test_jonas_approves_one_variation_and_mia_sees_it(as_mia: Client, link: ReviewLink, page: str) -> None:
    told = Client().post(page, {"who": "Jonas Feld", "said-1": "run", "comment-1": ""})
    assert told.status_code == 200 and "Thank you" in told.content.decode()
    verdict = Verdict.objects.get()
    ads = {str(ad.pk): ad.file_id for ad in Ad.objects.filter(picture__generation=link.generation)}
    assert (verdict.who, verdict.word, verdict.files) == ("Jonas Feld", "run", ads)
    assert "Jonas Feld: Run it" in as_mia.get(reverse("generation", args=[link.generation_id])).content.decode()
    assert Event.objects.filter(kind="review.given", object_id=link.pk).exists()


def test_an_approval_is_for_the_file_as_it_was(link: ReviewLink, page: str, mia: User) -> None:
    Client().post(page, {"who": "Jonas", "said-1": "run"})
    ad = queries.ads_of(mia)[0]
    assert queries.approvals_of(ad)
    actions.change_copy(by=mia, generation=link.generation, words={"headline": "Glow on"})
    for new in Ad.objects.filter(copy__words__headline="Glow on"):
        pipeline.finish_ad(new.pk)
        new.refresh_from_db()
        assert new.status == "ready" and not queries.approvals_of(new), "new words were approved by nobody"
    assert queries.approvals_of(queries.ads_of(mia).get(pk=ad.pk)), "and the old file stays approved"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"who": "", "said-1": "run"}, "Say who you are"),
        ({"who": "Jonas"}, "Choose what you think"),
        ({"who": "Jonas", "said-1": "change", "comment-1": " "}, "Say what should change."),
        ({"who": "Jonas", "said-1": "nonsense"}, "Choose what you think, beside what you wrote."),
        ({"who": "J" * 81, "said-1": "run"}, "That name is too long"),
        ({"who": "Jonas", "said-1": "change", "comment-1": "x" * 501}, "500 characters are the most"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(page: str, body: dict[str, str], sentence: str) -> None:
    told = Client().post(page, {"comment-1": "Warmer, please", **body})
    assert told.status_code == 422 and sentence in told.content.decode()
    if "comment-1" not in body:
        assert "Warmer, please" in told.content.decode()
    assert not Verdict.objects.exists()


def test_an_ad_that_does_not_show_the_product_truly_cannot_be_approved(link: ReviewLink, page: str) -> None:
    flag = [{"rule": "product truth", "result": "fail", "detail": "Too far off."}]
    Ad.objects.filter(picture__generation=link.generation).update(checks=flag)
    assert "cannot be approved" in Client().get(page).content.decode()
    told = Client().post(page, {"who": "Jonas", "said-1": "run"})
    assert told.status_code == 422 and not Verdict.objects.exists()
    assert Client().post(page, {"who": "Jonas", "said-1": "change", "comment-1": "The label is off"}).status_code == 200


def test_a_link_that_is_over_opens_nothing(as_mia: Client, link: ReviewLink, page: str, mia: User) -> None:
    ad = Ad.objects.filter(picture__generation=link.generation)[0]
    picture = reverse("review-picture", args=[actions.token_of(link), ad.pk, "large"])
    assert Client().get(picture).status_code == 200
    ReviewLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for address in (page, picture, reverse("review", args=["made-up"])):
        assert Client().get(address).status_code == 404
    ReviewLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    as_mia.post(reverse("review-take-back", args=[link.pk]))
    assert Client().get(page).status_code == 404 and not actions.take_link_back(by=mia, link=link)
    ReviewLink.objects.update(revoked_at=None)
    actions.delete_generation(by=mia, generation=link.generation)
    assert Client().get(page).status_code == 404
    assert "This link is over" in Client().get(page).content.decode()


def test_a_link_shows_its_own_order_only(link: ReviewLink, mia: User, order: Generation) -> None:
    more = actions.more_like(by=mia, picture=order.pictures.all()[0], variations=1)
    pipeline.run(more.pk)
    other = Ad.objects.filter(picture__generation=more)[0]
    assert Client().get(reverse("review-picture", args=[actions.token_of(link), other.pk, "large"])).status_code == 404


def test_an_order_of_which_nothing_is_ready_has_nothing_to_review(as_mia: Client, order: Generation) -> None:
    response = as_mia.post(reverse("generation-review", args=[order.pk]), {"days": "7"})
    assert "Nothing of this order is ready yet" in as_mia.get(response["Location"]).content.decode()
    assert not ReviewLink.objects.exists()


def test_too_many_links_and_too_long_ones_are_refused(link: ReviewLink, mia: User) -> None:
    with pytest.raises(actions.ReviewRefused, match="1 to 60 days"):
        actions.ask_for_review(by=mia, generation=link.generation, days=61)
    with pytest.raises(actions.ReviewRefused, match="300 characters"):
        actions.ask_for_review(by=mia, generation=link.generation, note="x" * 301)
    for _ in range(19):
        actions.ask_for_review(by=mia, generation=link.generation)
    with pytest.raises(actions.ReviewRefused, match="20 links"):
        actions.ask_for_review(by=mia, generation=link.generation)
