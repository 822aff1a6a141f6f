"""Ordering by API: from a body to files, and everything that is refused on the way."""

from __future__ import annotations

import io
import uuid
import zipfile
from typing import Any

import pytest
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import Brand, Membership, User
from generations import actions, pipeline
from generations.models import SEED_MAX, Ad, Generation, Photo, Picture
from templates_app.models import AdTemplate, Placement
from tests.api.conftest import is_problem
from tests.api.test_shelf import cost
from tests.people import bottle_png, placements

ORDERS = "/api/v1/generations"
WORDS = {"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"}
SMALL = ["google_display_300x250", "google_display_250x250"]
OF_DESIGN = {"id", "status", "progress", "queue_place", "estimate_seconds", "credits", "pictures", "ads", "links"}


@pytest.fixture
def body(template: AdTemplate, photo: Photo) -> dict[str, Any]:
    """An order that can be made."""
    return {"template": template.slug, "photos": [str(photo.pk)], "brief": dict(WORDS), "placements": list(SMALL), "seed": 7}


@pytest.fixture
def made(order: Generation) -> Generation:
    """Mia's order, made."""
    return pipeline.run(order.pk)


def test_an_order_is_taken_followed_and_downloaded(as_mia: APIClient, anyone: APIClient, body: dict[str, Any]) -> None:
    answer = as_mia.post(ORDERS, body)
    assert answer.status_code == 202
    order = answer.json()
    assert set(order) >= OF_DESIGN and set(order["links"]) == {"self", "cancel", "events", "zip"}
    assert (order["status"], order["credits"], order["queue_place"]) == ("waiting", 0, 0)
    assert answer["Location"] == order["links"]["self"] and int(answer["Retry-After"]) > 0
    assert [(each["variation"], each["status"], each["error"]) for each in order["pictures"]] == [(1, "waiting", None)] * len(
        order["pictures"]
    )
    assert {each["placement"] for each in order["ads"]} == set(SMALL)
    assert {(each["url"], each["bytes"], each["starred"]) for each in order["ads"]} == {(None, None, False)}

    pipeline.run(uuid.UUID(order["id"]))

    done = as_mia.get(order["links"]["self"])
    assert done.status_code == 200 and "Retry-After" not in done
    assert (done.json()["status"], done.json()["progress"], done.json()["estimate_seconds"]) == ("ready", 1.0, 0.0)
    for ad in done.json()["ads"]:
        assert ad["status"] == "ready" and ad["alt"]
        signed = anyone.get(ad["url"])  # the link is the permission
        data = b"".join(signed.streaming_content)  # type: ignore[attr-defined]
        assert len(data) == ad["bytes"] and Image.open(io.BytesIO(data)).size == (ad["width"], ad["height"])
    archive = as_mia.get(order["links"]["zip"], HTTP_ACCEPT="application/zip")
    assert archive["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(b"".join(archive.streaming_content))).namelist()  # type: ignore[attr-defined]
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in names) == 2


def test_one_photo_may_be_called_photo(as_mia: APIClient, body: dict[str, Any], photo: Photo) -> None:
    del body["photos"]
    order = as_mia.post(ORDERS, {**body, "photo": str(photo.pk)}).json()
    assert Generation.objects.get(pk=order["id"]).photos.get() == photo


def test_everything_that_was_said_is_kept(as_mia: APIClient, body: dict[str, Any], brand: Brand) -> None:
    more = {
        "audience": "young parents",
        "tone": "warm",
        "language": "de",
        "keywords": ["glow", "calm"],
        "avoid": "plastic",
        "markets": ["DE"],
    }
    told = {"variations": 2, "engine": "draft", "lora_strength": 0.5, "use_cutout": False, "client_ref": "order 17", "brand": brand.slug}
    order = as_mia.post(ORDERS, {**body, **told, "brief": {**WORDS, **more}}).json()
    row = Generation.objects.get(pk=order["id"])
    assert (row.variations, row.engine, row.lora_strength, row.use_cutout, row.client_ref) == (2, "draft", 0.5, False, "order 17")
    assert row.brief.keywords == ("glow", "calm") and row.brief.language == "de" and row.seed == 7
    assert {picture["variation"] for picture in order["pictures"]} == {1, 2}


