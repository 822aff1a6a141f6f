"""Orders that have ended go on: what is missing is made again, more like one picture, a draft raised to another engine."""

from __future__ import annotations

import pytest

from accounts import ledger
from accounts.actions import publish_price
from accounts.models import Brand, Price, Transfer, User
from finishing.shapes import SHAPES
from generations import actions, pipeline, queries, states
from generations.models import Ad, Generation, Photo, Picture
from generations.verify import verify
from painting.builtin import Builtin
from painting.engine import EngineError
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements

PRICES = dict.fromkeys(SHAPES, 2)


@pytest.fixture
def priced(brand: Brand) -> Brand:
    """Pictures cost two credits, and Mia's brand has ten."""
    publish_price(by=None, price=Price.objects.get(slug=Builtin.name), data={"credits": PRICES})
    ledger.grant(brand, 10, reason="Welcome", by=None)
    return brand


@pytest.fixture
def failing(anew: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seeds that nobody can paint, until they are taken out of this list."""
    seeds: list[int] = []
    paint = Builtin.paint

    def refusing(engine: Builtin, order: object, on_progress: object) -> object:
        if order.seed in seeds:  # type: ignore[attr-defined]
            raise EngineError("The lamp broke.", code="lamp", permanent=True)
        return paint(engine, order, on_progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Builtin, "paint", refusing)
    return seeds


def two_variations(brand: Brand, mia: User, template: AdTemplate, photo: Photo, *places: str) -> Generation:
    return actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Wake up to glow", "product": "Radiance serum"}),
        placements=placements(*(places or ("google_display_250x250",))),
        photos=[photo],
        variations=2,
        seed=50,
    )


def test_what_failed_is_made_again_by_the_same_seed_and_paid_once(
    priced: Brand, mia: User, template: AdTemplate, photo: Photo, failing: list[int]
) -> None:
    failing.append(51)
    order = two_variations(priced, mia, template, photo)
    assert pipeline.run(order.pk).status == "partly"
    assert ledger.balance(priced) == (8, 0)
    first, second = order.pictures.order_by("variation")
    failing.clear()
    opened = actions.retry_generation(by=mia, generation=order)
    assert opened == [second.pk] and ledger.balance(priced) == (6, 2)
    order.refresh_from_db()
    assert order.status == "making" and order.finished_at is None and queries.progress(order) < 1
    assert verify(rehash=False).problems == []
    assert pipeline.run(order.pk).status == "ready"
    second.refresh_from_db()
    assert (second.status, second.seed, second.error_code) == ("ready", 51, "")
    assert ledger.balance(priced) == (6, 0) and ledger.reconcile() == [] and verify(rehash=False).problems == []
    kinds = list(Transfer.objects.filter(object_id=second.pk).order_by("created_at").values_list("kind", flat=True))
    assert sorted(kinds) == ["capture", "hold", "hold", "void"]
    assert first.ads.get().status == "ready" and second.ads.get().file is not None


def test_a_second_click_makes_nothing_twice(priced: Brand, mia: User, template: AdTemplate, photo: Photo, failing: list[int]) -> None:
    failing.extend([50, 51])
    order = two_variations(priced, mia, template, photo)
    assert pipeline.run(order.pk).status == "failed"
    assert len(actions.retry_generation(by=mia, generation=order)) == 2
    assert actions.retry_generation(by=mia, generation=order) == []
    assert ledger.balance(priced) == (6, 4)


def test_one_picture_alone_can_be_made_again(priced: Brand, mia: User, template: AdTemplate, photo: Photo, failing: list[int]) -> None:
    failing.extend([50, 51])
    order = two_variations(priced, mia, template, photo)
    pipeline.run(order.pk)
    failing.clear()
    first, second = order.pictures.order_by("variation")
    assert actions.retry_generation(by=mia, generation=order, pictures=[first.pk]) == [first.pk]
    assert pipeline.run(order.pk).status == "partly"
    second.refresh_from_db()
    assert second.status == "failed"


def test_an_order_that_nobody_can_pay_again_stays_as_it_is(
    priced: Brand, mia: User, template: AdTemplate, photo: Photo, failing: list[int]
) -> None:
    failing.extend([50, 51])
    order = two_variations(priced, mia, template, photo)
    pipeline.run(order.pk)
    ledger.adjust(priced, -8, reason="Spent elsewhere", by=None)
    with pytest.raises(actions.CreditsMissing, match="needs 4 credits"):
        actions.retry_generation(by=mia, generation=order)
    order.refresh_from_db()
    assert order.status == "failed" and verify(rehash=False).problems == []


def test_a_stopped_order_goes_on_where_it_was_stopped(priced: Brand, mia: User, template: AdTemplate, photo: Photo) -> None:
    order = two_variations(priced, mia, template, photo)
    actions.cancel_generation(by=mia, generation=order)
    assert len(actions.retry_generation(by=mia, generation=order)) == 2
    order.refresh_from_db()
    assert order.status == "waiting", "it had not been written yet"
    assert pipeline.run(order.pk).status == "ready" and ledger.balance(priced) == (6, 0)


def test_a_worker_that_froze_before_the_order_was_stopped_does_not_fit_any_more(order: Generation, mia: User) -> None:
    frozen = order.pictures.all()[0]
    Generation.objects.filter(pk=order.pk).update(status="making", plan_data={"scene_prompt": "x", "negative_prompt": "", "alt": ""})
    assert states.claim(frozen)
    actions.cancel_generation(by=mia, generation=order)
    assert frozen.pk in actions.retry_generation(by=mia, generation=order)
    assert not states.move(frozen, Picture.Status.PAINTING)
    assert Picture.objects.get(pk=frozen.pk).tries == 0


def test_a_ready_order_has_nothing_to_make_again(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    assert actions.retry_generation(by=mia, generation=order) == []
    with pytest.raises(actions.OrderRefused, match="No picture with this id"):
        actions.retry_generation(by=mia, generation=order, pictures=[order.pk])


def test_more_like_one_picture_stays_in_its_scene_with_new_seeds(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    liked = order.pictures.all()[0]
    more = actions.more_like(by=mia, picture=liked, variations=2)
    assert (more.parent_id, more.origin, more.variations, more.engine) == (order.pk, "more", 2, "draft")
    assert {copy.words["headline"] for copy in more.copies.all()} == {"Wake up to glow"}
    pipeline.run(more.pk)
    scenes = {picture.facts["scene"] for picture in more.pictures.all()}
    assert scenes == {liked.facts["scene"]} and liked.seed not in {picture.seed for picture in more.pictures.all()}
    pixels = {picture.pixels for picture in more.pictures.filter(shape=liked.shape)}
    assert len(pixels) == 2 and liked.pixels not in pixels, "three different pictures of one scene"
    own = {ad.placement.placement.slug for ad in Ad.objects.filter(picture__generation=more).select_related("placement__placement")}
    assert own == {"google_display_300x250", "google_display_250x250"}


def test_more_takes_the_words_as_they_stand_now_in_all_languages(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    actions.change_copy(by=mia, generation=order, words={"headline": "Glow all day"})
    actions.change_copy(by=mia, generation=order, words={"headline": "Strahle den ganzen Tag"}, language="de")
    more = actions.more_like(by=mia, picture=order.pictures.all()[0], variations=1)
    assert {(copy.language, copy.words["headline"]) for copy in more.copies.all()} == {
        ("en", "Glow all day"),
        ("de", "Strahle den ganzen Tag"),
    }
    assert pipeline.run(more.pk).status == "ready"
    assert Ad.objects.filter(picture__generation=more, status="ready").count() == 4


def test_what_is_not_ready_has_nothing_to_be_like(order: Generation, mia: User) -> None:
    with pytest.raises(actions.OrderRefused, match="not ready"):
        actions.more_like(by=mia, picture=order.pictures.all()[0])
    pipeline.run(order.pk)
    with pytest.raises(actions.OrderRefused, match="9 variations"):
        actions.more_like(by=mia, picture=order.pictures.all()[0], variations=9)


def test_more_goes_by_the_template_as_it_was_also_when_it_is_no_longer_offered(order: Generation, mia: User) -> None:
    pipeline.run(order.pk)
    AdTemplate.objects.filter(pk=order.template_version.template_id).update(published=False)
    more = actions.more_like(by=mia, picture=Picture.objects.filter(generation=order)[0], variations=1)
    assert more.template_version_id == order.template_version_id


def test_a_deleted_photo_is_named_before_anything_is_ordered(order: Generation, mia: User, photo: Photo) -> None:
    pipeline.run(order.pk)
    actions.delete_photo(by=mia, photo=photo)
    with pytest.raises(actions.OrderRefused, match="photo of this order was deleted"):
        actions.more_like(by=mia, picture=order.pictures.all()[0])
    assert not Generation.objects.filter(parent=order).exists()


def test_a_draft_is_raised_by_the_same_seed_words_and_places(order: Generation, mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.run(order.pk)
    with pytest.raises(actions.OrderRefused, match="Choose another one"):
        actions.raise_draft(by=mia, generation=order, engine="draft")
    with pytest.raises(actions.OrderRefused, match="No engine is at hand"):
        actions.raise_draft(by=mia, generation=order)
    monkeypatch.setattr("generations.actions.orders.choose", lambda asked, needs: "comfyui")
    ledger.grant(order.brand, 100, reason="Welcome", by=None)
    raised = actions.raise_draft(by=mia, generation=order, engine="comfyui")
    assert (raised.parent_id, raised.origin, raised.seed, raised.engine) == (order.pk, "raise", order.seed, "comfyui")
    assert set(raised.pictures.values_list("seed", "shape", "engine")) == {(p.seed, p.shape, "comfyui") for p in order.pictures.all()}
    with pytest.raises(actions.OrderRefused, match="no draft"):
        actions.raise_draft(by=mia, generation=raised)


def test_an_order_that_is_still_being_made_cannot_be_raised(order: Generation, mia: User) -> None:
    with pytest.raises(actions.OrderRefused, match="still being made"):
        actions.raise_draft(by=mia, generation=order)
