"""Admin: who gets in, what is shown, what may be edited, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import fonts, keys
from accounts.models import Brand, Delivery, Invitation, Membership, Message, Product, User, Webhook
from comfy import starters
from comfy.actions import save_workflow
from comfy.models import Lora, Server, ServerJob
from generations import actions, breakers, pipeline
from generations.models import Ad, Generation, Photo, Picture, ReviewLink, Step
from keeping.models import StoredFile
from prompting.models import LanguageServer, SavedAnswer, TokenPrice
from templates_app.models import AdTemplate, AdTemplateVersion, Category, Layout, LayoutVersion, Placement, PlacementVersion, TemplateLora
from tests.finishing.test_font_check import font
from tests.people import PASSWORD, placements

OURS = ("accounts", "templates_app", "generations", "prompting", "comfy", "keeping")
WRITTEN_BY_THE_MACHINE = (
    "photo",
    "generation",
    "picture",
    "ad",
    "copy",
    "step",
    "event",
    "breaker",
    "storedfile",
    "transfer",
    "webhook",
    "delivery",
    "message",
    "invitation",
    "serverjob",
    "savedanswer",
    "auditentry",
    "fingerprint",
    "collection",
    "savedsearch",
    "reviewlink",
    "apikey",
)
THERE_ALREADY = ("instruction", "languageserver")  # four there are, and servers are met, not typed
MODELS = [
    "accounts.user",
    "accounts.brand",
    "accounts.membership",
    "accounts.product",
    "accounts.transfer",
    "accounts.price",
    "accounts.apikey",
    "accounts.webhook",
    "accounts.delivery",
    "accounts.message",
    "accounts.invitation",
    "accounts.auditentry",
    "accounts.brandfont",
    "templates_app.adtemplate",
    "templates_app.category",
    "templates_app.layout",
    "templates_app.placement",
    "templates_app.font",
    "generations.photo",
    "generations.generation",
    "generations.picture",
    "generations.ad",
    "generations.copy",
    "generations.reviewlink",
    "generations.step",
    "generations.event",
    "generations.breaker",
    "generations.fingerprint",
    "generations.collection",
    "generations.savedsearch",
    "prompting.instruction",
    "prompting.rule",
    "prompting.tokenprice",
    "prompting.languageserver",
    "prompting.savedanswer",
    "comfy.lora",
    "comfy.server",
    "comfy.serverjob",
    "comfy.workflow",
    "keeping.storedfile",
]


def address(model: str, page: str, *args: Any) -> str:
    """The address of an admin page: `model` as app.model."""
    return reverse(f"admin:{model.replace('.', '_')}_{page}", args=args)


def model_of(name: str) -> type[Model]:
    return next(model for model in admin.site._registry if model._meta.label_lower == name)


@pytest.fixture
def desk(sam: User, client: Client) -> Client:
    """Sam of the staff, signed in."""
    client.force_login(sam)
    return client


@pytest.fixture
def full(order: Generation, brand: Brand, template: AdTemplate) -> Generation:
    """At least one row of everything."""
    lora = Lora.objects.create(slug="film", title="Film grain", file_name="film.safetensors", family="sdxl")
    TemplateLora.objects.create(template=template, lora=lora)
    server = Server.objects.create(
        name="gpu-1", address="http://127.0.0.1:9", allow_private=True, files={"ckpt_name": ["sdxl.safetensors"]}
    )
    ServerJob.objects.create(pk=uuid4(), server=server)
    LanguageServer.objects.create(address="http://127.0.0.1:9/v1", model="fake-large")
    SavedAnswer.objects.create(key="k" * 64, job="plan", model="fake-large", answer={})
    TokenPrice.objects.create(model="fake-large", prompt=2_000_000, completion=8_000_000)
    graph, bindings = starters.shipped("smoke-no-model")
    save_workflow(slug="smoke-no-model", title="Smoke", graph=graph, bindings=bindings)
    Product.objects.create(brand=brand, name="Radiance serum")
    Brand.objects.filter(pk=brand.pk).update(colours={"primary": "#006746"})
    webhook = Webhook.objects.create(brand=brand, url="https://example.com/hook")
    Delivery.objects.create(webhook=webhook, kind="ping", object_id=webhook.pk, body={})
    Message.objects.create(to="max@example.com", kind="ready", brand=brand)
    Invitation.objects.create(brand=brand, email="max@example.com", expires_at=timezone.now())
    breakers.failed("comfyui", "Nobody answers.")
    actions.make_collection(by=None, brand=brand, name="Summer")
    actions.save_search(by=None, brand=brand, name="Glow", wanted={"q": "glow"})
    fonts.add(by=User.objects.get(email="mia@example.com"), brand=brand, data=font(), licence="Bought from its maker", may_use=True)
    made = pipeline.run(order.pk)
    keys.make_key(by=User.objects.get(email="mia@example.com"), brand=brand, name="Shop")
    ReviewLink.objects.create(generation=made, expires_at=timezone.now())
    return made


def test_every_room_shows_its_own_rows_and_no_others() -> None:
    assert sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label in OURS) == sorted(MODELS)


def test_tokens_are_not_shown_to_anybody() -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label in ("account", "mfa", "usersessions", "sessions")]


def test_the_rooms_stand_in_the_order_of_an_ads_life(desk: Client) -> None:
    page = desk.get(reverse("admin:index"))
    assert [app["app_label"] for app in page.context["app_list"]][: len(OURS)] == list(OURS)
    assert "AdsGem staff" in page.content.decode()


def test_every_list_and_every_page_opens(desk: Client, full: Generation) -> None:
    for model in MODELS:
        rows = model_of(model)._default_manager.all()
        listed = desk.get(address(model, "changelist"))
        assert listed.status_code == 200 and listed.context["cl"].result_count == rows.count() > 0, model
        assert desk.get(address(model, "changelist"), {"q": "glow"}).status_code == 200, model
        for row in rows[:2]:
            assert desk.get(address(model, "change", row.pk)).status_code == 200, model


@pytest.mark.parametrize("model", MODELS)
def test_a_page_to_add_a_row_exists_only_where_people_add_rows(desk: Client, model: str) -> None:
    expected = 403 if model.split(".")[1] in (*WRITTEN_BY_THE_MACHINE, *THERE_ALREADY) else 200
    assert desk.get(address(model, "add")).status_code == expected


def test_every_filter_of_every_list_can_be_used(desk: Client, full: Generation) -> None:
    for model in MODELS:
        page = desk.get(address(model, "changelist"))
        for filter_ in page.context["cl"].filter_specs:
            for choice in list(filter_.choices(page.context["cl"]))[:3]:
                answer = desk.get(address(model, "changelist") + choice["query_string"])
                assert answer.status_code == 200, (model, filter_.title)


def _cost(desk: Client, model: str) -> int:
    desk.get(address(model, "changelist"))  # what is cached by the first look
    with CaptureQueriesContext(connection) as queries:
        assert desk.get(address(model, "changelist")).status_code == 200
    return len(queries)


@pytest.fixture
def more(full: Generation, mia: User, brand: Brand, template: AdTemplate, photo: Photo) -> Callable[[], None]:
    """Makes four more of everything, when it is called."""
    ready = Ad.objects.filter(picture__generation=full).select_related("picture")[0]
    version = template.current
    assert version is not None

    def make(number: int) -> None:
        person = User.objects.create_user(f"person{number}@example.com", PASSWORD)
        other = Brand.objects.create(name=f"Brand {number}", slug=f"brand-{number}", colours={"primary": "#112233"})
        Membership.objects.create(user=person, brand=other)
        Product.objects.create(brand=other, name=f"Product {number}")
        lora = Lora.objects.create(slug=f"lora{number}", title=f"LoRA {number}", file_name="x.safetensors", family="sdxl")
        TemplateLora.objects.create(template=template, lora=lora)
        category = Category.objects.create(slug=f"shelf-{number}", title=f"Shelf {number}", position=50 + number)
        twin = AdTemplate.objects.create(slug=f"twin-{number}", title=f"Twin {number}", category=category, published=True)
        twin.current = AdTemplateVersion.objects.create(template=twin, number=1, data=version.data, layout=version.layout)
        twin.save()
        layout = Layout.objects.create(slug=f"layout-{number}", title=f"Layout {number}")
        layout.current = LayoutVersion.objects.create(layout=layout, number=1, data=version.layout.data)
        layout.save()
        order = actions.order_generation(
            by=mia, brand=brand, template=twin, brief=full.brief, placements=placements("google_display_250x250"), photos=[photo]
        )
        Ad.objects.filter(picture__generation=order).update(file=ready.file, status="ready", checks=ready.checks)
        Picture.objects.filter(generation=order).update(raw=ready.picture.raw)
        Step.objects.create(kind=Step.Kind.PAINT, generation=order, who="builtin")

    return lambda: [make(number) for number in range(4)] and None


def test_lists_cost_the_same_for_few_rows_or_many(desk: Client, more: Callable[[], None]) -> None:
    before = {model: _cost(desk, model) for model in MODELS}
    more()
    assert {model: _cost(desk, model) for model in MODELS} == before
    assert max(before.values()) <= 14


@pytest.mark.parametrize("model", MODELS)
def test_a_marketer_is_sent_away(mia: User, client: Client, model: str) -> None:
    client.force_login(mia)
    for page in ("changelist", "add"):
        assert client.get(address(model, page)).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_marketer_gets_no_file_out_of_admin(mia: User, client: Client, photo: Photo) -> None:
    client.force_login(mia)
    for size in ("thumb", "large", "full"):
        assert client.get(reverse("admin:stored_file", args=[photo.file_id, size])).status_code == 302


def test_staff_without_the_right_to_see_files_get_none(db: None, client: Client, photo: Photo) -> None:
    curator = User.objects.create_user("cora@example.com", PASSWORD, is_staff=True)
    client.force_login(curator)
    shown = reverse("admin:stored_file", args=[photo.file_id, "thumb"])
    assert client.get(shown).status_code == 403
    curator.user_permissions.add(Permission.objects.get(codename="view_storedfile"))
    assert client.get(shown).status_code == 200


def test_staff_see_small_large_and_whole_pictures(desk: Client, photo: Photo) -> None:
    small = desk.get(reverse("admin:stored_file", args=[photo.file_id, "thumb"]))
    assert (small.status_code, small["Content-Type"]) == (200, "image/webp") and small["Cache-Control"] == "private, max-age=86400"
    whole = desk.get(reverse("admin:stored_file", args=[photo.file_id, "full"]))
    assert whole["Content-Type"] == photo.file.type and whole["Cache-Control"] == "private, no-store"
    assert len(b"".join(whole.streaming_content)) == photo.file.bytes  # type: ignore[attr-defined]
    for sha256, size in ((photo.file_id, "huge"), ("0" * 64, "thumb"), ("0" * 64, "full")):
        assert desk.get(reverse("admin:stored_file", args=[sha256, size])).status_code == 404


def test_a_row_whose_file_is_gone_is_a_404_and_no_crash(desk: Client) -> None:
    lost = StoredFile.objects.create(sha256="ab" * 32, bytes=3, type="image/png")
    for size in ("thumb", "full"):
        assert desk.get(reverse("admin:stored_file", args=[lost.sha256, size])).status_code == 404


def _form(page: Any) -> dict[str, Any]:
    """What the form of this page would send, as it stands."""
    data: dict[str, Any] = {}
    forms = [page.context["adminform"].form, *(inline.formset.management_form for inline in page.context["inline_admin_formsets"])]
    forms += [form for inline in page.context["inline_admin_formsets"] for form in inline.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = value
    return data


def test_editing_a_template_writes_a_new_version_and_keeps_the_old_one(desk: Client, sam: User, template: AdTemplate) -> None:
    old = template.current
    assert old is not None
    page = address("templates_app.adtemplate", "change", template.pk)
    sent = _form(desk.get(page))
    data = json.loads(sent["data"])
    assert data == old.data
    data["words"]["scene"] = "a podium of pale stone at dawn"
    answer = desk.post(page, {**sent, "data": json.dumps(data), "note": "Dawn in place of noon"})
    assert answer.status_code == 302
    template.refresh_from_db()
    new = AdTemplateVersion.objects.get(pk=template.current_id)
    assert (new.number, new.author, new.note) == (old.number + 1, sam, "Dawn in place of noon")
    assert new.data["words"]["scene"] == "a podium of pale stone at dawn" and new.layout_id == old.layout_id
    assert AdTemplateVersion.objects.get(pk=old.pk).data == old.data


def test_another_layout_is_a_new_version_of_the_template(desk: Client, template: AdTemplate) -> None:
    old = template.current
    assert old is not None
    other = Layout.objects.exclude(pk=old.layout.layout_id)[0]
    page = address("templates_app.adtemplate", "change", template.pk)
    assert desk.post(page, {**_form(desk.get(page)), "layout": other.pk}).status_code == 302
    template.refresh_from_db()
    new = AdTemplateVersion.objects.get(pk=template.current_id)
    assert (new.number, new.layout_id, new.data) == (old.number + 1, other.current_id, old.data)


def test_templates_take_the_newest_version_of_their_layout_when_staff_say_so(desk: Client, template: AdTemplate) -> None:
    assert template.current is not None
    layout = template.current.layout.layout
    page = address("templates_app.layout", "change", layout.pk)
    sent = _form(desk.get(page))
    assert desk.post(page, {**sent, "data": json.dumps({**json.loads(sent["data"]), "margin": 0.05})}).status_code == 302
    template = AdTemplate.objects.get(pk=template.pk)
    assert template.current is not None and template.current.layout.data.get("margin") != 0.05  # until they say so
    listed = address("templates_app.adtemplate", "changelist")
    assert desk.post(listed, {"action": "take_newest_layout", "_selected_action": [template.pk]}).status_code == 302
    template = AdTemplate.objects.get(pk=template.pk)
    assert template.current is not None and template.current.layout.data["margin"] == 0.05


def test_a_new_template_is_made_with_its_first_version(desk: Client, template: AdTemplate) -> None:
    assert template.current is not None
    page = address("templates_app.adtemplate", "add")
    told = {"title": "Fresh", "slug": "fresh", "category": template.category_id, "layout": template.current.layout.layout_id}
    sent = {**_form(desk.get(page)), **told, "data": json.dumps(template.current.data), "needs_photo": "on"}
    assert desk.post(page, sent).status_code == 302
    made = AdTemplate.objects.get(slug="fresh")
    assert made.current is not None and made.current.number == 1 and not made.published


def test_saving_without_a_change_writes_no_version(desk: Client, template: AdTemplate) -> None:
    page = address("templates_app.adtemplate", "change", template.pk)
    before = template.versions.count()
    sent = {**_form(desk.get(page)), "title": "Another title"}
    assert desk.post(page, sent).status_code == 302
    template.refresh_from_db()
    assert template.title == "Another title" and template.versions.count() == before


@pytest.mark.parametrize("data", ["{not json", "[]", "{}", '{"words": {"scene": "x"}, "style": {"unicorns": 1}}'])
def test_data_that_no_maker_can_read_is_refused_in_the_form(desk: Client, template: AdTemplate, data: str) -> None:
    page = address("templates_app.adtemplate", "change", template.pk)
    before = template.versions.count()
    answer = desk.post(page, {**_form(desk.get(page)), "data": data})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors["data"]
    assert template.versions.count() == before


def test_a_placement_and_a_layout_are_edited_by_versions_too(desk: Client, db: None) -> None:
    placement = Placement.objects.select_related("current").get(slug="meta_ig_stories")
    page = address("templates_app.placement", "change", placement.pk)
    sent = _form(desk.get(page))
    data = {**json.loads(sent["data"]), "max_bytes": 1_234_567}
    assert desk.post(page, {**sent, "data": json.dumps(data)}).status_code == 302
    newest = PlacementVersion.objects.filter(placement=placement)[0]
    placement.refresh_from_db()
    assert placement.current_id == newest.pk and newest.data["max_bytes"] == 1_234_567 and newest.number == 2

    layout = Layout.objects.select_related("current").all()[0]
    page = address("templates_app.layout", "change", layout.pk)
    broken = desk.post(page, {**_form(desk.get(page)), "data": '{"unicorns": 1}'})
    assert broken.status_code == 200 and broken.context["adminform"].form.errors["data"]
    assert LayoutVersion.objects.filter(layout=layout).count() == 1


def test_templates_are_published_and_taken_out_in_the_list(desk: Client, template: AdTemplate) -> None:
    listed = address("templates_app.adtemplate", "changelist")
    for action, published in (("unpublish", False), ("publish", True)):
        assert desk.post(listed, {"action": action, "_selected_action": [template.pk]}).status_code == 302
        template.refresh_from_db()
        assert template.published is published


def test_templates_and_brands_are_not_deleted_from_under_their_ads(desk: Client, template: AdTemplate, brand: Brand) -> None:
    assert desk.post(address("templates_app.adtemplate", "delete", template.pk), {"post": "yes"}).status_code == 403
    assert desk.post(address("accounts.brand", "delete", brand.pk), {"post": "yes"}).status_code == 403
    assert AdTemplate.objects.filter(pk=template.pk).exists() and Brand.objects.filter(pk=brand.pk).exists()


def test_what_the_machine_wrote_is_changed_by_nobody(desk: Client, full: Generation) -> None:
    for model in (model for model in MODELS if model.split(".")[1] in WRITTEN_BY_THE_MACHINE):
        row = model_of(model)._default_manager.all()[0]
        assert desk.post(address(model, "change", row.pk), {"status": "failed"}).status_code == 403, model
        assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model


def test_staff_have_an_engine_asked_again_at_once(desk: Client) -> None:
    for _ in range(3):
        breakers.failed("comfyui", "Nobody answers.")
    assert not breakers.may_try("comfyui")
    listed = address("generations.breaker", "changelist")
    assert "Nobody answers." in desk.get(listed).content.decode()
    assert desk.post(listed, {"action": "try_again", "_selected_action": ["comfyui"]}).status_code == 302
    assert breakers.may_try("comfyui")


def test_staff_stop_orders(desk: Client, order: Generation) -> None:
    listed = address("generations.generation", "changelist")
    assert desk.post(listed, {"action": "stop", "_selected_action": [order.pk]}).status_code == 302
    order.refresh_from_db()
    assert order.status == Generation.Status.CANCELLED


@pytest.mark.parametrize("by", ["id", "headline", "product", "brand", "email"])
def test_an_order_is_found_by_what_people_know_of_it(desk: Client, order: Generation, eve: User, by: str) -> None:
    known = {"id": str(order.pk), "headline": "wake up to", "product": "radiance", "brand": "mirav", "email": "mia@"}
    found = desk.get(address("generations.generation", "changelist"), {"q": known[by]}).context["cl"]
    assert found.result_count == 1
    assert desk.get(address("generations.generation", "changelist"), {"q": "unicorn"}).context["cl"].result_count == 0


def test_an_ad_shows_its_checks_its_recipe_and_its_file(desk: Client, full: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=full).select_related("file", "placement__placement", "picture")[0]
    page = desk.get(address("generations.ad", "change", ad.pk)).content.decode()
    assert ad.file is not None and ad.file_name in page and reverse("admin:stored_file", args=[ad.file.sha256, "full"]) in page
    assert ad.checks[0]["rule"] in page and "raw_pixels" in page


def test_a_new_person_is_made_by_address_and_signs_in_whatever_its_capitals(desk: Client, client: Client) -> None:
    sent = {
        "email": "New@Example.com",
        "name": "New",
        "usable_password": "true",
        "password1": "a long enough one",
        "password2": "a long enough one",
    }
    inlines = {f"memberships-{name}": value for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))}
    assert desk.post(address("accounts.user", "add"), {**sent, **inlines}).status_code == 302
    made = User.objects.get(email="new@example.com")
    assert made.check_password("a long enough one") and not made.is_staff


@pytest.mark.parametrize("colours", ['{"primary": "green"}', '["#006746"]', '{"primary": "#006746; background: url(x)"}'])
def test_a_brands_colours_must_be_colours(desk: Client, brand: Brand, colours: str) -> None:
    page = address("accounts.brand", "change", brand.pk)
    answer = desk.post(page, {**_form(desk.get(page)), "colours": colours})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors["colours"]


def test_the_words_of_marketers_are_shown_as_text(desk: Client, order: Generation) -> None:
    Generation.objects.filter(pk=order.pk).update(brief_data={**order.brief_data, "headline": "<script>alert(1)</script>"})
    Photo.objects.update(name="<img src=x onerror=alert(1)>.png")
    for page in (
        address("generations.generation", "changelist"),
        address("generations.generation", "change", order.pk),
        address("generations.photo", "changelist"),
    ):
        text = desk.get(page).content.decode()
        assert "<script>alert(1)" not in text and "<img src=x" not in text


def test_admin_pages_have_no_script_of_their_own_inside(desk: Client, full: Generation) -> None:
    for model in MODELS:
        text = desk.get(address(model, "changelist")).content.decode()
        opened = [part.split(">")[0] for part in text.split("<script")[1:]]
        assert opened and all("src=" in attributes or "application/json" in attributes for attributes in opened), model
        assert " onclick=" not in text and " onload=" not in text