def test_a_template_without_a_photo_needs_none(as_mia: APIClient, mia: User, text_template: AdTemplate) -> None:
    body = {"template": text_template.slug, "brief": {"headline": "We are hiring"}, "placements": ["meta_ig_feed_square"]}
    assert as_mia.post(ORDERS, body).status_code == 202


def test_an_order_goes_to_the_brand_of_its_photo(as_mia: APIClient, mia: User, body: dict[str, Any], brand: Brand) -> None:
    second = Brand.objects.create(name="Zweite", slug="zweite")
    Membership.objects.create(user=mia, brand=second)
    photo = actions.add_photo(by=mia, brand=second, data=bottle_png())
    assert as_mia.post(ORDERS, {**body, "photos": [str(photo.pk)]}).json()["brand"] == str(second.pk)
    assert as_mia.post(ORDERS, body).json()["brand"] == str(brand.pk)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"template": "unicorns"}, "template", "unicorns"),
        ({"template": None}, "template", "null"),
        ({"brief": {}}, "brief.headline", "Write a headline"),
        ({"brief": {**WORDS, "headline": "x" * 81}}, "brief.headline", "80"),
        ({"brief": {**WORDS, "colour": "red"}}, "brief.colour", "no field 'colour'"),
        ({"brief": {**WORDS, "keywords": "a,b"}}, "brief.keywords", "list"),
        ({"brief": {**WORDS, "headline": {"a": 1}}}, "brief.headline", "text"),
        ({"brief": "hello"}, "brief", "object"),
        ({"placements": []}, "placements", "at least one"),
        ({"placements": ["unicorn_feed"]}, "placements", "unicorn_feed"),
        ({"placements": ["google_pmax_logo_square"]}, "placements", "google_pmax_logo_square"),
        ({"placements": [f"p{number}" for number in range(41)]}, "placements", "41 placements are too many"),
        ({"variations": 9}, "variations", "9 variations"),
        ({"variations": 0}, "variations", "0 variations"),
        ({"variations": "many"}, "variations", "integer"),
        ({"photos": []}, "photos", "needs a product photo"),
        ({"photos": ["not an id"]}, "photos.0", "UUID"),
        ({"photos": [str(uuid.uuid4())]}, "photos", "No photo with this id"),
        ({"photo": str(uuid.uuid4())}, "photo", "No photo with this id"),
        ({"engine": "crayons"}, "engine", "crayons"),
        ({"engine": "comfyui"}, "engine", "ComfyUI"),
        ({"seed": -1}, "seed", "0"),
        ({"seed": SEED_MAX + 1}, "seed", str(SEED_MAX)),
        ({"lora_strength": 99}, "lora_strength", "2"),
        ({"client_ref": "x" * 101}, "client_ref", "100"),
        ({"brand": "elsewhere"}, "brand", "no brand 'elsewhere'"),
    ],
)
def test_an_order_that_cannot_be_made_is_refused_at_its_field_and_leaves_nothing(
    as_mia: APIClient, body: dict[str, Any], eve: User, change: dict[str, Any], field: str, words: str
) -> None:
    problem = is_problem(as_mia.post(ORDERS, {**body, **change}), 422)
    assert words in " ".join(problem["errors"][field]), problem
    assert not Generation.objects.exists() and not Picture.objects.exists() and not Ad.objects.exists()


def test_forty_placements_and_eight_variations_are_not_too_many(as_mia: APIClient, body: dict[str, Any]) -> None:
    many = list(Placement.objects.filter(kind="image").values_list("slug", flat=True)[:40])
    answer = as_mia.post(ORDERS, {**body, "placements": many, "variations": 8})
    assert answer.status_code == 202 and len(answer.json()["ads"]) == 320


def test_a_strangers_photo_is_as_unknown_as_one_that_never_was(as_eve: APIClient, body: dict[str, Any], photo: Photo) -> None:
    def told(photo_id: object) -> str:
        problem = is_problem(as_eve.post(ORDERS, {**body, "photos": [str(photo_id)]}), 422)
        return str(problem).replace(str(photo_id), "…")

    assert told(photo.pk) == told(uuid.uuid4())
    assert not Generation.objects.exists()


def test_a_strangers_brand_is_as_unknown_as_one_that_never_was(
    as_eve: APIClient, text_template: AdTemplate, brand: Brand, body: dict[str, Any]
) -> None:
    plain = {**body, "template": text_template.slug, "photos": []}
    for name in (str(brand.pk), brand.slug, str(uuid.uuid4())):
        assert f"no brand '{name}'" in str(is_problem(as_eve.post(ORDERS, {**plain, "brand": name}), 422)["errors"]["brand"])
    assert not Generation.objects.exists()


