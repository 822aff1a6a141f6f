"""One order from click to file, painted by ComfyUI."""

from __future__ import annotations

import pytest

from accounts import ledger
from comfy import pool, starters
from comfy.models import Lora, ServerJob
from generations import actions, pipeline
from generations.models import Ad, Step
from prompting.brief import Brief
from templates_app.models import AdTemplate, AdTemplateVersion, TemplateLora
from tests.fakes.comfy_server import Simulator
from tests.people import placements

WORKFLOW = {"workflow": "sd-inpaint-keep-product", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": 4}}


def made_for_comfyui(template: AdTemplate) -> None:
    """A version of the template that names a workflow."""
    starters.load()
    before = template.current
    assert before is not None
    data = {**before.data, "engines": {**before.data["engines"], "comfyui": WORKFLOW}}
    template.current = AdTemplateVersion.objects.create(template=template, layout=before.layout, number=before.number + 1, data=data)
    template.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ["auto", "comfyui"])
def test_mias_ads_are_painted_by_comfyui_once_each_and_are_ready(settings, brand, mia, template, photo, engine):
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    ledger.grant(brand, 50, reason="For the test", by=None)
    made_for_comfyui(template)
    with Simulator(step_seconds=0.02) as server:
        pool.adopt_from_settings([server.url])
        order = actions.order_generation(
            by=mia,
            brand=brand,
            template=template,
            brief=Brief.read({"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"}),
            placements=placements("google_display_300x250", "google_display_250x250"),
            photos=[photo],
            seed=7,
            engine=engine,
        )
        ended = pipeline.run(order.pk)
    pictures = list(ended.pictures.all())
    assert ended.status == "ready" and {picture.engine for picture in pictures} == {"comfyui"}
    assert server.posts == {str(picture.job_id): 1 for picture in pictures}
    assert all(picture.facts["workflow"] == "sd-inpaint-keep-product" and picture.server_name for picture in pictures)
    assert all(step.gpu_seconds > 0 for step in Step.objects.filter(generation=order, kind=Step.Kind.PAINT))
    assert not ServerJob.objects.filter(seat__isnull=False).exists(), "every seat is free again"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("strength", "weights"), [(None, [0.4, 0.6]), (2.0, [1.0, 0.6])])
def test_the_loras_that_staff_gave_a_template_are_in_its_pictures_as_strong_as_the_order_says(
    settings, brand, mia, template, photo, strength, weights
):
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    ledger.grant(brand, 50, reason="For the test", by=None)
    made_for_comfyui(template)
    film, gloss = (
        Lora.objects.create(slug=slug, title=slug.title(), file_name=f"{file}.safetensors", family="sd15", trigger_words=slug, weight_max=most, weight_default=0.5)
        for slug, file, most in (("film", "style", 1.0), ("gloss", "product", 0.6))
    )  # fmt: skip
    TemplateLora.objects.create(template=template, lora=gloss, weight=0.9, position=2)
    TemplateLora.objects.create(template=template, lora=film, weight=0.4, position=1)
    with Simulator() as server:
        pool.adopt_from_settings([server.url])
        order = actions.order_generation(
            by=mia,
            brand=brand,
            template=template,
            brief=Brief.read({"headline": "Wake up to glow"}),
            placements=placements("google_display_300x250"),
            photos=[photo],
            lora_strength=strength,
        )
        pipeline.run(order.pk)
        graph = server.painted[0]["graph"]
    loaded = [node["inputs"] for node in graph.values() if node["class_type"] == "LoraLoader"]
    assert [(one["lora_name"], one["strength_model"]) for one in loaded] == list(zip(["style.safetensors", "product.safetensors"], weights))
    assert graph["4"]["inputs"]["text"].endswith("film, gloss")
    ad = Ad.objects.select_related("picture").get(picture__generation=order)
    told = [
        {"lora": slug, "file": f"{file}.safetensors", "weight": weight}
        for slug, file, weight in zip(["film", "gloss"], ["style", "product"], weights)
    ]
    assert ad.picture.facts["loras"] == told and ad.recipe["scene"]["loras"] == told


@pytest.mark.django_db(transaction=True)
def test_an_order_for_auto_is_painted_here_while_no_server_has_the_templates_checkpoint(brand, mia, template, photo):
    made_for_comfyui(template)
    with Simulator(checkpoints=("other.safetensors",)) as server:
        pool.adopt_from_settings([server.url])
        told = {"by": mia, "brand": brand, "template": template, "photos": [photo], "placements": placements("google_display_300x250")}
        order = actions.order_generation(brief=Brief.read({"headline": "Wake up to glow"}), **told)
        assert {picture.engine for picture in order.pictures.all()} == {"builtin"}
        with pytest.raises(actions.OrderRefused, match="No picture server has the models"):
            actions.order_generation(brief=Brief.read({"headline": "Wake up to glow"}), engine="comfyui", **told)


@pytest.mark.django_db(transaction=True)
def test_why_no_server_could_paint_a_picture_stands_at_its_step_for_staff_and_not_in_what_mia_reads(settings, brand, mia, template, photo):
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    ledger.grant(brand, 50, reason="For the test", by=None)
    made_for_comfyui(template)
    with Simulator(fail="node") as server:
        pool.adopt_from_settings([server.url])
        told = {"by": mia, "brand": brand, "template": template, "photos": [photo], "placements": placements("google_display_300x250")}
        order = actions.order_generation(brief=Brief.read({"headline": "Wake up to glow"}), **told)
        ended = pipeline.run(order.pk)
    picture = ended.pictures.get()
    assert ended.status == "failed" and "Choose another template" in picture.error_message and "node 7" not in picture.error_message
    step = Step.objects.get(generation=order, kind=Step.Kind.PAINT)
    assert picture.error_message in step.error and ": node 7 (KSampler) failed: ValueError" in step.error and "own window" in step.error
