"""One order from click to file, painted by ComfyUI."""

from __future__ import annotations

import pytest

from accounts import ledger
from comfy import pool, starters
from comfy.models import ServerJob
from generations import actions, pipeline
from generations.models import Step
from prompting.brief import Brief
from templates_app.models import AdTemplateVersion
from tests.fakes.comfy_server import Simulator
from tests.people import placements

WORKFLOW = {"workflow": "sd-inpaint-keep-product", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": 4}}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ["auto", "comfyui"])
def test_mias_ads_are_painted_by_comfyui_once_each_and_are_ready(settings, brand, mia, template, photo, engine):
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    ledger.grant(brand, 50, reason="For the test", by=None)
    starters.load()
    before = template.current
    data = {**before.data, "engines": {**before.data["engines"], "comfyui": WORKFLOW}}
    template.current = AdTemplateVersion.objects.create(template=template, layout=before.layout, number=before.number + 1, data=data)
    template.save()
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