def test_nobody_writes_what_is_not_theirs_to_write(as_mia: APIClient, body: dict[str, Any], mia: User, eve: User, brand: Brand) -> None:
    wished = {
        "id": str(uuid.uuid4()),
        "status": "ready",
        "created_by": str(eve.pk),
        "credits": -100,
        "progress": 1,
        "attempt": 9,
        "deaths": 9,
    }
    answer = as_mia.post(ORDERS, {**body, **wished, "error_code": "mine", "plan_data": {"scene_prompt": "x"}, "is_staff": True})
    row = Generation.objects.get(pk=answer.json()["id"])
    assert str(row.pk) != wished["id"] and row.status == "waiting" and row.created_by == mia and row.brand == brand
    assert (row.attempt, row.deaths, row.error_code, row.plan_data) == (0, 0, "", None)
    mia.refresh_from_db()
    assert not mia.is_staff


def test_the_same_key_gives_the_same_order_and_no_second_one(as_mia: APIClient, as_max: APIClient, body: dict[str, Any]) -> None:
    first = as_mia.post(ORDERS, body, HTTP_IDEMPOTENCY_KEY="k1").json()
    again = as_mia.post(ORDERS, body, HTTP_IDEMPOTENCY_KEY="k1")
    assert again.status_code == 202 and again.json()["id"] == first["id"]
    refused = as_mia.post(ORDERS, {**body, "seed": 8}, HTTP_IDEMPOTENCY_KEY="k1")
    assert "Idempotency-Key" in is_problem(refused, 422)["errors"]
    assert Generation.objects.count() == 1
    assert as_max.post(ORDERS, body, HTTP_IDEMPOTENCY_KEY="k1").json()["id"] != first["id"]  # another person's key


def test_a_viewer_may_look_but_neither_order_nor_stop(as_max: APIClient, max: User, order: Generation, body: dict[str, Any]) -> None:
    Membership.objects.filter(user=max).update(role=Membership.Role.REVIEWER)
    assert as_max.get(f"{ORDERS}/{order.pk}").status_code == 200
    is_problem(as_max.post(ORDERS, body), 403)
    is_problem(as_max.post(f"{ORDERS}/{order.pk}/cancel"), 403)
    order.refresh_from_db()
    assert order.status == "waiting" and Generation.objects.count() == 1


def test_the_team_sees_the_order_and_a_stranger_does_not(as_max: APIClient, as_eve: APIClient, order: Generation) -> None:
    assert as_max.get(f"{ORDERS}/{order.pk}").status_code == 200
    assert [each["id"] for each in as_max.get(ORDERS).json()["results"]] == [str(order.pk)]
    assert as_eve.get(ORDERS).json()["results"] == []


def test_a_strangers_order_is_a_404_like_one_that_never_was(as_eve: APIClient, anyone: APIClient, made: Generation) -> None:
    for method, rest in (("get", ""), ("post", "/cancel"), ("get", "/events"), ("get", "/zip")):
        hers = is_problem(getattr(as_eve, method)(f"{ORDERS}/{made.pk}{rest}"), 404)
        never = is_problem(getattr(as_eve, method)(f"{ORDERS}/{uuid.uuid4()}{rest}"), 404)
        assert hers == never
        is_problem(getattr(anyone, method)(f"{ORDERS}/{made.pk}{rest}"), 401)


def test_asking_again_costs_nothing_until_something_changed(as_mia: APIClient, order: Generation) -> None:
    first = as_mia.get(f"{ORDERS}/{order.pk}")
    etag = first["ETag"]
    unchanged = as_mia.get(f"{ORDERS}/{order.pk}", HTTP_IF_NONE_MATCH=etag)
    assert unchanged.status_code == 304 and not unchanged.content and unchanged["Retry-After"] == "5" and unchanged["ETag"] == etag
    pipeline.run(order.pk)
    changed = as_mia.get(f"{ORDERS}/{order.pk}", HTTP_IF_NONE_MATCH=etag)
    assert changed.status_code == 200 and changed["ETag"] != etag and changed.json()["status"] == "ready"


def test_links_in_an_unchanged_answer_are_renewed_before_they_run_out(
    as_mia: APIClient, made: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("api.v1.generations.time.time", lambda: now)
    etag = as_mia.get(f"{ORDERS}/{made.pk}")["ETag"]
    assert as_mia.get(f"{ORDERS}/{made.pk}", HTTP_IF_NONE_MATCH=etag).status_code == 304
    monkeypatch.setattr("api.v1.generations.time.time", lambda: now + 120)
    assert as_mia.get(f"{ORDERS}/{made.pk}", HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_a_stopped_order_stays_stopped(as_mia: APIClient, order: Generation) -> None:
    for _ in range(2):
        answer = as_mia.post(f"{ORDERS}/{order.pk}/cancel")
        assert answer.status_code == 200 and answer.json()["status"] == "cancelled"
    assert {picture["status"] for picture in answer.json()["pictures"]} == {"cancelled"}


def test_stopping_a_finished_order_changes_nothing(as_mia: APIClient, made: Generation) -> None:
    assert as_mia.post(f"{ORDERS}/{made.pk}/cancel").json()["status"] == "ready"


def test_there_is_no_zip_before_the_first_file(as_mia: APIClient, order: Generation) -> None:
    assert "ready" in is_problem(as_mia.get(f"{ORDERS}/{order.pk}/zip"), 409)["detail"]


def test_events_tell_what_happened_since_the_last_one(as_mia: APIClient, made: Generation) -> None:
    events = as_mia.get(f"{ORDERS}/{made.pk}/events").json()["results"]
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(numbers) and {"generation.waiting", "generation.ready"} <= {event["kind"] for event in events}
    later = as_mia.get(f"{ORDERS}/{made.pk}/events?after={numbers[1]}").json()["results"]
    assert [event["seq"] for event in later] == numbers[2:]
    for nonsense in ("abc", "-1", "9" * 30):
        assert "after" in is_problem(as_mia.get(f"{ORDERS}/{made.pk}/events?after={nonsense}"), 422)["errors"]


def test_a_failed_picture_says_why(as_mia: APIClient, order: Generation) -> None:
    Picture.objects.filter(generation=order).update(status="failed", error_code="flat", error_message="The picture came out empty.")
    picture = as_mia.get(f"{ORDERS}/{order.pk}").json()["pictures"][0]
    assert picture["error"] == {"code": "flat", "detail": "The picture came out empty."}


def test_a_deleted_order_is_gone(as_mia: APIClient, order: Generation) -> None:
    Generation.objects.filter(pk=order.pk).update(deleted_at=order.created_at)
    is_problem(as_mia.get(f"{ORDERS}/{order.pk}"), 404)
    assert as_mia.get(ORDERS).json()["results"] == []


def test_the_list_of_orders_costs_the_same_for_one_or_many(
    as_mia: APIClient, mia: User, brand: Brand, template: AdTemplate, photo: Photo, made: Generation
) -> None:
    for seed in range(4):
        actions.order_generation(
            by=mia, brand=brand, template=template, brief=made.brief, placements=placements(*SMALL), photos=[photo], seed=seed
        )
    assert len(as_mia.get(ORDERS).json()["results"]) == 5
    assert cost(as_mia, f"{ORDERS}?page_size=1") == cost(as_mia, ORDERS)
    assert cost(as_mia, f"/api/v1/ads?generation={made.pk}&page_size=1") == cost(as_mia, "/api/v1/ads")


def test_reading_an_order_costs_the_same_for_two_ads_or_forty(
    as_mia: APIClient, mia: User, brand: Brand, template: AdTemplate, photo: Photo, order: Generation
) -> None:
    many = list(Placement.objects.filter(kind="image").select_related("current")[:20])
    large = actions.order_generation(
        by=mia, brand=brand, template=template, brief=order.brief, placements=many, photos=[photo], variations=2
    )
    assert cost(as_mia, f"{ORDERS}/{large.pk}") == cost(as_mia, f"{ORDERS}/{order.pk}")


def test_the_newest_order_comes_first(as_mia: APIClient, body: dict[str, Any]) -> None:
    ids = [as_mia.post(ORDERS, {**body, "seed": seed}).json()["id"] for seed in range(3)]
    listed = as_mia.get(f"{ORDERS}?page_size=2").json()
    assert [each["id"] for each in listed["results"]] == ids[:0:-1]
    assert [each["id"] for each in as_mia.get(listed["next"]).json()["results"]] == ids[:1]
